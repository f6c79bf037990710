package cli

import (
	"os"
	"path/filepath"
	"testing"

	"aead.dev/minisign"
)

// Keys without a password here: one with a password takes a second and a gigabyte to open,
// which is what protects it.
func TestSignaturesAreOfOneKeyAndOneText(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		at := filepath.Join(dir, name)
		if err := os.WriteFile(at, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return at
	}
	mine, secret, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	theirs, _, _ := minisign.GenerateKey(nil)
	written, _ := secret.MarshalText()
	read, err := (&app{}).secretKey(file("me.key", written), "")
	if err != nil || !read.Equal(secret) {
		t.Fatalf("the key is not read as it was: %v", err)
	}
	text := []byte("packed")
	sig := minisign.SignWithComments(read, text, "trusted", "untrusted")
	at := file("sig", sig)
	for _, key := range []string{mine.String(), file("me.pub", []byte(mine.String()+"\n"))} {
		if _, comment, err := checkSignature(text, key, at); err != nil || comment != "trusted" {
			t.Errorf("--key %s: %q, %v", key, comment, err)
		}
	}
	for what, check := range map[string]func() error{
		"another text": func() error { _, _, err := checkSignature([]byte("Packed"), mine.String(), at); return err },
		"another key":  func() error { _, _, err := checkSignature(text, theirs.String(), at); return err },
		"no signature": func() error { _, _, err := checkSignature(text, mine.String(), filepath.Join(dir, "none")); return err },
		"no key":       func() error { _, _, err := checkSignature(text, "RWQ", at); return err },
	} {
		if check() == nil {
			t.Errorf("%s is taken", what)
		}
	}
	for i := range sig { // every byte counts, but those of the untrusted comment
		bad := append([]byte(nil), sig...)
		bad[i] ^= 1
		var is, was minisign.Signature
		if is.UnmarshalText(bad) == nil && was.UnmarshalText(sig) == nil && is.Signature == was.Signature && is.CommentSignature == was.CommentSignature && is.KeyID == was.KeyID && is.TrustedComment == was.TrustedComment && is.Algorithm == was.Algorithm {
			continue // two bits of the last letter of base64 say nothing
		}
		if _, _, err := checkSignature(text, mine.String(), file("bad", bad)); err == nil && i >= len("untrusted comment: untrusted") {
			t.Errorf("byte %d of the signature may be any", i)
		}
	}
}
