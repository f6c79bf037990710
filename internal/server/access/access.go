// Package access says who may do what on a gyoji server: roles and keys, the calls
// that a key may make, the form of refusals, the audit log, and the one safe way to
// open an address that a user has set.
package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Role is what a key may do.
type Role string

// The roles. Each of read, triage, content and admin may also do what those before it
// may; ingest may only send.
const (
	Public  Role = ""        // of a call that asks for no key
	Ingest  Role = "ingest"  // send logs
	Read    Role = "read"    // search, and look at what is set up
	Triage  Role = "triage"  // work on insights
	Content Role = "content" // change rules, lookup tables, saved searches
	Admin   Role = "admin"   // change sources, keys and the store
)

// Roles are the roles that a key may have.
var Roles = []Role{Ingest, Read, Triage, Content, Admin}

// ParseRole reads the name of a role.
func ParseRole(s string) (Role, error) {
	r := Role(strings.ToLower(s))
	if !slices.Contains(Roles, r) {
		names := make([]string, len(Roles))
		for i, r := range Roles {
			names[i] = string(r)
		}
		return "", fmt.Errorf("there is no role %q; choose one of %s", s, strings.Join(names, ", "))
	}
	return r, nil
}

// May reports whether a key of the role may make a call that needs another.
func (r Role) May(needed Role) bool {
	if needed == Public || r == Admin || r == needed {
		return true
	}
	return r != Ingest && needed != Ingest && slices.Index(Roles, r) >= slices.Index(Roles, needed)
}

// Principal is who makes a request: the holder of a key.
type Principal struct {
	ID    string // access id; "" for nobody
	Label string // what the key is for
	Role  Role
}

// String is the access id, or what stands for nobody.
func (p Principal) String() string {
	if p.ID == "" {
		return "-"
	}
	return p.ID
}

type principalKey struct{}

// With returns a context of a request by p.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// From is who made the request of a context; the zero Principal where nobody is known.
func From(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}
