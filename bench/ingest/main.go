// Command ingest measures what it costs to take logs in: the processor time of a server that is
// sent the same bodies over HTTP, one after the other. gyoji's is of its doors and its store
// alone, from the body to the durable log, and then to sealed segments; VictoriaLogs' is of its
// process. How many events each has is compared before a time is told.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/collect"
	"github.com/gyoji-dev/gyoji/internal/store"
)

func main() {
	var b bench
	var child string
	flag.StringVar(&b.events, "events", "", "flat Sysmon events in JSON Lines, see ../README.md")
	flag.StringVar(&b.victoria, "victoria", "", "program of VictoriaLogs (victoria-logs); \"\" leaves it out")
	flag.IntVar(&b.body, "body", 1<<20, "bytes of a body, about")
	flag.IntVar(&b.runs, "runs", 3, "runs of each, by turns")
	flag.StringVar(&child, "serve", "", "")
	flag.Parse()
	err := error(nil)
	if child != "" {
		err = serve(child)
	} else {
		err = b.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ingest:", err)
		os.Exit(1)
	}
}

type bench struct {
	events, victoria string
	body, runs       int

	bodies [][]byte
	lines  int
	bytes  int
}

func (b *bench) run() error {
	data, err := os.ReadFile(b.events)
	if err != nil {
		return err
	}
	for len(data) > 0 {
		n := min(b.body, len(data))
		if end := bytes.IndexByte(data[n-1:], '\n'); end >= 0 {
			n += end
		} else {
			n = len(data)
		}
		b.bodies, b.bytes, b.lines = append(b.bodies, data[:n]), b.bytes+n, b.lines+bytes.Count(data[:n], []byte{'\n'})
		data = data[n:]
	}
	accept, sealed, theirs := []float64{}, []float64{}, []float64{}
	disk := int64(0)
	for range b.runs {
		a, s, size, err := b.gyoji()
		if err != nil {
			return fmt.Errorf("gyoji: %w", err)
		}
		accept, sealed, disk = append(accept, a), append(sealed, s), size
		if b.victoria == "" {
			continue
		}
		v, err := b.victoriaLogs()
		if err != nil {
			return fmt.Errorf("VictoriaLogs: %w", err)
		}
		theirs = append(theirs, v)
	}
	mb := float64(b.bytes) / 1e6
	fmt.Printf("%d events, %.1f MB, in %d bodies; every server has all of them\n\n| | cpu s | MB/s a core | on disk |\n|---|---|---|---|\n", b.lines, mb, len(b.bodies))
	row := func(name string, ts []float64, disk int64) float64 {
		slices.Sort(ts)
		t := ts[len(ts)/2]
		size := ""
		if disk > 0 {
			size = fmt.Sprintf("1/%.2f", float64(b.bytes)/float64(disk))
		}
		fmt.Printf("| %s | %.2f | %.0f | %s |\n", name, t, mb/t, size)
		return t
	}
	ours := row("gyoji: accepted, durable", accept, 0)
	both := row("gyoji: accepted and sealed", sealed, disk)
	if len(theirs) > 0 {
		t := row("VictoriaLogs: ingested", theirs, 0)
		fmt.Printf("\nVictoriaLogs takes %.1f times gyoji's time to accept (aim: >= 3), and %.1f times that with sealing\n", t/ours, t/both)
	}
	return nil
}

// process is a server that was started.
type process struct {
	cmd *exec.Cmd
	dir string
}

func start(name string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(name, args...)}
	p.cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	p.cmd.Stderr = os.Stderr
	return p, nil
}

// cpu is the processor time of a process so far, in seconds.
func (p *process) cpu() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, err1 := strconv.ParseFloat(fields[11], 64)
	system, err2 := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100, errors.Join(err1, err2) // ticks of a hundredth
}

func (p *process) end() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.cmd.Wait()
}

func (b *bench) send(to string) error {
	for _, body := range b.bodies {
		resp, err := http.Post(to, "application/stream+json", bytes.NewReader(body))
		if err != nil {
			return err
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode/100 != 2 {
			return fmt.Errorf("%s: %s", resp.Status, text)
		}
	}
	return nil
}

func get(at string) (string, error) {
	resp, err := http.Get(at)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	return string(text), err
}

// gyoji runs the doors and the store in a process of their own.
func (b *bench) gyoji() (accept, sealed float64, disk int64, err error) {
	dir, err := os.MkdirTemp("", "gyoji-ingest-*")
	if err != nil {
		return 0, 0, 0, err
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		return 0, 0, 0, err
	}
	p, _ := start(self, "-serve", dir)
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return 0, 0, 0, err
	}
	defer p.end()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		return 0, 0, 0, errors.New("it did not start")
	}
	source := lines.Text()
	base, err := url.Parse(source)
	if err != nil {
		return 0, 0, 0, err
	}
	base.Path = ""
	before, err := p.cpu()
	if err != nil {
		return 0, 0, 0, err
	}
	if err := b.send(source); err != nil {
		return 0, 0, 0, err
	}
	after, err := p.cpu()
	if err != nil {
		return 0, 0, 0, err
	}
	text, err := get(base.String() + "/seal")
	if err != nil {
		return 0, 0, 0, err
	}
	end, err := p.cpu()
	var have struct{ Sealed, SegmentBytes int64 }
	if err := cmp.Or(err, json.Unmarshal([]byte(text), &have)); err != nil {
		return 0, 0, 0, err
	}
	if have.Sealed != int64(b.lines) {
		return 0, 0, 0, fmt.Errorf("it has %d events of %d", have.Sealed, b.lines)
	}
	return after - before, end - before, have.SegmentBytes, nil
}

// serve is gyoji's side: doors and store, and a call that seals.
func serve(dir string) error {
	s, err := store.Open(dir, store.Options{LogMax: -1})
	if err != nil {
		return err
	}
	logf := func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	sources, err := collect.OpenSources(dir, vault{})
	if err != nil {
		return err
	}
	keys, err := access.OpenKeys(dir)
	if err != nil {
		return err
	}
	audit, err := access.OpenAudit(dir, logf)
	if err != nil {
		return err
	}
	_, token, err := sources.AddSource(sources.Collectors()[0].ID, collect.Source{Name: "bench", Category: "bench", SourceType: collect.TypeHTTP})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	for _, r := range collect.New(collect.Options{Log: s, Sources: sources, Keys: keys, Audit: audit, Logf: logf}).Routes() {
		mux.HandleFunc(r.Pattern, r.Serve)
	}
	mux.HandleFunc("GET /seal", func(w http.ResponseWriter, r *http.Request) {
		if _, err := s.Seal(context.Background(), true); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		json.NewEncoder(w).Encode(s.Stats())
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s/receiver/v1/http/%s\n", l.Addr(), token)
	return http.Serve(l, mux)
}

type vault struct{}

func (vault) Keep(int64, string) error { return nil }
func (vault) Token(int64) string       { return "" }

// victoriaLogs runs VictoriaLogs.
func (b *bench) victoriaLogs() (cpu float64, err error) {
	dir, err := os.MkdirTemp("", "victoria-ingest-*")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	at := l.Addr().String()
	l.Close()
	p, _ := start(b.victoria, "-storageDataPath="+dir, "-httpListenAddr="+at, "-retentionPeriod=100y", "-futureRetention=100y", "-loggerLevel=ERROR")
	if err := p.cmd.Start(); err != nil {
		return 0, err
	}
	defer p.end()
	base := "http://" + at
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err := get(base + "/health"); err == nil {
			break
		} else if time.Now().After(deadline) {
			return 0, err
		}
	}
	before, err := p.cpu()
	if err != nil {
		return 0, err
	}
	if err := b.send(base + "/insert/jsonline?_stream_fields=Channel&_time_field=SystemTime&_msg_field=CommandLine"); err != nil {
		return 0, err
	}
	if _, err := get(base + "/internal/force_flush"); err != nil {
		return 0, err
	}
	after, err := p.cpu()
	if err != nil {
		return 0, err
	}
	text, err := get(base + "/select/logsql/query?query=" + url.QueryEscape("* | stats count() n"))
	if err != nil {
		return 0, err
	}
	var have struct{ N string }
	if err := json.Unmarshal([]byte(text), &have); err != nil {
		return 0, err
	}
	if have.N != strconv.Itoa(b.lines) {
		return 0, fmt.Errorf("it has %s events of %d", have.N, b.lines)
	}
	return after - before, nil
}
