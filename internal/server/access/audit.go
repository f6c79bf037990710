package access

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// AuditName is the file of the log in the data folder.
const AuditName = "audit.jsonl"

const (
	// auditBytesMax is how large the file grows before it is set aside under its time.
	auditBytesMax = 64 << 20
	// refusedEvery is how often a refused key of one address is written down.
	refusedEvery = 10 * time.Second
	// refusedMax is how many addresses are remembered for it.
	refusedMax = 10_000
)

// Audit is the log of who changed what and who was refused: JSON lines that are only
// ever added to.
type Audit struct {
	path string
	logf func(string, ...any)

	mu      sync.Mutex
	f       *os.File
	size    int64
	refused map[string]time.Time
}

// OpenAudit opens the log of a folder. logf is told when it cannot be written.
func OpenAudit(dir string, logf func(string, ...any)) (*Audit, error) {
	a := &Audit{path: filepath.Join(dir, AuditName), logf: logf, refused: map[string]time.Time{}}
	return a, a.open()
}

func (a *Audit) open() error {
	f, err := os.OpenFile(a.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	a.f, a.size = f, st.Size()
	return nil
}

// Write adds what was done, such as "key.add", and on what. r is the request that asked
// for it; nil for what the server did by itself. A nil Audit writes nothing.
func (a *Audit) Write(p Principal, what, on string, r *http.Request) {
	if a == nil {
		return
	}
	entry := struct {
		Time  string `json:"time"`
		Who   string `json:"who"`
		Label string `json:"label,omitempty"`
		From  string `json:"from,omitempty"`
		What  string `json:"what"`
		On    string `json:"on,omitempty"`
	}{Time: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), Who: p.String(), Label: p.Label, What: what, On: on}
	if r != nil {
		entry.From = r.RemoteAddr
	}
	line, err := json.Marshal(entry)
	if err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.f == nil {
		return
	}
	if a.size > auditBytesMax {
		if err := a.turn(); err != nil {
			a.logf("audit log: %v", err)
		}
	}
	n, err := a.f.Write(append(line, '\n'))
	a.size += int64(n)
	if err != nil {
		a.logf("audit log: %v", err)
	}
}

// turn sets the file aside and begins another.
func (a *Audit) turn() error {
	a.f.Close()
	err := os.Rename(a.path, fmt.Sprintf("%s.%d", a.path, time.Now().UnixMilli()))
	if again := a.open(); again != nil {
		a.f = nil
		return again
	}
	return err
}

// Refused writes that a request's key was refused; of one address at most every ten
// seconds, so that a guesser does not fill the disk.
func (a *Audit) Refused(host, why string, r *http.Request) {
	if a == nil {
		return
	}
	a.mu.Lock()
	last, met := a.refused[host]
	now := time.Now()
	again := met && now.Sub(last) < refusedEvery
	if !again {
		if len(a.refused) >= refusedMax {
			clear(a.refused)
		}
		a.refused[host] = now
	}
	a.mu.Unlock()
	if !again {
		a.Write(Principal{}, "refused", why+": "+r.Method+" "+withoutSecrets(r.URL.Path), r)
	}
}

// withoutSecrets is a path without parts that may be tokens, mistyped ones included.
func withoutSecrets(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if len(p) >= 40 {
			parts[i] = "..."
		}
	}
	return strings.Join(parts, "/")
}

// Close ends the log.
func (a *Audit) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.f == nil {
		return nil
	}
	err := a.f.Close()
	a.f = nil
	return err
}
