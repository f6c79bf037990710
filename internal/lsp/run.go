package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The commands of the lenses. Their arguments are the document's address and which of
// its queries is meant.
const (
	commandRun    = "gyoji.run"
	commandWhyNot = "gyoji.whyNot"
)

// outputMax is how much of a query's output is shown, in bytes.
const outputMax = 200 << 10

// ran is the answer to a command.
type ran struct {
	OK        bool   `json:"ok"`
	Output    string `json:"output"` // for people; text of logs, as it is
	Truncated bool   `json:"truncated"`
}

func execute(c *client, ctx context.Context, _ *snapshot, params json.RawMessage) (any, error) {
	var p executeParams
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, err
	}
	if c.Logs == nil || !slices.Contains([]string{commandRun, commandWhyNot}, p.Command) {
		return nil, fmt.Errorf("gyoji has no command %q", p.Command)
	}
	var uri string
	var region int
	if len(p.Arguments) < 1 || json.Unmarshal(p.Arguments[0], &uri) != nil {
		return nil, errors.New("the first argument is the document's address")
	}
	if len(p.Arguments) > 1 && json.Unmarshal(p.Arguments[1], &region) != nil {
		return nil, errors.New("the second argument is the number of the query in the document")
	}
	d := c.snapshot(uri)
	if d == nil {
		return nil, errNotOpen
	}
	f, err := d.seen.Query(region)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	paths := slices.Clone(c.samples)
	c.mu.Unlock()
	if len(paths) == 0 && !c.Always {
		return nil, errors.New("no samples are set: name files or folders of logs in the setting samples")
	}
	out := &bounded{}
	ok := c.Logs.Run(ctx, f.Text, paths, p.Command == commandWhyNot, out)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := ran{OK: ok, Output: strings.ToValidUTF8(out.b.String(), "\ufffd"), Truncated: out.cut}
	told := r.Output
	if r.Truncated {
		told += "\n(cut: there is more)"
	}
	c.notify("window/logMessage", messageParams{3, told})
	last := strings.TrimSpace(r.Output)
	last = last[strings.LastIndexByte(last, '\n')+1:]
	kind := 3
	if !ok {
		kind = 1
	}
	c.notify("window/showMessage", messageParams{kind, "gyoji: " + last + " (the rows stand in the output of gyoji)"})
	return r, nil
}

// errCut ends a query of which enough was seen.
var errCut = errors.New("enough was written")

// bounded keeps the first bytes of what is written to it, and then refuses more.
type bounded struct {
	b   strings.Builder
	cut bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if room := outputMax - b.b.Len(); len(p) > room {
		b.b.Write(p[:room])
		b.cut = true
		return room, errCut
	}
	return b.b.Write(p)
}
