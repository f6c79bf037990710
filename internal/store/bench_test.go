package store

import (
	"bytes"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// benchLog is a file of JSON Lines to measure with: GYOJI_BENCH_LOG.
func benchLog(b *testing.B) []byte {
	name := os.Getenv("GYOJI_BENCH_LOG")
	if name == "" {
		b.Skip("GYOJI_BENCH_LOG names no file of JSON Lines")
	}
	data, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	return data
}

func cpuTime() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkAppend makes bodies of 1 MiB durable, one after the other. MB/s are of text and
// wall time; cpu-MB/s of text and the process's time of processor.
func BenchmarkAppend(b *testing.B) {
	data := benchLog(b)
	var bodies []Receipt
	for len(data) > 0 {
		end := min(1<<20, len(data))
		end += bytes.IndexByte(data[end-1:], '\n')
		r := Receipt{Source: Source{Category: "bench"}}
		for _, line := range bytes.Split(bytes.TrimSuffix(data[:end], []byte{'\n'}), []byte{'\n'}) {
			r.Messages = append(r.Messages, Message{Raw: line, Time: event.NoTime + 1, Timed: true})
		}
		bodies = append(bodies, r)
		data = data[end:]
	}
	s, err := Open(b.TempDir(), Options{LogMax: -1})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close(b.Context())
	size := int64(0)
	start := cpuTime()
	for i := 0; b.Loop(); i++ {
		r := bodies[i%len(bodies)]
		if _, err := s.Append(b.Context(), r); err != nil {
			b.Fatal(err)
		}
		for _, m := range r.Messages {
			size += int64(len(m.Raw)) + 1
		}
	}
	cpu := cpuTime() - start
	b.ReportMetric(float64(size)/1e6/cpu.Seconds(), "cpu-MB/s")
	b.ReportMetric(float64(size)/float64(s.Stats().LogBytes), "ratio")
	b.SetBytes(size / int64(b.N))
	b.ReportAllocs()
}

// BenchmarkOpen opens a store whose process was killed with 256 MiB of log on disk. MB/s are
// of the log as it is on disk.
func BenchmarkOpen(b *testing.B) {
	data := benchLog(b)
	dir := b.TempDir()
	s, err := Open(dir, Options{LogMax: -1})
	if err != nil {
		b.Fatal(err)
	}
	r := Receipt{Source: Source{Category: "bench"}}
	for _, line := range bytes.Split(data[:8<<20], []byte{'\n'}) {
		r.Messages = append(r.Messages, Message{Raw: line, Time: 1, Timed: true})
	}
	for s.Stats().LogBytes < 256<<20 {
		if _, err := s.Append(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
	size := s.Stats().LogBytes
	if err := s.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	start := cpuTime()
	for b.Loop() {
		s, err := Open(dir, Options{LogMax: -1})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		s.Close(b.Context())
		b.StartTimer()
	}
	b.ReportMetric(float64(size)*float64(b.N)/1e6/(cpuTime()-start).Seconds(), "cpu-MB/s")
}

// BenchmarkSeal makes segments of a log. cpu-MB/s are of text and the process's time of
// processor.
func BenchmarkSeal(b *testing.B) {
	data := benchLog(b)
	size := 0
	var cpu time.Duration
	for b.Loop() {
		b.StopTimer()
		s, err := Open(b.TempDir(), Options{LogMax: -1})
		if err != nil {
			b.Fatal(err)
		}
		for rest := data; len(rest) > 0; {
			end := min(1<<20, len(rest))
			end += bytes.IndexByte(rest[end-1:], '\n')
			r := Receipt{Source: Source{Category: "bench"}, Format: message.One}
			for _, line := range bytes.Split(bytes.TrimSuffix(rest[:end], []byte{'\n'}), []byte{'\n'}) {
				r.Messages = append(r.Messages, Message{Raw: line, Time: 1772438400000 + int64(len(r.Messages)), Timed: true})
				size += len(line)
			}
			if _, err := s.Append(b.Context(), r); err != nil {
				b.Fatal(err)
			}
			rest = rest[end:]
		}
		start := cpuTime()
		b.StartTimer()
		if _, err := s.Seal(b.Context(), true); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		cpu += cpuTime() - start
		s.Close(b.Context())
		b.StartTimer()
	}
	b.ReportMetric(float64(size)/1e6/cpu.Seconds(), "cpu-MB/s")
}
