package cli

import (
	"fmt"
	"os"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// progressEvery is how often the bar is drawn, and how long a run stays silent
// at first: a quick one needs no bar.
const progressEvery = 200 * time.Millisecond

// progress draws a line on stderr while logs are read.
type progress struct {
	quit chan struct{}
	done chan struct{}
}

// draws reports whether lines on stderr may be drawn over: on a terminal that can.
func (a *app) draws() bool { return a.errTTY && !a.quiet && os.Getenv("TERM") != "dumb" }

// watch starts the progress bar, on a terminal only.
func (s *session) watch(r reading) {
	if !s.app.draws() {
		return
	}
	width := s.app.errWidth
	p := &progress{quit: make(chan struct{}), done: make(chan struct{})}
	s.progress = p
	start := time.Now()
	go func() {
		defer close(p.done)
		t := time.NewTicker(progressEvery)
		defer t.Stop()
		for {
			select {
			case <-p.quit:
				fmt.Fprint(s.app.err, "\r\x1b[K")
				return
			case <-t.C:
				fmt.Fprintf(s.app.err, "\r\x1b[K%s", fitted(bar(r.Stats(), time.Since(start)), width))
			}
		}
	}()
}

// fitted cuts a line to a terminal's width: one that wraps cannot be redrawn.
func fitted(line string, width int) string {
	if r := []rune(line); width > 1 && len(r) >= width {
		return string(r[:width-1])
	}
	return line
}

// bar is one state of the line: how much, how fast, how long yet.
func bar(st input.Stats, took time.Duration) string {
	rate := float64(st.Bytes) / took.Seconds()
	line := fmt.Sprintf("%s  %s/s  %s events", exec.Size(st.Bytes), exec.Size(int64(rate)), number(st.Events))
	if st.Total <= 0 || rate <= 0 {
		return line
	}
	const width = 24
	share := min(float64(st.Bytes)/float64(st.Total), 1)
	full := int(share * width)
	left := time.Duration(float64(st.Total-st.Bytes) / rate * float64(time.Second)).Round(time.Second)
	blocks := ""
	for i := range width {
		if i < full {
			blocks += "█"
		} else {
			blocks += "░"
		}
	}
	return fmt.Sprintf("%s %3.0f%%  %s  %s left", blocks, share*100, line, left)
}

// stop takes the bar away. It may be called on nil.
func (p *progress) stop() {
	if p == nil {
		return
	}
	close(p.quit)
	<-p.done
}
