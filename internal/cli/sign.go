package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"aead.dev/minisign"
	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
)

// Signatures are those of minisign (https://jedisct1.github.io/minisign/): Ed25519 over
// the BLAKE2b hash of the whole packed file, with a comment that is signed too. Its own
// program reads and writes the same files.

const (
	signatureSuffix = ".minisig"
	// signPassword is the environment variable that holds the password of a secret key:
	// a command line can be read by every user of the machine.
	signPassword = "GYOJI_SIGN_PASSWORD"
)

func (a *app) pkgSign() *cobra.Command {
	var key, newKey string
	cmd := &cobra.Command{
		Use:   "sign FILE",
		Short: "Sign a packed package with a key of minisign",
		Long: `sign writes FILE.minisig, the signature of a packed package, as minisign does. Whoever
has your public key then knows that it is from you: gyoji pkg verify FILE --key KEY.pub.

--new-key NAME makes a pair of keys, NAME.key and NAME.pub, and signs with it. The
password that protects a secret key is taken from the environment variable
` + signPassword + `.`,
		Example: `  gyoji pkg sign malicious-link.tar.gz --key me.key
  gyoji pkg sign malicious-link.tar.gz --new-key me`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if (key == "") == (newKey == "") {
				return usageError("sign wants a key: --key FILE, or --new-key NAME to make one")
			}
			text, err := os.ReadFile(args[0])
			if err != nil {
				return &exit{exitInput, err}
			}
			files, err := detection.Unpack(strings.NewReader(string(text)))
			if err != nil {
				return &exit{exitDiagnostics, fmt.Errorf("%s: %w", args[0], err)}
			}
			secret, err := a.secretKey(key, newKey)
			if err != nil {
				return err
			}
			comment := fmt.Sprintf("gyoji package, %d files", len(files))
			signature := minisign.SignWithComments(secret, text, comment, fmt.Sprintf("signature of a gyoji package by %016X", secret.ID()))
			if err := a.replace(args[0]+signatureSuffix, signature); err != nil {
				return &exit{exitInput, err}
			}
			fmt.Fprintln(a.stdout, args[0]+signatureSuffix)
			return nil
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "file of the secret key")
	cmd.Flags().StringVar(&newKey, "new-key", "", "make a pair of keys of this name first")
	return cmd
}

// secretKey reads a secret key, or makes a pair.
func (a *app) secretKey(file, newName string) (k minisign.PrivateKey, err error) {
	password := os.Getenv(signPassword)
	if newName != "" {
		if password == "" {
			return k, usageError("--new-key: put the password that is to protect the key into the environment variable %s", signPassword)
		}
		for _, f := range []string{newName + ".key", newName + ".pub"} {
			if _, err := os.Lstat(f); !errors.Is(err, fs.ErrNotExist) {
				return k, usageError("--new-key %s: %s is there already", newName, f)
			}
		}
		public, secret, err := minisign.GenerateKey(nil)
		if err != nil {
			return k, err
		}
		protected, err := minisign.EncryptKey(password, secret)
		if err != nil {
			return k, err
		}
		if err := os.WriteFile(newName+".key", protected, 0o600); err != nil {
			return k, &exit{exitInput, err}
		}
		if err := os.WriteFile(newName+".pub", []byte(public.String()+"\n"), 0o644); err != nil {
			return k, &exit{exitInput, err}
		}
		fmt.Fprintf(a.stderr, "made %s.key, which stays with you, and %s.pub, which others check with\n", newName, newName)
		return secret, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return k, &exit{exitInput, err}
	}
	if !minisign.IsEncrypted(text) {
		if err := k.UnmarshalText(text); err != nil {
			return k, &exit{exitUsage, fmt.Errorf("--key %s: not a secret key of minisign: %w", file, err)}
		}
		return k, nil
	}
	if password == "" {
		return k, usageError("--key %s: put the password of the key into the environment variable %s", file, signPassword)
	}
	if k, err = minisign.DecryptKey(password, text); err != nil {
		return k, &exit{exitUsage, fmt.Errorf("--key %s: the password in %s does not open it, or it is no secret key of minisign", file, signPassword)}
	}
	return k, nil
}

// checkSignature reports whether text is signed by a public key, which is a file or the
// key itself. It returns the key's id and the comment that was signed.
func checkSignature(text []byte, key, signature string) (id, comment string, err error) {
	var public minisign.PublicKey
	written := []byte(key)
	if t, err := os.ReadFile(key); err == nil {
		written = t
	}
	if err := public.UnmarshalText(written); err != nil {
		return "", "", usageError("--key %s: neither a file with a public key of minisign nor such a key", key)
	}
	sig, err := os.ReadFile(signature)
	if err != nil {
		return "", "", &exit{exitDiagnostics, fmt.Errorf("no signature to check with --key: %w", err)}
	}
	var parsed minisign.Signature
	if err := parsed.UnmarshalText(sig); err != nil {
		return "", "", &exit{exitDiagnostics, fmt.Errorf("%s is no signature of minisign", signature)}
	}
	switch {
	case parsed.KeyID != public.ID():
		return "", "", &exit{exitDiagnostics, fmt.Errorf("%s is by the key %016X, not by %016X", signature, parsed.KeyID, public.ID())}
	case !minisign.Verify(public, text, sig):
		return "", "", &exit{exitDiagnostics, fmt.Errorf("%s does not fit: the package is not as it was signed", signature)}
	}
	return fmt.Sprintf("%016X", public.ID()), parsed.TrustedComment, nil
}
