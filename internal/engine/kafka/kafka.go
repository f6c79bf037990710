// Package kafka reads events from Kafka topics, as a member of a consumer group
// whose offsets are committed only once the output of what was read is written:
// an event may be read twice after a crash, and is never lost.
package kafka

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

const (
	// recordsMax is how many records are taken at a time.
	recordsMax = 10_000
	// meetMax is how long a first answer of a broker is waited for.
	meetMax = 15 * time.Second
	// groupDefault is the consumer group of who names none.
	groupDefault = "gyoji"
)

// Scheme begins the address of a topic: kafka://broker:9092/topic.
const Scheme = "kafka://"

// IsAddress reports whether a path is the address of a topic.
func IsAddress(path string) bool { return strings.HasPrefix(path, Scheme) }

// Address says what to read.
type Address struct {
	Brokers []string
	Topics  []string
	Group   string
	Oldest  bool // a group without offsets starts at the oldest record, not at what comes next
}

// ParseAddress reads kafka://BROKER[,BROKER...]/TOPIC[,TOPIC...][?group=NAME&from=oldest|newest].
func ParseAddress(s string) (a Address, err error) {
	rest, ok := strings.CutPrefix(s, Scheme)
	if !ok {
		return a, fmt.Errorf("%s does not begin with %s", s, Scheme)
	}
	rest, query, _ := strings.Cut(rest, "?")
	brokers, topics, ok := strings.Cut(rest, "/")
	if !ok || brokers == "" || topics == "" {
		return a, fmt.Errorf("%s: write kafka://BROKER:PORT/TOPIC", s)
	}
	a = Address{Brokers: strings.Split(brokers, ","), Topics: strings.Split(topics, ","), Group: groupDefault}
	for _, list := range [][]string{a.Brokers, a.Topics} {
		for _, e := range list {
			if e == "" {
				return a, fmt.Errorf("%s: an empty name between commas", s)
			}
		}
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return a, fmt.Errorf("%s: %w", s, err)
	}
	for k, v := range values {
		switch {
		case k == "group" && v[0] != "":
			a.Group = v[0]
		case k == "from" && v[0] == "oldest":
			a.Oldest = true
		case k == "from" && v[0] == "newest":
		default:
			return a, fmt.Errorf("%s: %s=%s is not known; there are group=NAME and from=oldest or newest", s, k, v[0])
		}
	}
	return a, nil
}

// Access is how brokers are reached.
type Access struct {
	TLS      *tls.Config // nil: in the clear
	User     string      // "": without SASL
	Password string
	SASL     string // one of Mechanisms; "" is the first
	// Dial opens connections; nil is the usual way.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Mechanisms are the ways to say who one is, strongest first.
var Mechanisms = []string{"scram-sha-512", "scram-sha-256", "plain"}

// options are the client's for the access.
func (a Access) options() (opts []kgo.Opt, err error) {
	switch {
	case a.Dial != nil:
		opts = append(opts, kgo.Dialer(a.dial))
	case a.TLS != nil:
		opts = append(opts, kgo.DialTLSConfig(a.TLS))
	}
	if a.User == "" {
		return opts, nil
	}
	who := scram.Auth{User: a.User, Pass: a.Password}
	switch a.SASL {
	case "", "scram-sha-512":
		opts = append(opts, kgo.SASL(who.AsSha512Mechanism()))
	case "scram-sha-256":
		opts = append(opts, kgo.SASL(who.AsSha256Mechanism()))
	case "plain":
		if a.TLS == nil {
			return nil, errors.New("kafka: plain sends the password as it is; use TLS with it, or SCRAM")
		}
		opts = append(opts, kgo.SASL(plain.Auth{User: a.User, Pass: a.Password}.AsMechanism()))
	default:
		return nil, fmt.Errorf("kafka: there is no mechanism %s; choose one of %s", a.SASL, strings.Join(Mechanisms, ", "))
	}
	return opts, nil
}

// dial opens a connection by Dial, and begins TLS on it.
func (a Access) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := a.Dial(ctx, network, address)
	if err != nil || a.TLS == nil {
		return conn, err
	}
	with := a.TLS.Clone()
	if with.ServerName == "" {
		with.ServerName, _, _ = net.SplitHostPort(address)
	}
	secure := tls.Client(conn, with)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// Producer puts records into a topic.
type Producer struct{ client *kgo.Client }

// NewProducer readies a producer for the one topic of an address.
func NewProducer(a Address, by Access) (*Producer, error) {
	opts, err := by.options()
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(a.Brokers...), kgo.DefaultProduceTopic(a.Topics[0]), kgo.RecordRetries(3))...)
	return &Producer{client}, err
}

// Put puts a record into the topic and returns once it is there.
func (p *Producer) Put(ctx context.Context, key string, value []byte, headers map[string]string) error {
	r := &kgo.Record{Key: []byte(key), Value: value}
	for _, k := range slices.Sorted(maps.Keys(headers)) {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: k, Value: []byte(headers[k])})
	}
	return p.client.ProduceSync(ctx, r).FirstErr()
}

// Close ends it.
func (p *Producer) Close() { p.client.Close() }

// Consumer is an input.Follower of a group's share of topics.
type Consumer struct {
	client *kgo.Client
	index  map[string]int // of the parts, by topic and partition
	given  []*kgo.Record  // the last of each partition that Next gave
	met    bool           // a broker has answered
}

// Open joins the group.
func Open(a Address, by Access) (*Consumer, error) {
	opts, err := by.options()
	if err != nil {
		return nil, err
	}
	start := kgo.NewOffset().AtEnd()
	if a.Oldest {
		start = kgo.NewOffset().AtStart()
	}
	client, err := kgo.NewClient(append(opts,
		kgo.SeedBrokers(a.Brokers...), kgo.ConsumerGroup(a.Group), kgo.ConsumeTopics(a.Topics...),
		kgo.ConsumeResetOffset(start), kgo.DisableAutoCommit(),
		// The group may not move a partition while its records are in work:
		// their offsets could not be committed any more.
		kgo.BlockRebalanceOnPoll(),
	)...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return &Consumer{client: client, index: map[string]int{}}, nil
}

// Next waits for records. Each partition's are a part of their own, named
// TOPIC/PARTITION, one event a line: line ends in a record, which in JSON mean
// nothing, become blanks. The topic is the events' _source.
func (c *Consumer) Next(ctx context.Context) ([]*input.Part, error) {
	if !c.met { // later trouble may pass, so the client goes on trying; who is not let in at all is told
		wait, stop := context.WithTimeout(ctx, meetMax)
		err := c.client.Ping(wait)
		stop()
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, fmt.Errorf("kafka: no broker can be reached: %w", err)
		}
		c.met = true
	}
	for {
		c.client.AllowRebalance()
		fetches := c.client.PollRecords(ctx, recordsMax)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if fetches.IsClientClosed() {
			return nil, errors.New("kafka: the client is closed")
		}
		for _, e := range fetches.Errors() {
			return nil, fmt.Errorf("kafka: %s/%d: %w", e.Topic, e.Partition, e.Err)
		}
		var parts []*input.Part
		c.given = c.given[:0]
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if len(p.Records) == 0 {
				return
			}
			var text bytes.Buffer
			for _, r := range p.Records {
				if len(bytes.TrimSpace(r.Value)) > 0 {
					text.Write(bytes.ReplaceAll(r.Value, []byte{'\n'}, []byte{' '}))
					text.WriteByte('\n')
				}
			}
			c.given = append(c.given, p.Records[len(p.Records)-1])
			if text.Len() == 0 {
				return
			}
			name := fmt.Sprintf("%s/%d", p.Topic, p.Partition)
			i, ok := c.index[name]
			if !ok {
				i = len(c.index)
				c.index[name] = i
			}
			part := input.MemoryPart(name, text.Bytes())
			part.Index = i
			part.Origin.Source = p.Topic
			parts = append(parts, part)
		})
		if len(parts) > 0 {
			return parts, nil
		}
		if err := c.Done(ctx); err != nil { // empty records only
			return nil, err
		}
	}
}

// Done commits the offsets of what Next gave last.
func (c *Consumer) Done(ctx context.Context) error {
	if len(c.given) == 0 {
		return nil
	}
	if err := c.client.CommitRecords(ctx, c.given...); err != nil {
		return fmt.Errorf("kafka: commit offsets: %w", err)
	}
	c.given = c.given[:0]
	return nil
}

// Close leaves the group.
func (c *Consumer) Close() error {
	c.client.AllowRebalance()
	c.client.Close()
	return nil
}
