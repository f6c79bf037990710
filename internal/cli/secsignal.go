package cli

import (
	"context"
	"fmt"

	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

// secSignals gives queries about _index=sec_signal the signals that Cloud SIEM rules make
// of the session's logs. They are made once, by a reading of their own.
type secSignals struct {
	names []string // of the rules; nil for those of the packages that gyoji ships
	lines []byte
	made  bool
}

// feed is the signals as messages of log search.
func (x *secSignals) feed(ctx context.Context, s *session) (input.Feeder, error) {
	if !x.made {
		t, err := s.app.tenant(x.names, s.strict)
		if err != nil {
			return nil, err
		}
		if len(t.Rules) == 0 {
			return nil, noRules(t.Found)
		}
		g := s.siem(t)
		if err := g.read(ctx); err != nil {
			return nil, err
		}
		g.tell()
		x.made = true
		for _, one := range g.signals {
			line, err := one.Message()
			if err != nil {
				return nil, err
			}
			x.lines = append(append(x.lines, line...), '\n')
		}
	}
	return input.NewReader(input.Memory("signals", x.lines), []*input.Format{format.Named("jsonl")}, input.Options{}), nil
}

// ofSIEM gives a query about records or signals of Cloud SIEM these for the events.
func (s *session) ofSIEM(ctx context.Context, q *query.Query) (of func(input.Feeder) input.Feeder, err error) {
	records, signals := record.Asked(q.Tree), record.AskedSignals(q.Tree)
	switch {
	case records && signals:
		return nil, &exit{exitDiagnostics, fmt.Errorf("the query asks for records and for signals of Cloud SIEM, which are read apart: write _index=sec_record* or _index=%s", record.SignalIndex)}
	case records:
		return func(events input.Feeder) input.Feeder {
			made, _ := record.NewCatalogue(record.Sumo, nil)
			made.Geo = s.geo
			return record.Feeder{Of: events, By: made}
		}, nil
	case signals && s.signals != nil:
		found, err := s.signals.feed(ctx, s)
		return func(input.Feeder) input.Feeder { return found }, err
	}
	return func(events input.Feeder) input.Feeder { return events }, nil
}
