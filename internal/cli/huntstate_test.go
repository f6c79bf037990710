package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

const stateRules = `title: one failed logon
id: 11111111-1111-4111-8111-111111111111
status: test
name: failed
logsource: {product: windows, service: security}
detection: {sel: {EventID: 4625}, condition: sel}
level: medium
---
title: many failed logons
id: 22222222-2222-4222-8222-222222222222
correlation:
  type: event_count
  rules: [failed]
  group-by: [TargetUserName]
  timespan: 10m
  condition: {gte: 6}
  generate: true
level: high
---
title: two users from one host
id: 33333333-3333-4333-8333-333333333333
correlation:
  type: temporal_ordered
  rules: [failed, opened]
  group-by: [Computer]
  timespan: 10m
  generate: true
level: high
---
title: a logon
name: opened
id: 44444444-4444-4444-8444-444444444444
logsource: {product: windows, service: security}
detection: {sel: {EventID: 4624}, condition: sel}
level: low
`

const stateThreshold = `{"id":"THRESHOLD-U00002","name":"Many failures","enabled":true,"stream":"record","expression":"metadata_deviceEventId = 'Security-4625'",
 "countDistinct":false,"limit":5,"windowSize":"T10M","groupByFields":["user_username"],
 "entitySelectors":[{"entityType":"_hostname","expression":"device_hostname"}],"description":"d","summaryExpression":"s","score":5}
`

// stateLog is n events from the number i on: failed logons and logons of three users, ten
// seconds apart.
func stateLog(i, n int) []byte {
	var b bytes.Buffer
	for ; n > 0; i, n = i+1, n-1 {
		id := 4625
		if i%13 == 12 {
			id = 4624
		}
		at := time.Date(2026, 3, 2, 6, 0, 10*i, 0, time.UTC)
		fmt.Fprintf(&b, `{"Channel":"Security","EventID":%d,"EventRecordID":%d,"Computer":"H%d","TargetUserName":"u%d","@timestamp":%q,"TimeCreated":%q}`+"\n",
			id, 1000+i, i%2, i%3, at.Format(time.RFC3339), at.Format(time.RFC3339))
	}
	return b.Bytes()
}

// stateHunt is a hunt --follow over a log, with what it has found so far.
type stateHunt struct {
	cmd   *exec.Cmd
	lines chan string
	said  bytes.Buffer
}

func startStateHunt(t *testing.T, dir, log string) *stateHunt {
	t.Helper()
	h := &stateHunt{cmd: exec.Command("gyoji", "hunt", "--follow", "--state", "s.state", "-f", "ndjson", "-d", "rules", log), lines: make(chan string, 1000)}
	h.cmd.Dir, h.cmd.Stderr = dir, &h.said
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(h.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			h.lines <- s.Text()
		}
	}()
	return h
}

// found takes what comes until nothing has for a while.
func (h *stateHunt) found(t *testing.T, all []string, quiet time.Duration) []string {
	t.Helper()
	for {
		select {
		case line, ok := <-h.lines:
			if !ok {
				return all
			}
			all = append(all, stateFinding(t, line))
		case <-time.After(quiet):
			return all
		}
	}
}

// stateFinding is what has to be the same of a finding.
func stateFinding(t *testing.T, line string) string {
	t.Helper()
	var f struct {
		ID          string `json:"id"`
		DetectionID string `json:"detection_id"`
		Records     int    `json:"records"`
		Evidence    []struct {
			Channel  string `json:"channel"`
			RecordID int64  `json:"record_id"`
		} `json:"evidence"`
	}
	if err := json.Unmarshal([]byte(line), &f); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	for _, e := range f.Evidence {
		if e.Channel == "" || e.RecordID == 0 {
			t.Errorf("no channel or record id: %s", line)
		}
	}
	return fmt.Sprint(f.ID, " ", f.DetectionID, " ", f.Records, " ", f.Evidence)
}

func (h *stateHunt) end(t *testing.T, sig os.Signal, all []string) []string {
	t.Helper()
	if err := h.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err, h.said.String())
	}
	all = h.found(t, all, patience) // until it is closed
	err := h.cmd.Wait()
	if code := h.cmd.ProcessState.ExitCode(); sig != syscall.SIGKILL && code != exitInterrupted {
		t.Errorf("ended with %v\n%s", err, h.said.String())
	}
	return all
}

// stateFolder has the rules, and a rotation that nobody asked for.
func stateFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "rules"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"rules/r.yml": stateRules, "rules/t.json": stateThreshold, "log.jsonl.1": string(stateLog(9000, 3))} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A hunt that is stopped or killed, and goes on from its state, finds what one does that
// nobody disturbs: also what was added, and the log rotated, meanwhile.
func TestHuntGoesOnFromItsState(t *testing.T) {
	folder := func() string { return stateFolder(t) }
	add := func(dir string, data []byte) {
		f, err := os.OpenFile(filepath.Join(dir, "log.jsonl"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	const parts, each = 5, 17
	quiet := 2 * time.Second
	dir := folder()
	add(dir, stateLog(0, parts*each))
	h := startStateHunt(t, dir, "log.jsonl")
	want := h.end(t, os.Interrupt, h.found(t, nil, 2*quiet))
	if kinds := strings.Join(want, "\n"); !strings.Contains(kinds, "22222222") || !strings.Contains(kinds, "33333333") || !strings.Contains(kinds, "11111111-") || !strings.Contains(kinds, "THRESHOLD") || len(want) < 60 {
		t.Fatalf("%d findings prove little:\n%s\n%s", len(want), kinds, h.said.String())
	}
	slices.Sort(want)
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			dir := folder()
			var got []string
			for i := range parts {
				add(dir, stateLog(i*each, each/2)) // while nobody looks
				if i == 2 {
					if err := os.Rename(filepath.Join(dir, "log.jsonl"), filepath.Join(dir, "log.jsonl.2")); err != nil {
						t.Fatal(err)
					}
				}
				h := startStateHunt(t, dir, "log.jsonl")
				add(dir, stateLog(i*each+each/2, each-each/2))
				got = h.found(t, got, quiet)
				got = h.end(t, sig, got)
			}
			slices.Sort(got)
			if sig == syscall.SIGKILL { // some come again
				got = slices.Compact(got)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d findings, undisturbed %d:\n%s\nwant\n%s", len(got), len(want), strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// The same of a topic: what is found once the state was written does not come again, and
// nothing is lost, though the broker may have committed offsets after those of the state.
func TestHuntOfATopicGoesOnFromItsState(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "logs"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	producer, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("logs"))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	const parts, each = 4, 17
	add := func(i, n int) {
		for line := range bytes.Lines(stateLog(i, n)) {
			if err := producer.ProduceSync(t.Context(), kgo.SliceRecord(bytes.TrimSpace(line))).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	address := "kafka://" + strings.Join(cluster.ListenAddrs(), ",") + "/logs?from=oldest&group="
	run := func(sig os.Signal, group string) (got []string) {
		dir := stateFolder(t)
		for i := range parts {
			if group != "all" {
				add(i*each, each)
			}
			h := startStateHunt(t, dir, address+group)
			got = h.end(t, sig, h.found(t, got, 4*time.Second))
			if group == "all" {
				break
			}
		}
		slices.Sort(got)
		return got
	}
	got := run(syscall.SIGTERM, "some")
	want := run(syscall.SIGTERM, "all")
	if len(want) < 40 || !strings.Contains(strings.Join(want, "\n"), "33333333") {
		t.Fatalf("%d findings prove little", len(want))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d findings, undisturbed %d:\n%s\nwant\n%s", len(got), len(want), strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A state file that cannot be gone on with is refused with the reason, and stays as it is.
func TestHuntRefusesState(t *testing.T) {
	const head = `{"kind":"gyoji hunt --follow state","version":1,"places":null,"names":{},"mark":0}`
	log := filepath.Join(t.TempDir(), "a.jsonl")
	if err := os.WriteFile(log, stateLog(0, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"": "it is not the state", "{}\n": "it is not the state", "hello\nworld": "it is not the state", string(stateLog(0, 2)): "it is not the state",
		head: "damaged", head + "\n": "damaged", head + "\n" + strings.Repeat("x", 500): "damaged", head[:50] + "\x00" + head[50:] + "\n": "damaged", head[:40]: "damaged",
		strings.Replace(head, ":1,", ":9,", 1) + "\n" + strings.Repeat("x", 500): "of version 9",
	} {
		state := filepath.Join(t.TempDir(), "s.state")
		if err := os.WriteFile(state, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, said bytes.Buffer
		code := Main([]string{"hunt", "-Q", "--follow", "--state", state, "-f", "ndjson", log}, strings.NewReader(""), &out, &said)
		after, _ := os.ReadFile(state)
		if code != exitInput || !strings.Contains(said.String(), want) || out.Len() > 0 || string(after) != text {
			t.Errorf("%.60q: exit code %d, printed %q, said %q, want %q", text, code, out.String(), said.String(), want)
		}
	}
}
