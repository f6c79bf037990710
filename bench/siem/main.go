// Command siem measures gyoji hunt with 1,000 Cloud SIEM rules of six kinds against as many
// Sigma rules over the same events, by turns. It makes the Cloud SIEM rules itself.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
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
	sigma := flag.String("sigma", "", "an archive (.tar.gz) of Sigma rules; the first 1,000 are used")
	events := flag.String("events", "", "events to hunt over, one JSON object a line")
	rules := flag.String("make", "", "only write the Cloud SIEM rules into this folder")
	runs := flag.Int("runs", 5, "runs; the median is printed")
	flag.Parse()
	err := func() error {
		if *rules != "" {
			return makeRules(*rules, 14)
		}
		if *gyoji == "" || *sigma == "" || *events == "" {
			flag.Usage()
			os.Exit(2)
		}
		return measure(*gyoji, *sigma, *events, *runs)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "siem:", err)
		os.Exit(1)
	}
}

func measure(gyoji, sigma, events string, runs int) error {
	dir, err := os.MkdirTemp("", "gyoji-siem-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	siem, one := filepath.Join(dir, "siem"), filepath.Join(dir, "one.jsonl")
	if err := makeRules(siem, 14); err != nil {
		return err
	}
	first, err := unpack(sigma, filepath.Join(dir, "sigma"), 1000)
	if err != nil {
		return err
	}
	if err := os.WriteFile(one, []byte("{\"Channel\":\"none\"}\n"), 0o644); err != nil {
		return err
	}
	n, err := lines(events)
	if err != nil {
		return err
	}
	names := []string{"1,000 Cloud SIEM rules", strconv.Itoa(first) + " Sigma rules", "records alone"}
	commands := [][]string{{"hunt", "-d", siem}, {"hunt", "-d", filepath.Join(dir, "sigma")}, {"signals", "-d", filepath.Join(dir, "none")}}
	if err := os.MkdirAll(filepath.Join(dir, "none"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "none", "rule.yaml"), []byte(none), 0o644); err != nil {
		return err
	}
	loads, all := make([][]time.Duration, len(names)), make([][]time.Duration, len(names))
	for range runs { // by turns, so that all see the same machine
		for i, c := range commands {
			load, err := run(gyoji, c, one)
			if err != nil {
				return err
			}
			hunt, err := run(gyoji, c, events)
			if err != nil {
				return err
			}
			loads[i], all[i] = append(loads[i], load), append(all[i], hunt)
		}
	}
	rate := make([]float64, len(names))
	for i, name := range names {
		load, hunt := median(loads[i]), median(all[i])
		rate[i] = float64(n) / (hunt - load).Seconds()
		fmt.Printf("%-24s load %v, hunt %v CPU: %.0f events a CPU second net of load\n", name, load.Round(time.Millisecond), hunt.Round(time.Millisecond), rate[i])
	}
	fmt.Printf("Cloud SIEM against Sigma: %.2f times as fast\n", rate[0]/rate[1])
	return nil
}

// none is a rule that no record fits, and that reads what most rules read.
const none = `kind: match_rule
id: MATCH-U00001
name: none
expression: "metadata_deviceEventId = 'none' AND commandLine = baseImage AND parentBaseImage = file_path AND dns_query = changeTarget AND user_username = dstDevice_ip"
entity_selectors: [{entity_type: _hostname, expression: device_hostname}]
name_expression: none
summary_expression: none
description_expression: none
score: 1
`

// run is the CPU time of one run on one core.
func run(gyoji string, command []string, events string) (time.Duration, error) {
	cmd := exec.Command(gyoji, slices.Concat(command, []string{"-j", "1", "-f", "ndjson", events})...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	err := cmd.Run()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 0 && cmd.ProcessState.ExitCode() != 4 {
		return 0, fmt.Errorf("%v: %s", err, errs.String())
	}
	u := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

func median(of []time.Duration) time.Duration {
	s := slices.Clone(of)
	slices.Sort(s)
	return s[len(s)/2]
}

func lines(path string) (int, error) {
	text, err := os.ReadFile(path)
	return bytes.Count(text, []byte("\n")), err
}

// unpack writes the first rules of an archive into a folder.
func unpack(archive, dir string, most int) (n int, err error) {
	f, err := os.Open(archive)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return 0, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	for r := tar.NewReader(z); n < most; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		if !strings.HasSuffix(h.Name, ".yml") {
			continue
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return 0, err
		}
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(n)+".yml"), text, 0o644); err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
