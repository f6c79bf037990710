package access

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSessionsEnd: sessions end by time, with their key, and the oldest for a new one.
func TestSessionsEnd(t *testing.T) {
	dir := t.TempDir()
	keys, err := OpenKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	key, secret, err := keys.Add("ann", Triage)
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenSessions(dir, keys)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	s.now = func() time.Time { return now }
	first, p, err := s.Begin("h", key.ID, secret)
	if err != nil || p.Label != "ann" || p.Role != Triage {
		t.Fatalf("%+v %v", p, err)
	}
	now = now.Add(SessionTime - time.Second)
	if _, ok := s.Check(first); !ok {
		t.Error("ended a second too early")
	}
	now = now.Add(time.Second)
	if _, ok := s.Check(first); ok {
		t.Error("good for longer than it says")
	}
	second, _, _ := s.Begin("h", key.ID, secret)
	for len(s.all) < sessionsMax {
		s.all = append(s.all, session{Hash: random(64, 16), Key: key.ID, Ends: now.Add(SessionTime).UnixMilli()})
	}
	if _, ok := s.Check(second); !ok {
		t.Error("the oldest of the most ended")
	}
	last, _ := s.add(key.ID)
	if _, ok := s.Check(second); ok {
		t.Error("more than the most")
	}
	again, err := OpenSessions(dir, keys)
	if err != nil {
		t.Fatal(err)
	}
	again.now = s.now
	if _, ok := again.Check(last); !ok {
		t.Error("a server that starts again knows it no more")
	}
	if err := keys.End(key.ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := again.Check(last); ok {
		t.Error("good without its key")
	}
	for _, token := range []string{"", "x", last + "x"} {
		if _, ok := s.Check(token); ok {
			t.Errorf("%q is a session", token)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "sessions.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSessions(dir, keys); err == nil {
		t.Error("a file that cannot be read is no error")
	}
}

// TestSessionGuesses: ten wrong keys of one address within a minute, and it has to wait; others
// do not, and after a minute it does not either.
func TestSessionGuesses(t *testing.T) {
	keys, _ := OpenKeys(t.TempDir())
	s, err := OpenSessions(t.TempDir(), keys)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	s.now = func() time.Time { return now }
	for n := range failuresMax {
		if wait := s.Wait("a"); wait != 0 {
			t.Fatalf("waits %v after %d", wait, n)
		}
		if _, _, err := s.BeginLink("a", "guess"); !errors.Is(err, ErrLink) {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
	}
	if wait := s.Wait("a"); wait != 50*time.Second {
		t.Errorf("waits %v, want the rest of a minute after the first", wait)
	}
	if wait := s.Wait("b"); wait != 0 {
		t.Errorf("another address waits %v", wait)
	}
	now = now.Add(51 * time.Second)
	if wait := s.Wait("a"); wait != 0 {
		t.Errorf("waits %v after a minute", wait)
	}
}
