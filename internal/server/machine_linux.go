package server

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// machineMemory is how many bytes of memory the process may have by the machine and by its
// control group; 0 where that is not known.
func machineMemory() int64 {
	least := int64(0)
	take := func(n int64) {
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	var si unix.Sysinfo_t
	if unix.Sysinfo(&si) == nil {
		take(int64(si.Totalram) * int64(si.Unit))
	}
	for _, name := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if text, err := os.ReadFile(name); err == nil {
			n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64) // max is none
			take(n)
		}
	}
	return least
}

// dropProgram takes the pages of the program out of memory that the process does not need at
// rest: a start touches half of it. They are the file's, and read again where they are
// needed. Only what nothing has been written to is taken.
func dropProgram() {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	var start, end uint64
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		switch {
		case len(f) >= 6 && strings.Contains(f[0], "-"):
			start, end = 0, 0
			if name := strings.Join(f[5:], " "); name == self && f[1][1] == '-' { // no writing
				from, to, _ := strings.Cut(f[0], "-")
				start, _ = strconv.ParseUint(from, 16, 64)
				end, _ = strconv.ParseUint(to, 16, 64)
			}
		case len(f) == 3 && f[0] == "Anonymous:" && f[1] == "0" && start < end:
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(start), uintptr(end-start), unix.MADV_DONTNEED)
			start, end = 0, 0
		}
	}
}
