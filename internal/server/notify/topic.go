package notify

import (
	"context"
	"crypto/tls"
	"encoding/json"

	"github.com/gyoji-dev/gyoji/internal/engine/kafka"
	"github.com/gyoji-dev/gyoji/internal/server/access"
)

// topic puts events into a topic of Kafka: the key of a record is the id, so that what becomes
// of an insight stays in order; the header Idempotency-Key tells a repetition.
type topic struct{ producer *kafka.Producer }

func newTopic(c *Channel, o access.Outward) (sender, error) {
	a, err := kafka.ParseAddress(c.URL)
	if err != nil {
		return nil, err
	}
	by := kafka.Access{User: c.User, Password: c.Pass, Dial: o.Dial}
	if c.TLS {
		by.TLS = &tls.Config{}
		if o.TLS != nil {
			by.TLS = o.TLS.Clone()
		}
	}
	p, err := kafka.NewProducer(a, by)
	return &topic{p}, err
}

func (t *topic) close() { t.producer.Close() }

func (t *topic) send(ctx context.Context, e *Event) error {
	text, err := json.Marshal(e)
	if err != nil {
		return permanent(err)
	}
	return t.producer.Put(ctx, e.ID, text, map[string]string{"Idempotency-Key": e.Key, "type": e.Type})
}
