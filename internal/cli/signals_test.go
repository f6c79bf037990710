//go:build unix

package cli

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A followed log ends soon after SIGINT or SIGTERM, whenever that comes: while the program
// starts, waits, is in the middle of an increment, writes, or writes to somebody who does
// not read.
func TestFollowingEndsAtOnceOnASignal(t *testing.T) {
	queries := []string{
		`*`, `* | json auto | where n > 10 | fields n, text`, `* | count by text`, `* | sort by n | limit 10`,
		`* | json auto | parse regex field=text "(?<word>\w+)" | count by word`,
	}
	if signal.Ignored(os.Interrupt) {
		// As a command in the background has it. The program would inherit that, and
		// lose an interrupt that comes before it listens.
		heard := make(chan os.Signal, 1)
		signal.Notify(heard, os.Interrupt)
		t.Cleanup(func() { signal.Stop(heard) })
	}
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	const times = 20
	for i := range times {
		query, delay, unread := queries[r.IntN(len(queries))], time.Duration(r.IntN(700))*time.Millisecond, i%4 == 3
		sig := []os.Signal{os.Interrupt, syscall.SIGTERM}[r.IntN(2)]
		folder := r.IntN(2) == 0
		t.Run(fmt.Sprintf("%d %v after %v unread %v %s", i, sig, delay, unread, query), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			log := filepath.Join(dir, "app.jsonl")
			text := bytes.Repeat([]byte(`{"n":12,"text":"some words of a log that is being written"}`+"\n"), 3000)
			if err := os.WriteFile(log, text, 0o600); err != nil {
				t.Fatal(err)
			}
			path := log
			if folder {
				path = dir
			}
			cmd := exec.Command("gyoji", "search", "--follow", "-f", "ndjson", query, path)
			var said bytes.Buffer
			cmd.Stderr = &said
			if unread {
				unread, w, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				defer unread.Close()
				defer w.Close()
				cmd.Stdout = w
				query = queries[0]
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			stop, stopped := make(chan bool), make(chan bool)
			go func() { // the log grows, and is rotated
				defer close(stopped)
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					case <-time.After(10 * time.Millisecond):
					}
					if n%20 == 19 {
						os.Rename(log, fmt.Sprintf("%s.%d", log, n))
					}
					if f, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
						f.Write(text[:len(text)/10])
						f.Close()
					}
				}
			}()
			defer func() { close(stop); <-stopped }()
			time.Sleep(delay)
			at := time.Now()
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatalf("it has ended before the signal: %v\n%s", err, said.String())
			}
			late := time.AfterFunc(2*patience, func() { cmd.Process.Signal(syscall.SIGQUIT) })
			err := cmd.Wait()
			if !late.Stop() {
				t.Fatalf("still running %v after the signal (seed %d)\n%s", time.Since(at), seed, said.String())
			}
			var failed *exec.ExitError
			switch {
			case err == nil:
			case errors.As(err, &failed) && failed.ExitCode() == exitInterrupted:
			case errors.As(err, &failed) && failed.Sys().(syscall.WaitStatus).Signaled() && said.Len() == 0:
				// The signal came before the program was ready for it.
			default:
				t.Errorf("ended with %v (seed %d)\n%s", err, seed, said.String())
			}
		})
	}
}
