package cli

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/adrg/xdg"
	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what the scripts' cmp lines compare with anew")

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "gyoji" { // a developer's own gyoji.yaml is not the tests'
		_ = os.Setenv("XDG_CONFIG_HOME", os.DevNull) // the name is a valid one
		xdg.Reload()
	}
	testscript.Main(m, map[string]func(){
		"gyoji": func() { os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs the scripts of testdata/script. Besides testscript's own
// commands there are
//
//	exits CODE PROGRAM [ARG...]      run a program that must end with that exit code
//	interrupts CODE PROGRAM [ARG...] the same, with an open standard input that
//	                                 never says anything, and Ctrl-C once it waits
//	events N FILE                    write N events, some 180 bytes each
//	longline BYTES FILE              write an event that long between two short ones
//	nested DEPTH FILE                write an event that deep, and one that is not
//	noise BYTES FILE                 write bytes that are no text
//	latin1 N FILE                    write N events in ISO 8859-1
//	smalldisk BYTES DIR              mount a file system of that size
//	releases DIR                     serve what is below a folder as GitHub serves releases
//
// $PROJECT is the root of the checkout, $SHARED the data beside it. The condition
// [shared] says that it is there, [mount] that file systems may be mounted,
// [root] that no file is without permission.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PROJECT", root)
			e.Setenv("SHARED", filepath.Join(root, "..", "shared"))
			e.Setenv("NO_COLOR", "1")
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root":
				return os.Geteuid() == 0, nil
			case "shared":
				_, err := os.Stat(filepath.Join(root, "..", "shared"))
				return err == nil, nil
			case "mount":
				return canMount(), nil
			}
			return false, fmt.Errorf("there is no condition %s", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "interrupts": interrupts, "events": events,
			"longline": longLine, "noise": noise, "latin1": latin1,
			"nested": nested, "smalldisk": smallDisk, "releases": releases,
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	hasCode(ts, args[0], ts.Exec(args[1], args[2:]...))
}

func hasCode(ts *testscript.TestScript, code string, err error) {
	got := 0
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		got = failed.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != code {
		ts.Fatalf("exit code %d, want %s", got, code)
	}
}

// patience is how long a program may take to end after Ctrl-C, and how long it
// is given to start.
const (
	patience = 5 * time.Second
	warmUp   = 300 * time.Millisecond
)

func interrupts(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: interrupts CODE PROGRAM [ARG...]")
	}
	path := args[1]
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if st, err := os.Stat(filepath.Join(dir, path)); err == nil && !st.IsDir() {
			path = filepath.Join(dir, path)
			break
		}
	}
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), append(os.Environ(), "TMPDIR="+ts.Getenv("TMPDIR"), "XDG_DATA_HOME="+ts.Getenv("XDG_DATA_HOME"))
	cmd.Stderr, cmd.Stdout = ts.Stderr(), ts.Stdout()
	silence, err := cmd.StdinPipe()
	ts.Check(err)
	defer silence.Close()
	ts.Check(cmd.Start())
	time.Sleep(warmUp)
	ts.Check(cmd.Process.Signal(os.Interrupt))
	late := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	err = cmd.Wait()
	if !late.Stop() {
		ts.Fatalf("still running %s after Ctrl-C", patience)
	}
	hasCode(ts, args[0], err)
}

// generate writes a file that would be too long for a script.
func generate(ts *testscript.TestScript, args []string, write func(w *bufio.Writer, n int)) {
	if len(args) != 2 {
		ts.Fatalf("usage: NUMBER FILE")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	w := bufio.NewWriter(f)
	write(w, n)
	ts.Check(w.Flush())
	ts.Check(f.Close())
}

func events(ts *testscript.TestScript, _ bool, args []string) {
	generate(ts, args, func(w *bufio.Writer, n int) {
		for i := range n {
			fmt.Fprintf(w, `{"EventID":1,"UtcTime":"2026-03-10 10:%02d:%02d.%03d","Image":"C:\\Programs\\%s\\p%07d.exe"}`+"\n",
				i/60000%60, i/1000%60, i%1000, strings.Repeat("x", 100), i)
		}
	})
}

func longLine(ts *testscript.TestScript, _ bool, args []string) {
	generate(ts, args, func(w *bufio.Writer, n int) {
		fmt.Fprintf(w, `{"Image":"before"}`+"\n"+`{"Image":"%s"}`+"\n"+`{"Image":"after"}`+"\n", strings.Repeat("x", n))
	})
}

func nested(ts *testscript.TestScript, _ bool, args []string) {
	generate(ts, args, func(w *bufio.Writer, n int) {
		fmt.Fprintf(w, "%s1%s\n"+`{"Image":"after"}`+"\n", strings.Repeat(`{"a":`, n), strings.Repeat("}", n))
	})
}

func noise(ts *testscript.TestScript, _ bool, args []string) {
	generate(ts, args, func(w *bufio.Writer, n int) {
		r := rand.New(rand.NewPCG(1, 2))
		for range n {
			w.WriteByte(byte(r.Uint32()))
		}
	})
}

func latin1(ts *testscript.TestScript, _ bool, args []string) {
	generate(ts, args, func(w *bufio.Writer, n int) {
		for range n {
			w.WriteString("{\"Image\":\"caf\xe9\"}\n")
		}
	})
}

func smallDisk(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(dir, 0o755))
	ts.Check(exec.Command("mount", "-t", "tmpfs", "-o", "size="+args[0], "tmpfs", dir).Run())
	ts.Defer(func() { exec.Command("umount", dir).Run() })
}

// canMount reports whether a file system may be mounted here.
var canMount = sync.OnceValue(func() bool {
	dir, err := os.MkdirTemp("", "mount")
	if err != nil {
		return false
	}
	defer os.Remove(dir)
	if exec.Command("mount", "-t", "tmpfs", "tmpfs", dir).Run() != nil {
		return false
	}
	return exec.Command("umount", dir).Run() == nil
})
