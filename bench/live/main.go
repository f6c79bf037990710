// Command live measures how soon gyoji serve tells of what it finds: it sends events at a
// steady rate to a server on one core that runs a thousand rules, some of them probes that say
// when they were sent, and takes the time until each is a signal, until a webhook has been told
// of it, and until it is a finding of a Sigma rule; and the server's processor time for an
// event. The rate does not wait for answers.
package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/server"
	"github.com/gyoji-dev/gyoji/internal/server/sec"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

func main() {
	var b bench
	var child string
	flag.StringVar(&b.events, "events", "", "flat Sysmon events in JSON Lines, see ../README.md; sent again from the start where they do not last")
	flag.StringVar(&b.rules, "rules", "", "folder of Cloud SIEM rules: ../siem makes a thousand")
	flag.StringVar(&b.detections, "detections", "", "folder of Sigma rules and packages; \"\" is the shipped packages, and none is a probe alone")
	flag.IntVar(&b.rate, "rate", 5000, "events a second")
	flag.DurationVar(&b.length, "for", 30*time.Second, "how long events are sent")
	flag.StringVar(&b.profile, "profile", "", "file that the server's processor profile is written to")
	flag.Float64Var(&b.hits, "hits", 0.05, "share of the events that a rule fits: those that none fits are sent in place of others")
	flag.IntVar(&b.searches, "searches", 0, "search jobs over all that has come, one after the other by each of so many clients, while events are sent")
	flag.StringVar(&child, "serve", "", "")
	flag.Parse()
	var err error
	switch {
	case child != "":
		err = serve(child, b.detections, b.profile)
	case b.events == "" || b.rules == "":
		flag.Usage()
		os.Exit(2)
	default:
		err = b.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "live:", err)
		os.Exit(1)
	}
}

// serve is the server, in a process of its own. It ends when its input does.
func serve(dir, detections, profile string) error {
	c := server.Config{Data: dir, Listen: "127.0.0.1:0", Notify: []string{filepath.Join(dir, "notify.yaml")}, Version: "bench"}
	if detections != "" {
		c.Detect = strings.Split(detections, ",")
	}
	s, _, err := server.Start(c, func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) })
	if err != nil {
		return err
	}
	fmt.Println("ready")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	in := bufio.NewReader(os.Stdin)
	if profile != "" {
		if _, err := in.ReadString('\n'); err == nil { // the rules are there
			f, err := os.Create(profile)
			if err == nil {
				err = pprof.StartCPUProfile(f)
			}
			if err != nil {
				return err
			}
			defer f.Close()
		}
		defer pprof.StopCPUProfile()
	}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		stop()
	}()
	<-ctx.Done()
	return s.Stop()
}

type bench struct {
	events, rules, detections, profile string
	rate, searches                     int
	length                             time.Duration
	hits, fit                          float64
	docs                               []*ruledoc.Document

	given  server.Credentials
	source string
	told   sync.Map // by probe: the time at which the webhook was told
}

// Probes: one event in every body. What it says is the time at which it was due, in µs.
const (
	ruleID  = "MATCH-U99999"
	sigmaID = "7a4a1a5c-0000-4000-8000-00000000ffff"
	probe   = `{"EventID":"1","Provider":"Microsoft-Windows-Sysmon","Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"probe.corp.example","SystemTime":"%s","EventRecordID":"%d","UtcTime":"%s","ProcessId":"1","Image":"C:\\probe.exe","CommandLine":"latency-probe-%d","User":"CORP\\probe"}` + "\n"
	every   = 50 * time.Millisecond // a body
)

const probeRule = `kind: match_rule
id: ` + ruleID + `
name: Probe
expression: "commandLine LIKE 'latency-probe-%'"
entity_selectors: [{entity_type: _hostname, expression: device_hostname}]
name_expression: "{{commandLine}}"
summary_expression: s
description_expression: d
score: 10
`

const probeSigma = `title: Probe
id: ` + sigmaID + `
status: test
level: low
logsource: {product: windows, category: process_creation}
detection:
  selection: {CommandLine|contains: 'latency-probe-'}
  condition: selection
`

var ofProbe = regexp.MustCompile(`latency-probe-(\d+)`)

func (b *bench) run() error {
	dir, err := os.MkdirTemp("", "gyoji-live-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	hook, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go http.Serve(hook, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		if m := ofProbe.FindSubmatch(text); m != nil {
			b.told.LoadOrStore(string(m[1]), time.Now().UnixMicro())
		}
	}))
	channel := fmt.Sprintf("- name: bench\n  kind: webhook\n  url: http://%s/\n  filter: {what: signals, level: critical}\n", hook.Addr())
	if err := os.WriteFile(filepath.Join(dir, "notify.yaml"), []byte(channel), 0o600); err != nil {
		return err
	}
	sigma := filepath.Join(dir, "sigma")
	if err := os.MkdirAll(sigma, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(sigma, "probe.yml"), []byte(probeSigma), 0o600); err != nil {
		return err
	}
	args := []string{"-serve", dir, "-profile", b.profile}
	switch b.detections {
	case "":
	case "none":
		args = append(args, "-detections", sigma)
	default:
		args = append(args, "-detections", sigma+","+b.detections)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, args...)
	cmd.Env, cmd.Stderr = append(os.Environ(), "GOMAXPROCS=1"), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return err
	}
	defer func() {
		in.Close()
		_ = cmd.Wait()
	}()
	if !bufio.NewScanner(out).Scan() {
		return errors.New("the server did not start")
	}
	if b.given, err = server.ReadCredentials(dir); err != nil {
		return err
	}
	rules, err := b.apply()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(in, "\n"); err != nil {
		return err
	}
	cpu, err := cpuOf(cmd.Process.Pid)
	if err != nil {
		return err
	}
	load := loadOf()
	ctx, end := context.WithCancel(context.Background())
	jobs := b.search(ctx)
	began := time.Now()
	sent, slowest, err := b.send()
	end()
	took := time.Since(began)
	if err != nil {
		return err
	}
	if err := b.settle(); err != nil {
		return err
	}
	after, err := cpuOf(cmd.Process.Pid)
	if err != nil {
		return err
	}
	fmt.Printf("rules fit %.3f of the events sent, %.3f of the file's\n", b.hits, b.fit)
	fmt.Printf("%d rules, %d events in %.1f s (%.0f a second), a core for the server; load of the machine before: %s\n", rules, sent, took.Seconds(), float64(sent)/took.Seconds(), load)
	fmt.Printf("server: %.2f s of processor time, %.1f µs an event, %.0f %% of a core; slowest answer to a POST %s; %d search jobs\n\n",
		after-cpu, (after-cpu)*1e6/float64(sent), 100*(after-cpu)/took.Seconds(), slowest.Round(time.Millisecond), jobs.Load())
	in.Close()
	if err := cmd.Wait(); err != nil {
		return err
	}
	all, err := written(dir)
	if err != nil {
		return err
	}
	fmt.Println("| from POST to | probes | median | 95 % | 99 % | longest |\n|---|---|---|---|---|---|")
	tell("signal", all[0])
	var told [2][]int64
	b.told.Range(func(k, v any) bool {
		p, _ := strconv.ParseInt(k.(string), 10, 64)
		told[0], told[1] = append(told[0], p), append(told[1], v.(int64))
		return true
	})
	tell("webhook is told of the signal", told)
	tell("finding of a Sigma rule", all[1])
	return nil
}

// tell prints how long it took, of when probes were due and when they were met, in µs.
func tell(what string, of [2][]int64) {
	var ms []float64
	for i, at := range of[1] {
		ms = append(ms, float64(at-of[0][i])/1000)
	}
	if len(ms) == 0 {
		fmt.Printf("| %s | 0 | | | | |\n", what)
		return
	}
	slices.Sort(ms)
	at := func(share float64) float64 { return ms[min(int(share*float64(len(ms))), len(ms)-1)] }
	fmt.Printf("| %s | %d | %.0f ms | %.0f ms | %.0f ms | %.0f ms |\n", what, len(ms), at(0.5), at(0.95), at(0.99), ms[len(ms)-1])
}

// written tells of the probes' signals and findings by when they were written.
func written(dir string) (tell [][2][]int64, err error) {
	db, err := sql.Open("sqlite", filepath.Join(dir, "gyoji.db"))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	for _, query := range []string{`SELECT created, name FROM live_signal WHERE rule = '` + ruleID + `'`, `SELECT created, body FROM live_finding WHERE detection = '` + sigmaID + `'`} {
		rows, err := db.Query(query)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		var of [2][]int64
		for rows.Next() {
			var at int64
			var text string
			if err := rows.Scan(&at, &text); err != nil {
				return nil, err
			}
			if m := ofProbe.FindStringSubmatch(text); m != nil {
				p, _ := strconv.ParseInt(m[1], 10, 64)
				of[0], of[1] = append(of[0], p), append(of[1], at*1000)
			}
		}
		if err := rows.Err(); err != nil {
			return nil, err
		}
		tell = append(tell, of)
	}
	return tell, nil
}

func (b *bench) call(method, path string, body io.Reader) ([]byte, error) {
	r, err := http.NewRequest(method, strings.TrimSuffix(b.given.WebURL, "/")+path, body)
	if err != nil {
		return nil, err
	}
	r.SetBasicAuth(b.given.AccessID, b.given.AccessKey)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	return text, err
}

func (b *bench) get(path string, to any) error {
	text, err := b.call("GET", path, nil)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}

// apply gives the server the rules, and waits until they run. They are so many.
func (b *bench) apply() (int, error) {
	var found diag.List
	var err error
	b.docs, found, err = tenant.Read([]tenant.Place{{FS: os.DirFS(filepath.Dir(b.rules)), Path: filepath.Base(b.rules), Name: b.rules}})
	if err == nil {
		err = found.Err()
	}
	if err != nil {
		return 0, err
	}
	files := []sec.File{{Name: "probe.yaml", Text: probeRule}}
	seen := map[*diag.File]bool{}
	for _, d := range b.docs {
		if !seen[d.File] {
			seen[d.File] = true
			files = append(files, sec.File{Name: d.File.Name, Text: string(d.File.Text)})
		}
	}
	body, err := json.Marshal(sec.Asked{Files: files})
	if err != nil {
		return 0, err
	}
	if _, err := b.call("POST", sec.ContentPath, bytes.NewReader(body)); err != nil {
		return 0, err
	}
	time.Sleep(5 * time.Second) // they are loaded
	return len(b.docs), nil
}

// send sends events until the time is over.
func (b *bench) send() (sent int, slowest time.Duration, err error) {
	data, err := os.ReadFile(b.events)
	if err != nil {
		return 0, 0, err
	}
	lines := bytes.SplitAfter(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	lines[len(lines)-1] = append(slices.Clone(lines[len(lines)-1]), '\n')
	if lines, err = b.mixed(lines); err != nil {
		return 0, 0, err
	}
	utcTime := regexp.MustCompile(`"UtcTime":"[^"]*"`)
	system := regexp.MustCompile(`"SystemTime":"[^"]*"`)
	perBody := int(time.Duration(b.rate) * every / time.Second)
	var wg sync.WaitGroup
	var most atomic.Int64
	var failed atomic.Pointer[error]
	at := 0
	for i, begin := 0, time.Now(); time.Duration(i)*every < b.length; i++ {
		due := begin.Add(time.Duration(i) * every)
		utc, sys := due.UTC().Format("2006-01-02 15:04:05.000"), due.UTC().Format("2006-01-02T15:04:05.0000000Z")
		var body bytes.Buffer
		for range perBody - 1 {
			l := utcTime.ReplaceAllLiteral(lines[at%len(lines)], []byte(`"UtcTime":"`+utc+`"`))
			body.Write(system.ReplaceAllLiteral(l, []byte(`"SystemTime":"`+sys+`"`)))
			at++
		}
		fmt.Fprintf(&body, probe, sys, 1_000_000_000+i, utc, due.UnixMicro())
		sent += perBody
		time.Sleep(time.Until(due))
		wg.Go(func() {
			resp, err := http.Post(b.given.SourceURL, "", &body)
			if err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != 200 {
					err = fmt.Errorf("a POST was answered %d", resp.StatusCode)
				}
			}
			if err != nil {
				failed.Store(&err)
			}
			took := int64(time.Since(due))
			for {
				old := most.Load()
				if took <= old || most.CompareAndSwap(old, took) {
					break
				}
			}
		})
	}
	wg.Wait()
	if p := failed.Load(); p != nil {
		err = *p
	}
	return sent, time.Duration(most.Load()), err
}

// mixed are events of which a share fits rules.
func (b *bench) mixed(lines [][]byte) ([][]byte, error) {
	x := tenant.New(b.docs, nil)
	x.Say([]string{"EventRecordID"})
	pass := &tenant.Pass{Tenant: x, Rules: x.Rules, Says: true}
	in := input.NewReader(input.Memory("events", bytes.Join(lines, nil)), []*input.Format{format.Named("jsonl")}, input.Options{})
	if err := query.RunTogether(context.Background(), query.Run{Input: in, Workers: 1}, nil, pass.Consumer()); err != nil {
		return nil, err
	}
	signals, _, _, err := pass.Run.Signals()
	if err != nil {
		return nil, err
	}
	fit := map[string]bool{}
	for _, s := range signals {
		for _, r := range s.Records {
			fit[r.Said] = true
		}
	}
	number := regexp.MustCompile(`"EventRecordID":"(\d+)"`)
	var quiet, loud, all [][]byte
	for _, l := range lines {
		if m := number.FindSubmatch(l); m != nil && fit[string(m[1])] {
			loud = append(loud, l)
		} else {
			quiet = append(quiet, l)
		}
	}
	if len(loud) == 0 || len(quiet) == 0 {
		return lines, nil
	}
	owed := 0.0
	for i := range lines {
		if owed += b.hits; owed >= 1 {
			owed--
			all = append(all, loud[i%len(loud)])
		} else {
			all = append(all, quiet[i%len(quiet)])
		}
	}
	b.fit = float64(len(loud)) / float64(len(lines))
	return all, nil
}

// search has jobs made until ctx ends.
func (b *bench) search(ctx context.Context) *atomic.Int64 {
	var n atomic.Int64
	for range b.searches {
		go func() {
			for ctx.Err() == nil {
				text, err := b.call("POST", "/api/v1/search/jobs", strings.NewReader(fmt.Sprintf(`{"query":"* | json auto | count by Image, CommandLine | sort by _count","from":0,"to":%d,"timeZone":"UTC"}`, time.Now().UnixMilli())))
				var job struct{ ID, State string }
				if err == nil {
					err = json.Unmarshal(text, &job)
				}
				id := job.ID
				for err == nil && ctx.Err() == nil && !strings.HasPrefix(job.State, "DONE") {
					time.Sleep(100 * time.Millisecond)
					err = b.get("/api/v1/search/jobs/"+id, &job)
				}
				if err != nil {
					fmt.Fprintln(os.Stderr, "live: a search:", err)
					return
				}
				_, _ = b.call("DELETE", "/api/v1/search/jobs/"+id, nil)
				n.Add(1)
			}
		}()
	}
	return &n
}

// settle waits until all that came was looked at.
func (b *bench) settle() error {
	for began := time.Now(); ; time.Sleep(500 * time.Millisecond) {
		var h struct{ Figures map[string]any }
		if err := b.get("/api/gyoji/v1/health", &h); err != nil {
			return err
		}
		if lag, ok := h.Figures["lag"].(float64); ok && lag == 0 {
			time.Sleep(3 * time.Second) // of the hunt
			return nil
		}
		if time.Since(began) > time.Minute {
			return fmt.Errorf("detection has not come to the end after a minute: %v", h.Figures)
		}
	}
}

// cpuOf is the processor time of a process so far, in seconds.
func cpuOf(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(text, []byte(") "))
	f := strings.Fields(string(rest))
	if len(f) < 13 {
		return 0, syscall.EINVAL
	}
	user, err := strconv.ParseFloat(f[11], 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100, err
}

func loadOf() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	f, _, _ := strings.Cut(string(text), " ")
	return f
}
