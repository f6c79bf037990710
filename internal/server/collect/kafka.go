package collect

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/kafka"
	"github.com/gyoji-dev/gyoji/internal/store"
)

// KafkaTopics is topics to read, and the category of what they hold.
type KafkaTopics struct {
	Address  kafka.Address
	Text     string // as it was given
	Category string
}

// ParseKafkaTopics reads kafka://BROKER/TOPIC?group=NAME&from=oldest&category=NAME.
func ParseKafkaTopics(s string) (t KafkaTopics, err error) {
	t.Text = s
	rest, query, _ := strings.Cut(s, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return t, fmt.Errorf("%s: %w", s, err)
	}
	t.Category = values.Get("category")
	values.Del("category")
	if len(values) > 0 {
		rest += "?" + values.Encode()
	}
	t.Address, err = kafka.ParseAddress(rest)
	return t, err
}

// kafkaAgain is how long a broker that fails is left alone.
const kafkaAgain = 5 * time.Second

// Kafka reads topics until the server ends. Offsets are committed once what was read is
// durable, so that nothing is lost; after a crash some may come twice.
func (d *Doors) Kafka(t KafkaTopics, by kafka.Access) {
	d.running.Go(func() {
		for d.stop.Err() == nil {
			err := d.consume(t, by)
			if d.stop.Err() != nil {
				return
			}
			d.o.Logf("%s: %v; trying again", t.Text, err)
			select {
			case <-time.After(kafkaAgain):
			case <-d.stop.Done():
			}
		}
	})
}

func (d *Doors) consume(t KafkaTopics, by kafka.Access) error {
	way, f := d.ownSource("kafka", func(s *Source) { s.MaxMessage = -1 })
	if f != nil {
		return f
	}
	consumer, err := kafka.Open(t.Address, by)
	if err != nil {
		return err
	}
	defer consumer.Close()
	counts := d.count("kafka")
	for {
		parts, err := consumer.Next(d.stop)
		if err != nil {
			return err
		}
		var receipts []store.Receipt
		now := time.Now().UnixMilli()
		for _, p := range parts {
			text, err := partText(p)
			if err != nil {
				return err
			}
			counts.Requests.Add(1)
			counts.Bytes.Add(int64(len(text)))
			src := way.origin()
			src.Source, src.Name = p.Origin.Source, p.Name
			src.Category = firstOf(t.Category, src.Category)
			fields, _ := way.requestFields(nil)
			r := store.Receipt{Source: src, Fields: fields, Received: now}
			for line := range bytes.Lines(text) {
				if line = bytes.TrimSuffix(line, []byte{'\n'}); !isBlank(line) {
					list, dropped := way.plan.Message(r.Messages, line, now)
					r.Messages = list
					counts.Dropped.Add(int64(dropped))
				}
			}
			receipts = append(receipts, r)
		}
		for {
			ctx, done := context.WithTimeout(context.Background(), 30*time.Second)
			_, f := d.append(ctx, counts, receipts)
			done()
			if f == nil {
				break
			}
			select { // offsets stay where they are
			case <-time.After(min(f.After, kafkaAgain)):
			case <-d.stop.Done():
				return f
			}
		}
		if err := consumer.Done(context.WithoutCancel(d.stop)); err != nil {
			return err
		}
	}
}

// partText is the bytes of a part.
func partText(p *input.Part) ([]byte, error) {
	r, err := p.Open(context.Background())
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
