package fn

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "hash", Usage: "hash(<x:expr>[, <algorithm:expr>])",
		Summary: "A hash of the text of x, in lower-case hexadecimal digits.",
		Text:    "Algorithms: `md5`, which is the default, `sha1`, `sha2_256` (`sha_256` too) and `murmur3_128`.",
		Differs: "Digits in lower case. murmur3_128 has seed 0, its 16 bytes in the order of memory.",
		Examples: lang.Calls(
			`hash("hello")`, `"5d41402abc4b2a76b9719d911017c592"`,
			`hash("hello", "sha1")`, `"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"`,
			`hash("hello", "sha2_256")`, `"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"`,
			`hash("hello", "murmur3_128")`, `"029bbd41b3a7d8cb191dae486a901e5b"`),
	},
	Make: func(s *lang.Site) call {
		if !noRegex(s, -1) {
			return nil
		}
		if len(s.Args) == 1 {
			return hashWith(hashes["md5"])
		}
		if name, known := s.Const(1); known && !name.IsNull() {
			sum := hashes[strings.ToLower(name.Str())]
			if sum == nil {
				s.Error(1, "unknown-algorithm", fmt.Sprintf("there is no hash %q", name.Str()), "known are md5, sha1, sha2_256 and murmur3_128")
				return nil
			}
			return hashWith(sum)
		}
		return func(env *expr.Env, args []event.Value) (event.Value, error) {
			sum := hashes[strings.ToLower(args[1].Str())]
			if sum == nil {
				return event.Value{}, fmt.Errorf("there is no hash %q", clip(args[1].Str()))
			}
			return hashWith(sum)(env, args)
		}
	},
})

var hashes = map[string]func([]byte) []byte{
	"md5":         func(b []byte) []byte { h := md5.Sum(b); return h[:] },
	"sha1":        func(b []byte) []byte { h := sha1.Sum(b); return h[:] },
	"sha2_256":    func(b []byte) []byte { h := sha256.Sum256(b); return h[:] },
	"sha_256":     func(b []byte) []byte { h := sha256.Sum256(b); return h[:] },
	"murmur3_128": func(b []byte) []byte { h := murmur3(b); return h[:] },
}

func hashWith(sum func([]byte) []byte) call {
	return func(_ *expr.Env, args []event.Value) (event.Value, error) {
		return event.Text(hex.EncodeToString(sum([]byte(args[0].Str())))), nil
	}
}
