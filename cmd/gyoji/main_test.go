package main

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestStart bounds what is made before main runs, by what the Go runtime says of each
// package: a start of gyoji pays for all of it, whatever is asked. What a package needs
// only sometimes is made when it is first used (sync.OnceValue, match.Lazy).
func TestStart(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	bytes, allocs, seen := 0, 0, 0
	for _, m := range regexp.MustCompile(`init (\S+) @.* clock, (\d+) bytes, (\d+) allocs`).FindAllStringSubmatch(string(out), -1) {
		b, _ := strconv.Atoi(m[2])
		n, _ := strconv.Atoi(m[3])
		bytes, allocs = bytes+b, allocs+n
		if !strings.HasPrefix(m[1], "github.com/gyoji-dev/gyoji/") {
			continue
		}
		seen++
		if b > 200<<10 || n > 1500 {
			t.Errorf("%s makes %d bytes in %d pieces", m[1], b, n)
		}
	}
	if seen < 15 {
		t.Fatalf("only %d packages were seen:\n%s", seen, out)
	}
	// 0.8 MB in 5,000 pieces when this was written; it had been 2.6 MB in 16,200.
	if bytes > 1100<<10 || allocs > 7000 {
		t.Errorf("all packages make %d bytes in %d pieces", bytes, allocs)
	}
}
