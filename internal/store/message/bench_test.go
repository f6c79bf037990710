package message

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// kinds are messages as senders have them.
var kinds = []struct {
	name string
	of   func(i int) string
}{
	{"json", func(i int) string {
		return fmt.Sprintf(`{"EventID":"1","UtcTime":"2026-03-02 08:00:%02d.000","Image":"C:\\Windows\\System32\\cmd.exe","CommandLine":"cmd /c echo %d","User":"CORP\\ann","ProcessId":"%d"}`, i%60, i, i)
	}},
	{"json with a list", func(i int) string {
		return fmt.Sprintf(`{"time":"2026-03-02T08:00:%02dZ","host":"web-1","tags":["a","b"],"level":"info","message":"request %d done","ms":%d}`, i%60, i, i%900)
	}},
	{"syslog", func(i int) string {
		return fmt.Sprintf("Mar  2 08:00:%02d web-1 sshd[%d]: Failed password for invalid user admin from 192.0.2.%d port %d ssh2", i%60, 1000+i%9000, i%250, 40000+i%20000)
	}},
	{"text", func(i int) string {
		return fmt.Sprintf("2026-03-02 08:00:%02d,%03d INFO  [worker-%d] c.e.orders.OrderService - order %d was taken in %d ms", i%60, i%1000, i%8, i, i%500)
	}},
	{"access log", func(i int) string {
		return fmt.Sprintf(`192.0.2.%d - - [02/Mar/2026:08:00:%02d +0000] "GET /shop/item/%d HTTP/1.1" 200 %d "-" "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"`, i%250, i%60, i, i%9000)
	}},
	{"logfmt", func(i int) string {
		return fmt.Sprintf(`time=2026-03-02T08:00:%02dZ level=info msg="request done" path=/shop/item/%d status=200 ms=%d`, i%60, i, i%900)
	}},
	{"stack trace", func(i int) string {
		return fmt.Sprintf("2026-03-02 08:00:%02d ERROR order %d failed\njava.lang.IllegalStateException: no stock\n\tat com.example.Orders.take(Orders.java:%d)\n\tat com.example.Main.main(Main.java:12)", i%60, i, i%300)
	}},
}

func messagesOf(of func(int) string, bytes int, form string) (rows []Row, size int) {
	o := &Origin{Origin: event.Origin{Category: "bench"}, Format: form}
	for i := 0; size < bytes; i++ {
		raw := []byte(of(i))
		rows = append(rows, Row{Seq: uint64(i+1) * Apart, Time: 1772438400000, Receipt: 1772438401000, Origin: o, Raw: raw})
		size += len(raw)
	}
	return rows, size
}

// BenchmarkReader reads messages of a kind for all that a segment is made of.
func BenchmarkReader(b *testing.B) {
	for _, k := range kinds {
		b.Run(strings.ReplaceAll(k.name, " ", "-"), func(b *testing.B) {
			rows, size := messagesOf(k.of, 1<<20, One)
			names := []string{"_receiptTime", "_sourceCategory", "_sourceHost", "_sourceName", "_collector", "_source"}
			w := &input.Want{Layout: event.NewLayout(names...), Warnings: &exec.Warnings{}}
			for i := range names {
				w.Fields.Add(event.Slot(i))
			}
			r := NewReader(w)
			b.SetBytes(int64(size))
			for b.Loop() {
				if err := r.Read(rows, discard{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type discard struct{}

func (discard) Push(*event.Batch) error { return nil }
