// Package kafka reads events from Kafka topics, as a member of a consumer group
// whose offsets are committed only once the output of what was read is written:
// an event may be read twice after a crash, and is never lost.
package kafka

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
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
	client   *kgo.Client
	given    []*kgo.Record // the last of each partition that Next gave
	met      bool          // a broker has answered
	places   input.Places  // nil: the group's committed offsets are the place
	warnings *exec.Warnings

	mu    sync.Mutex
	at    map[string]*partition  // by TOPIC/PARTITION
	kept  map[string]*kgo.Record // the last of each whose place is kept, until Kept commits its offset
	known []input.Place          // of a process before
	parts int                    // numbers given
}

// partition is how far one has been read.
type partition struct {
	name   string // TOPIC/PARTITION
	id     string // tells it from one of a topic of the same name; "" without places
	part   int
	bytes  int64 // given so far, so that events of one moment are in the order in which they came
	offset int64 // of the next record; -1 before the first
	goesOn bool  // from the place of a process before, and nothing has come since
}

// Open joins the group.
func Open(a Address, by Access) (*Consumer, error) { return OpenFrom(a, by, nil, nil) }

// OpenFrom joins the group for who keeps places, which go before the group's committed
// offsets: these are committed by Kept alone. Records after a place that a topic no longer
// has are said in warnings, and count as lost. Without places it is Open.
func OpenFrom(a Address, by Access, places input.Places, warnings *exec.Warnings) (*Consumer, error) {
	opts, err := by.options()
	if err != nil {
		return nil, err
	}
	c := &Consumer{places: places, warnings: warnings, at: map[string]*partition{}, kept: map[string]*kgo.Record{}}
	start := kgo.NewOffset().AtEnd()
	if a.Oldest {
		start = kgo.NewOffset().AtStart()
	}
	reset := start
	if places != nil {
		if c.known, err = places.Places(); err != nil {
			return nil, err
		}
		for _, p := range c.known {
			c.parts = max(c.parts, p.Part)
		}
		if len(c.known) > 0 {
			reset = kgo.NewOffset().AtStart() // where a place is gone, all that is there is new
		}
		opts = append(opts, kgo.AdjustFetchOffsetsFn(c.begin))
	}
	c.mu.Lock() // begin may be called at once
	defer c.mu.Unlock()
	c.client, err = kgo.NewClient(append(opts,
		kgo.SeedBrokers(a.Brokers...), kgo.ConsumerGroup(a.Group), kgo.ConsumeTopics(a.Topics...),
		kgo.ConsumeStartOffset(start), kgo.ConsumeResetOffset(reset), kgo.DisableAutoCommit(),
		// The group may not move a partition while its records are in work:
		// their offsets could not be committed any more.
		kgo.BlockRebalanceOnPoll(),
	)...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return c, nil
}

// begin has partitions that the group gives to this member begin at their places.
func (c *Consumer) begin(ctx context.Context, from map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	c.mu.Lock()
	client := c.client
	c.mu.Unlock()
	ids, err := topicIDs(ctx, client, from)
	if err != nil {
		return nil, fmt.Errorf("ask for the topics: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for topic, partitions := range from {
		for n, committed := range partitions {
			p, id := c.of(topic, n), fmt.Sprintf("kafka:%s/%d", ids[topic], n)
			switch {
			case p.id != id: // not met before
				p.id, p.offset = id, -1
				c.resume(p)
			case p.offset >= 0: // another member may have had it meanwhile
				p.offset = max(p.offset, committed.EpochOffset().Offset)
			}
			if p.offset >= 0 {
				partitions[n] = kgo.NewOffset().At(p.offset)
			}
		}
	}
	return from, nil
}

// topicIDs are what tells topics from others that had the same names before, or will have
// them; of brokers that have no such ids, the names.
func topicIDs(ctx context.Context, client *kgo.Client, of map[string]map[int32]kgo.Offset) (map[string]string, error) {
	ids := map[string]string{}
	ask := kmsg.NewPtrMetadataRequest()
	for topic := range of {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(topic)
		ask.Topics, ids[topic] = append(ask.Topics, t), topic
	}
	if len(ids) == 0 {
		return ids, nil
	}
	answer, err := ask.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	for _, t := range answer.Topics {
		if t.Topic != nil && t.TopicID != [16]byte{} {
			ids[*t.Topic] = hex.EncodeToString(t.TopicID[:])
		}
	}
	return ids, nil
}

// of is a partition, met or new.
func (c *Consumer) of(topic string, n int32) *partition {
	name := fmt.Sprintf("%s/%d", topic, n)
	p := c.at[name]
	if p == nil {
		p = &partition{name: name, part: c.parts, offset: -1}
		c.parts++
		c.at[name] = p
	}
	return p
}

// resume has a partition go on where a process before has left it.
func (c *Consumer) resume(p *partition) {
	for _, x := range c.known {
		switch {
		case x.File == p.id:
			p.part, p.bytes, p.offset, p.goesOn = x.Part-1, x.Off, x.Lines, true
			return
		case x.Path == p.name && strings.HasPrefix(x.File, "kafka:"):
			c.warnings.Add("topic that was deleted and created again since: what it had before and was not read is lost", true, exec.Sample{
				Part: p.name, Detail: fmt.Sprintf("read up to record %d", x.Lines),
			})
		}
	}
}

// Next waits for records. Those of a partition that follow each other are a part of their
// own, named TOPIC/PARTITION, one event a line: line ends in a record, which in JSON mean
// nothing, become blanks. The line of an event is the offset of its record. The topic is the
// events' _source.
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
		fetches.EachPartition(func(p kgo.FetchTopicPartition) { parts = append(parts, c.take(p)...) })
		if len(parts) > 0 {
			return parts, nil
		}
		if err := c.Done(ctx); err != nil { // empty records only
			return nil, err
		}
	}
}

// take makes parts of the records of a partition.
func (c *Consumer) take(from kgo.FetchTopicPartition) (parts []*input.Part) {
	if len(from.Records) == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.of(from.Topic, from.Partition)
	if p.goesOn && p.offset < from.LogStartOffset {
		c.warnings.Add("records that the topic no longer has, of those that came since the place that is kept", true, exec.Sample{
			Part: p.name, Detail: fmt.Sprintf("records %d to %d", p.offset, from.LogStartOffset-1),
		})
	}
	p.goesOn = false
	var text bytes.Buffer
	var first, lines int64
	end := func() {
		if text.Len() == 0 {
			return
		}
		part := input.MemoryPart(p.name, bytes.Clone(text.Bytes()))
		part.Index, part.Start, part.Lines = p.part, p.bytes, first-1
		part.Origin.Source = from.Topic
		parts = append(parts, part)
		p.bytes += part.Size
		text.Reset()
		lines = 0
	}
	for _, r := range from.Records {
		if len(bytes.TrimSpace(r.Value)) == 0 {
			continue
		}
		if r.Offset != first+lines {
			end()
			first = r.Offset
		}
		text.Write(bytes.ReplaceAll(r.Value, []byte{'\n'}, []byte{' '}))
		text.WriteByte('\n')
		lines++
	}
	end()
	last := from.Records[len(from.Records)-1]
	p.offset = last.Offset + 1
	c.given = append(c.given, last)
	return parts
}

// Done commits the offsets of what Next gave last, or keeps the places after it.
func (c *Consumer) Done(ctx context.Context) error {
	if len(c.given) == 0 {
		return nil
	}
	if c.places != nil {
		if err := c.keep(); err != nil {
			return err
		}
	} else if err := c.client.CommitRecords(ctx, c.given...); err != nil {
		return fmt.Errorf("kafka: commit offsets: %w", err)
	}
	c.given = c.given[:0]
	return nil
}

func (c *Consumer) keep() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var places []input.Place
	for _, r := range c.given {
		p := c.of(r.Topic, r.Partition)
		places = append(places, input.Place{Path: p.name, File: p.id, Format: "kafka", Part: p.part + 1, Off: p.bytes, Lines: r.Offset + 1})
		c.kept[p.name] = r
	}
	return c.places.Keep(places)
}

// Kept says that the places so far are written down: the offsets are committed, for who
// looks at the group's. Where that fails it is one of warnings, and done the next time.
func (c *Consumer) Kept(ctx context.Context) {
	c.mu.Lock()
	kept := c.kept
	c.kept = map[string]*kgo.Record{}
	c.mu.Unlock()
	if len(kept) == 0 {
		return
	}
	if err := c.client.CommitRecords(ctx, slices.Collect(maps.Values(kept))...); err != nil {
		c.warnings.Add("offsets that could not be committed; the place that is kept holds", false, exec.Sample{Detail: err.Error()})
		c.mu.Lock()
		defer c.mu.Unlock()
		maps.Copy(kept, c.kept)
		c.kept = kept
	}
}

// Close leaves the group.
func (c *Consumer) Close() error {
	c.client.AllowRebalance()
	c.client.Close()
	return nil
}
