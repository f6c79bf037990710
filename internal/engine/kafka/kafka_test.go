package kafka

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

func texts(t *testing.T, parts []*input.Part) string {
	t.Helper()
	var out strings.Builder
	for _, p := range parts {
		r, err := p.Open(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		all, _ := io.ReadAll(r)
		out.Write(all)
	}
	return out.String()
}

// TestOffsetsAreCommittedAfterTheOutput: a consumer that ends before Done
// leaves its records to the next one; after Done they do not come again.
func TestOffsetsAreCommittedAfterTheOutput(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	producer, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("events"))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	produce := func(values ...string) {
		for _, v := range values {
			if err := producer.ProduceSync(ctx, kgo.StringRecord(v)).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	address, err := ParseAddress("kafka://" + strings.Join(cluster.ListenAddrs(), ",") + "/events?group=g&from=oldest")
	if err != nil {
		t.Fatal(err)
	}
	// read takes records until want has come, and says done for them or not.
	read := func(want string, done bool) {
		t.Helper()
		c, err := Open(address, Access{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		got := ""
		for len(got) < len(want) {
			parts, err := c.Next(ctx)
			if err != nil {
				t.Fatalf("after %q: %v", got, err)
			}
			got += texts(t, parts)
			if parts[0].Name != "events/0" || parts[0].Origin.Source != "events" {
				t.Errorf("part %q from %q", parts[0].Name, parts[0].Origin.Source)
			}
			if done {
				if err := c.Done(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	produce("{\"a\":\n1}", "", `{"a":2}`)
	read("{\"a\": 1}\n{\"a\":2}\n", false)
	read("{\"a\": 1}\n{\"a\":2}\n", true)
	produce(`{"a":3}`)
	read("{\"a\":3}\n", true)
}

func TestParseAddress(t *testing.T) {
	for s, want := range map[string]string{
		"kafka://a:1,b:2/t,u?group=x&from=oldest": "",
		"kafka://a:1/t":               "",
		"kafka://a:1":                 "write kafka://BROKER:PORT/TOPIC",
		"kafka://a:1/":                "write kafka://BROKER:PORT/TOPIC",
		"kafka://a:1,/t":              "an empty name",
		"kafka://a:1/t?form=oldest":   "form=oldest is not known",
		"kafka://a:1/t?from=tomorrow": "from=tomorrow is not known",
		"file://x/y":                  "does not begin with",
	} {
		_, err := ParseAddress(s)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", s, err, want)
		}
	}
}
