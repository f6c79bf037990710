package kafka

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// kept are places as a state file has them: those that were written down last.
type kept struct{ now, written []input.Place }

func (k *kept) Places() ([]input.Place, error) { return k.written, nil }

func (k *kept) Keep(places []input.Place) error {
	for _, p := range places {
		for i, x := range k.now {
			if x.File == p.File {
				k.now = append(k.now[:i:i], k.now[i+1:]...)
				break
			}
		}
		k.now = append(k.now, p)
	}
	return nil
}

// Who keeps places goes on from them, whatever the group has committed, with numbers,
// positions and record offsets that go on too. What the topic lost meanwhile is said.
func TestPlacesGoBeforeCommittedOffsets(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	producer, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("events"), kgo.MetadataMinAge(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	produce := func(values ...string) {
		t.Helper()
		for _, v := range values {
			if err := producer.ProduceSync(ctx, kgo.StringRecord(v)).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	brokers := strings.Join(cluster.ListenAddrs(), ",")
	places := &kept{}
	var said *exec.Warnings
	open := func(query string) *Consumer {
		t.Helper()
		address, err := ParseAddress("kafka://" + brokers + "/events?" + query)
		if err != nil {
			t.Fatal(err)
		}
		said = &exec.Warnings{}
		places.now = append([]input.Place(nil), places.written...)
		c, err := OpenFrom(address, Access{}, places, said)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	var last *input.Part
	read := func(c *Consumer, want string) {
		t.Helper()
		got := ""
		for len(got) < len(want) {
			parts, err := c.Next(ctx)
			if err != nil {
				t.Fatalf("after %q: %v", got, err)
			}
			for _, p := range parts {
				if p.Index != 0 {
					t.Errorf("the partition has number %d", p.Index)
				}
				if last != nil && p.Start < last.Start+last.Size && p.Lines > last.Lines {
					t.Errorf("byte %d comes after %d bytes from byte %d on", p.Start, last.Size, last.Start)
				}
				last = p
			}
			got += texts(t, parts)
			if err := c.Done(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	write := func(c *Consumer) {
		places.written = append([]input.Place(nil), places.now...)
		c.Kept(ctx)
	}

	produce("a", "b", "", "c")
	c := open("group=g&from=oldest")
	read(c, "a\nb\nc\n")
	if last.Lines+1 != 3 {
		t.Errorf("c is said to be record %d", last.Lines+1)
	}
	c.Close() // killed before anything was written
	c = open("group=g&from=oldest")
	read(c, "a\nb\nc\n")
	write(c)
	produce("d")
	read(c, "d\n")
	c.Close() // d is not in what was written
	c = open("group=g")
	read(c, "d\n")
	write(c)
	c.Close()
	// Another of the group, without places, goes on where those were written down.
	address, _ := ParseAddress("kafka://" + brokers + "/events?group=g")
	produce("e")
	plain, err := Open(address, Access{})
	if err != nil {
		t.Fatal(err)
	}
	last = nil // it counts bytes from its own start
	read(plain, "e\n")
	plain.Close()
	last = nil
	c = open("group=g") // what it committed is not what the places are
	read(c, "e\n")
	write(c)
	c.Close()
	if all := said.List(); len(all) > 0 {
		t.Errorf("it is said: %v", all)
	}

	produce("f", "g", "h")
	ask := kmsg.NewPtrDeleteRecordsRequest()
	ask.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: "events", Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Partition: 0, Offset: 8}}}}
	if _, err := ask.RequestWith(ctx, producer); err != nil {
		t.Fatal(err)
	}
	c = open("group=g")
	read(c, "h\n")
	write(c)
	c.Close()
	if all := said.List(); len(all) != 1 || !all[0].Lost || !strings.Contains(all[0].Sample[0].Detail, "records 6 to 7") {
		t.Errorf("of records that are gone it is said: %v", all)
	}

	drop := kmsg.NewPtrDeleteTopicsRequest()
	drop.TopicNames, drop.Topics = []string{"events"}, []kmsg.DeleteTopicsRequestTopic{{Topic: kmsg.StringPtr("events")}}
	if _, err := drop.RequestWith(ctx, producer); err != nil {
		t.Fatal(err)
	}
	again := kmsg.NewPtrCreateTopicsRequest()
	again.Topics = []kmsg.CreateTopicsRequestTopic{{Topic: "events", NumPartitions: 1, ReplicationFactor: 1}}
	if _, err := again.RequestWith(ctx, producer); err != nil {
		t.Fatal(err)
	}
	other, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("events"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.ProduceSync(ctx, kgo.StringRecord("new")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	last = nil
	c = open("group=new&from=oldest")
	parts, err := c.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := texts(t, parts); got != "new\n" {
		t.Errorf("of a topic that was created again it reads %q", got)
	}
	c.Close()
	if all := said.List(); len(all) != 1 || !strings.Contains(all[0].Kind, "created again") {
		t.Errorf("of a topic that was created again it is said: %v", all)
	}
}
