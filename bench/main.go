// Command bench runs gyoji and its peers over the same files. Results are
// compared before times are taken: a row whose results differ has no times.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
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
	"time"
)

func main() {
	var b bench
	flag.StringVar(&b.gyoji, "gyoji", "", "the gyoji to measure (default: built from the folder above)")
	flag.StringVar(&b.few, "few", "", "corpus of flat Sysmon events in JSON Lines, few of which the seed query finds")
	flag.StringVar(&b.many, "many", "", "the same with many hits")
	flag.IntVar(&b.pairs, "pairs", 5, "runs of each, by turns")
	flag.StringVar(&b.only, "only", "", "measures whose name holds this")
	flag.Parse()
	if err := b.run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type bench struct {
	gyoji, few, many, only string
	pairs                  int
	dir                    string
	pin                    []string // command that pins to one core; nil where there is none
}

const seedQuery = "../packages/T1204.001-malicious-link/query.seed.sumo"

func (b *bench) run() (err error) {
	if b.few == "" && b.many == "" {
		return errors.New("no corpus: name one with -few or -many; README.md says how to make them")
	}
	if b.dir, err = os.MkdirTemp("", "gyoji-bench-*"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if b.gyoji == "" {
		b.gyoji = filepath.Join(b.dir, "gyoji")
		build := exec.Command("go", "build", "-o", b.gyoji, "./cmd/gyoji")
		build.Dir, build.Stderr = "..", os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("build gyoji: %w", err)
		}
	}
	if path, err := exec.LookPath("taskset"); err == nil {
		b.pin = []string{path, "-c", "0"}
	}
	fmt.Println("| measure | rows | gyoji cpu s | peer cpu s | cpu ratio | wall ratio | GB/s | aim |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for _, m := range measures {
		file := b.few
		if m.hits {
			file = b.many
		}
		if file == "" || !strings.Contains(m.name, b.only) {
			continue
		}
		if missing := m.peerMissing(); missing != "" {
			fmt.Printf("| %s | not taken: %s is not installed | | | | | | |\n", m.name, missing)
			continue
		}
		if err := b.measure(m, file); err != nil {
			fmt.Printf("| %s | void: %v | | | | | | |\n", m.name, err)
		}
	}
	if b.few != "" && strings.Contains("two cores", b.only) {
		return b.cores()
	}
	return nil
}

// peerMissing is the program that a measure's peer needs and that is not there; "" for
// none.
func (m measure) peerMissing() string {
	program := "python3"
	switch {
	case m.rg != "":
		program = "rg"
	case m.ag != "":
		program = "agrind"
	}
	if _, err := exec.LookPath(program); err != nil {
		return program
	}
	if program == "python3" && exec.Command(program, "-c", "import duckdb").Run() != nil {
		return "Python's duckdb"
	}
	return ""
}

// gyojiRun is the command of a measure with a number of workers.
func (b *bench) gyojiRun(m measure, file, out string, workers int) command {
	args := []string{b.gyoji, "search", fmt.Sprintf("-j%d", workers), "-f", "ndjson", "-o", out}
	if m.sumo == "" {
		args = append(args, "-q", seedQuery)
	} else {
		args = append(args, m.sumo)
	}
	return command{args: append(args, file)}
}

func (b *bench) measure(m measure, file string) error {
	st, err := os.Stat(file)
	if err != nil {
		return err
	}
	ours, theirs := filepath.Join(b.dir, "ours"), filepath.Join(b.dir, "theirs")
	a := b.gyojiRun(m, file, ours, 1)
	var peer command
	switch {
	case m.rg != "":
		peer = command{args: []string{"rg", "-j1", "-c", "-i", m.rg, file}, out: theirs}
	case m.ag != "":
		peer = command{args: []string{"agrind", "-o", "json", "-f", file, m.ag}, out: theirs}
	default:
		abs, err := filepath.Abs(file)
		if err != nil {
			return err
		}
		peer = command{args: []string{"python3", "peer.py", "1", theirs}, stdin: m.sql(abs)}
	}
	var pairs [][2]usage
	rows := 0
	for i := range b.pairs + 1 {
		x, err := a.run(b.pin)
		if err != nil {
			return err
		}
		y, err := peer.run(b.pin)
		if err != nil {
			return err
		}
		if i == 0 { // not counted: it warms the page cache, and its results are compared
			switch {
			case m.word:
				rows, err = sameCount(ours, theirs)
			case m.rg != "":
				rows, err = lines(ours)
			default:
				rows, err = same(ours, theirs)
			}
			if err != nil {
				return err
			}
			continue
		}
		pairs = append(pairs, [2]usage{x, y})
	}
	cpu := median(pairs, func(p [2]usage) float64 { return p[0].cpu / p[1].cpu })
	aim := fmt.Sprintf("<= %.2f", m.ratio)
	if m.rate > 0 {
		aim += fmt.Sprintf(", >= %.1f GB/s", m.rate/1e9)
	}
	mine := median(pairs, func(p [2]usage) float64 { return p[0].cpu })
	fmt.Printf("| %s | %d | %.2f | %.2f | %.2f | %.2f | %.2f | %s |\n", m.name, rows,
		mine, median(pairs, func(p [2]usage) float64 { return p[1].cpu }), cpu,
		median(pairs, func(p [2]usage) float64 { return p[0].wall / p[1].wall }),
		float64(st.Size())/1e9/mine, aim)
	return nil
}

// cores compares one worker on one core with two on two.
func (b *bench) cores() error {
	fmt.Println("\n| measure | 1 worker, wall s | 2 workers, wall s | times as fast | aim |")
	fmt.Println("|---|---|---|---|---|")
	for _, m := range measures {
		if m.hits || m.rg != "" || m.ag != "" {
			continue
		}
		var outs [2]string
		var pairs [][2]usage
		for i := range b.pairs + 1 {
			var p [2]usage
			for w := range p {
				outs[w] = filepath.Join(b.dir, fmt.Sprint("workers", w+1))
				var err error
				if p[w], err = b.gyojiRun(m, b.few, outs[w], w+1).run([][]string{b.pin, nil}[w]); err != nil {
					return err
				}
			}
			if i > 0 {
				pairs = append(pairs, p)
				continue
			}
			one, err1 := os.ReadFile(outs[0])
			two, err2 := os.ReadFile(outs[1])
			if err := errors.Join(err1, err2); err != nil {
				return err
			}
			if !bytes.Equal(one, two) {
				return fmt.Errorf("%s: two workers give other bytes than one", m.name)
			}
		}
		fmt.Printf("| %s | %.2f | %.2f | %.2f | >= 1.70 |\n", m.name,
			median(pairs, func(p [2]usage) float64 { return p[0].wall }), median(pairs, func(p [2]usage) float64 { return p[1].wall }),
			median(pairs, func(p [2]usage) float64 { return p[0].wall / p[1].wall }))
	}
	return nil
}

// command is one process to be measured.
type command struct {
	args  []string
	stdin string
	out   string // the file that standard output goes to; "" for none
}

// usage is what a process took, in seconds.
type usage struct{ wall, cpu float64 }

func (c command) run(pin []string) (usage, error) {
	args := append(slices.Clone(pin), c.args...)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin = strings.NewReader(c.stdin)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = nil, &stderr
	if c.out != "" {
		f, err := os.Create(c.out)
		if err != nil {
			return usage{}, err
		}
		defer f.Close()
		cmd.Stdout = f
	}
	start := time.Now()
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && c.args[0] == "rg" && exit.ExitCode() == 1 {
		err = nil // no line matched
	}
	if err != nil {
		return usage{}, fmt.Errorf("%s: %w\n%s", filepath.Base(c.args[0]), err, stderr.String())
	}
	u := usage{wall: time.Since(start).Seconds(), cpu: (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()}
	return u, nil
}

func median(pairs [][2]usage, of func([2]usage) float64) float64 {
	var all []float64
	for _, p := range pairs {
		all = append(all, of(p))
	}
	slices.Sort(all)
	if len(all) == 0 {
		return 0
	}
	return all[len(all)/2]
}

// same compares two results as sets of rows, values by their text, and counts them.
func same(ours, theirs string) (int, error) {
	x, err := canonical(ours)
	if err != nil {
		return 0, err
	}
	y, err := canonical(theirs)
	if err != nil {
		return 0, err
	}
	if slices.Equal(x, y) {
		return len(x), nil
	}
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return 0, fmt.Errorf("results differ (%d rows, peer %d): %s, peer %s", len(x), len(y), x[i], y[i])
		}
	}
	return 0, fmt.Errorf("results differ: %d rows, peer %d", len(x), len(y))
}

// sameCount compares the count of gyoji with the lines that ripgrep counted, which
// prints nothing for none.
func sameCount(ours, theirs string) (int, error) {
	var row struct {
		Count int `json:"_count"`
	}
	text, err := os.ReadFile(ours)
	if err == nil {
		err = json.Unmarshal(text, &row)
	}
	if err != nil {
		return 0, err
	}
	counted, err := os.ReadFile(theirs)
	if err != nil {
		return 0, err
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(counted)))
	if n != row.Count {
		return 0, fmt.Errorf("results differ: %d, peer %d", row.Count, n)
	}
	return n, nil
}

// canonical reads rows as lines whose keys are sorted and whose values are text.
func canonical(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var rows []string
	r := bufio.NewReader(f)
	d := json.NewDecoder(r)
	d.UseNumber()
	list := false // angle-grinder writes one list of all rows
	if first, err := r.Peek(1); err == nil && first[0] == '[' {
		list = true
		if _, err := d.Token(); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	for {
		if list && !d.More() {
			slices.Sort(rows)
			return rows, nil
		}
		row := map[string]any{}
		if err := d.Decode(&row); errors.Is(err, io.EOF) && !list {
			slices.Sort(rows)
			return rows, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for k, v := range row {
			if n, ok := v.(json.Number); ok {
				row[k] = n.String()
			}
		}
		line, err := json.Marshal(row)
		if err != nil {
			return nil, err
		}
		rows = append(rows, string(line))
	}
}

func lines(file string) (int, error) {
	b, err := os.ReadFile(file)
	return bytes.Count(b, []byte{'\n'}), err
}
