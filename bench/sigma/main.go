// Command sigma measures gyoji hunt with many Sigma rules. Matches are compared
// before times are taken, with those of another engine's (oracle.py writes them).
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	gyoji := flag.String("gyoji", "", "the gyoji to measure")
	rules := flag.String("rules", "", "Sigma rules: a file, a folder or an archive")
	events := flag.String("events", "", "events to hunt over")
	expected := flag.String("expected", "", "matches by rule id, as oracle.py writes them")
	workers := flag.Int("j", 1, "workers, and cores")
	runs := flag.Int("runs", 5, "runs; the median is printed")
	flag.Parse()
	if *gyoji == "" || *rules == "" || *events == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := measure(*gyoji, *rules, *events, *expected, *workers, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "sigma:", err)
		os.Exit(1)
	}
}

// run is one run of gyoji: what it used, and what it printed.
type run struct {
	cpu, wall time.Duration
	rss       int64 // KiB
	found     map[string]int
	read      int // events
}

func measure(gyoji, rules, events, expected string, workers, runs int) error {
	dir, err := os.MkdirTemp("", "gyoji-sigma-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	one := filepath.Join(dir, "one.jsonl")
	if err := os.WriteFile(one, []byte("{\"Channel\":\"none\"}\n"), 0o644); err != nil {
		return err
	}
	var loads, hunts []run
	for range runs { // by turns, so that both see the same machine
		l, err := hunt(gyoji, rules, one, workers)
		if err != nil {
			return err
		}
		h, err := hunt(gyoji, rules, events, workers)
		if err != nil {
			return err
		}
		loads, hunts = append(loads, l), append(hunts, h)
	}
	if expected != "" {
		if err := compare(expected, hunts[0].found); err != nil {
			return err
		}
	}
	load, all := median(loads), median(hunts)
	fmt.Printf("load     %v CPU, %v wall\n", load.cpu, load.wall)
	fmt.Printf("hunt     %v CPU, %v wall, %d MiB\n", all.cpu, all.wall, all.rss>>10)
	fmt.Printf("events   %d, %.0f a CPU second net of load, %.0f a second of wall time, load included\n", all.read,
		float64(all.read)/(all.cpu-load.cpu).Seconds(), float64(all.read)/all.wall.Seconds())
	return nil
}

func hunt(gyoji, rules, events string, workers int) (r run, err error) {
	cmd := exec.Command(gyoji, "hunt", "-d", rules, "-j", strconv.Itoa(workers), "-f", "ndjson", events)
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(workers))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	start := time.Now()
	err = cmd.Run()
	r.wall = time.Since(start)
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 0 && cmd.ProcessState.ExitCode() != 4 {
		return r, fmt.Errorf("%v: %s", err, errs.String())
	}
	u := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	r.cpu, r.rss = cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), u.Maxrss
	r.found = map[string]int{}
	for s := bufio.NewScanner(&out); s.Scan(); {
		var row struct {
			Rule string `json:"rule"`
		}
		if err := json.Unmarshal(s.Bytes(), &row); err != nil {
			return r, err
		}
		r.found[row.Rule]++
	}
	for line := range strings.Lines(errs.String()) {
		if i := strings.Index(line, " events,"); i > 0 {
			n := line[strings.LastIndexByte(line[:i], ' ')+1 : i]
			r.read, _ = strconv.Atoi(strings.ReplaceAll(n, ",", ""))
		}
	}
	return r, nil
}

// compare voids a measure whose matches differ from those expected. Rules that
// the other engine has no matches for are not compared: it may not run them.
func compare(path string, found map[string]int) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var want map[string]int
	if err := json.Unmarshal(text, &want); err != nil {
		return err
	}
	n := 0
	for id, w := range want {
		if found[id] != w {
			return fmt.Errorf("rule %s matches %d times, and %d are expected", id, found[id], w)
		}
		n += w
	}
	fmt.Printf("equal    %d matches of %d rules\n", n, len(want))
	return nil
}

func median(rs []run) run {
	slices.SortFunc(rs, func(a, b run) int { return int(a.cpu - b.cpu) })
	return rs[len(rs)/2]
}
