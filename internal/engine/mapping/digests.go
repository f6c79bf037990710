package mapping

import "strings"

// digests are the names in Sysmon's Hashes of what Sigma's taxonomy has as
// fields of their own.
// Source: the taxonomy appendix of the Sigma specification, process_creation.
var digests = map[string]string{"md5": "MD5", "sha1": "SHA1", "sha256": "SHA256", "imphash": "IMPHASH"}

// DigestLists are the fields that hold digests as NAME=value,NAME=value. Hash is
// that of Sysmon's event 15.
var DigestLists = []string{"Hashes", "Hash"}

// Digest is the name that a digest which Sigma has as a field has in a list.
func Digest(field string) (name string, ok bool) {
	name, ok = digests[strings.ToLower(field)]
	return name, ok
}

// CutDigest returns the digest of a name in a list.
func CutDigest(list, name string) (digest string, ok bool) {
	for part := range strings.SplitSeq(list, ",") {
		if n, v, found := strings.Cut(part, "="); found && strings.EqualFold(strings.TrimSpace(n), name) {
			return v, true
		}
	}
	return "", false
}
