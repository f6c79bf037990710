package server

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/desk"
	"github.com/gyoji-dev/gyoji/internal/server/job"
	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/internal/server/sec"
	"github.com/gyoji-dev/gyoji/packages"
	"github.com/gyoji-dev/gyoji/sigma"
)

// watch begins live detection, and gives the calls of its content and of what it finds.
func (s *Server) watch(meter *desk.Meter) ([]access.Route, error) {
	db, err := s.store.DB(sec.Migration)
	if err != nil {
		return nil, err
	}
	builtin, found, err := tenant.Read([]tenant.Place{{FS: packages.FS, Path: ".", Name: "packages"}})
	if err != nil {
		return nil, err
	}
	for _, d := range found {
		s.logf("built-in content: %s", d)
	}
	o := sec.Options{Builtin: builtin}
	content := sec.New(sec.Of(db), o).Content
	if s.live, err = live.New(live.Options{Store: s.store, Content: content, Logf: s.logf}); err != nil {
		return nil, err
	}
	s.more = append(s.more, s.live.Close)
	shipped, wrong := detection.Load(packages.FS, "packages")
	for _, err := range wrong {
		s.leave("a detection package is left out: ", err)
	}
	h, err := s.detections(shipped)
	if err != nil {
		return nil, err
	}
	if s.hunter, err = live.StartHunter(live.Options{Store: s.store, Busy: s.live.Behind, Logf: s.logf}, h); err != nil {
		return nil, err
	}
	s.more = append(s.more, s.hunter.Close)
	o.Alerts, o.Records = s.live.Alerts(), s.live.Records
	o.Changed = func() {
		s.live.Changed()
		s.desk.Content("", "", "changed")
	}
	calls := sec.New(sec.Of(db), o)
	if s.notify, err = s.notifier(builtin, shipped); err != nil {
		return nil, err
	}
	s.more = append(s.more, s.notify.Close)
	if s.desk, err = desk.New(desk.Options{
		Cares: []func(context.Context) ([]desk.Care, error){s.undelivered, s.leftOut},
		Store: s.store, Live: s.live, Hunter: s.hunter, Content: calls, Meter: meter, Packages: shipped, Builtin: builtin, People: s.people, Logf: s.logf,
	}); err != nil {
		return nil, err
	}
	s.more = append(s.more, s.desk.Close)
	s.live.Begin() // from here on all of them are told
	return slices.Concat(calls.Routes(), s.desk.Routes(), s.notify.Routes()), nil
}

// detects says that live detection is at work.
func (s *Server) detects() bool { return s.live != nil && s.live.Works() }

// people are the labels of access ids.
func (s *Server) people() map[string]string {
	all := map[string]string{}
	keys, err := s.keys.List()
	if err != nil {
		return all
	}
	for _, k := range keys {
		all[k.ID] = k.Label
	}
	return all
}

// detections are the packages and Sigma rules that hunt in what comes. What of them cannot
// be used is named, and the others hunt.
func (s *Server) detections(shipped []*detection.Package) (*hunt.Hunt, error) {
	var d hunt.Detections
	var wrong []error
	if len(s.c.Detect) == 0 {
		d.Packages = shipped
	}
	for _, path := range s.c.Detect {
		if _, err := os.Stat(path); err != nil {
			return nil, &ConfigError{fmt.Errorf("detections: %w", err)}
		}
		pkgs, errs := detection.LoadDir(path)
		d.Packages, wrong = append(d.Packages, pkgs...), append(wrong, errs...)
	}
	for _, err := range wrong {
		s.leave("a detection package is left out: ", err)
	}
	if len(s.c.Detect) > 0 {
		docs, found, err := sigma.Load(s.c.Detect, detection.ManifestName)
		if err != nil {
			return nil, &ConfigError{fmt.Errorf("detections: %w", err)}
		}
		for _, x := range found {
			if x.Severity == diag.Error {
				s.leave("", x)
			} else {
				s.logf("%s", x)
			}
		}
		d.Scope = rule.NewScope()
		d.Scope.Twins = true
		d.Scope.Layout.Slot("OperationType") // before rules are lowered at once
		var unusable []rule.Unusable
		d.Rules, unusable = d.Scope.Lower(docs, nil)
		for _, u := range unusable {
			s.leave("a Sigma rule is left out: ", u.Error())
		}
	}
	h, found := hunt.Compile(d)
	for _, x := range found {
		if x.Severity == diag.Error {
			s.leave("a detection is left out: ", x)
		}
	}
	return h, nil
}

// leave tells of something that does not hunt, and why.
func (s *Server) leave(what string, why any) {
	s.left = append(s.left, fmt.Sprint(why))
	s.logf("%s%s", what, why)
}

// leftShown is how many detections that cannot be used are told of one by one.
const leftShown = 3

// leftOut is what of --detections does not hunt: who looks at the page may not have seen the
// start of the server.
func (s *Server) leftOut(context.Context) ([]desk.Care, error) {
	n := len(s.left)
	if n == 0 {
		return nil, nil
	}
	reason := strings.Join(s.left[:min(n, leftShown)], "; ")
	if n > leftShown {
		reason += fmt.Sprintf("; and %d more, which the server's log names", n-leftShown)
	}
	return []desk.Care{{Kind: "act", What: "rule", Text: count(n, "mistake") + " in the files of --detections: what they are in does not hunt, and the others do", Reason: reason + ". Files are read at the server's start."}}, nil
}

// signalsMost is how many signals a search reads.
const signalsMost = 100_000

// signals are the signals of a time range as messages, for searches.
func (s *Server) signals(ctx context.Context, v job.View) (func() input.Feeder, error) {
	from, to := v.From, v.To
	if to == 0 {
		to = math.MaxInt64
	}
	found, more, err := s.live.Alerts().Between(ctx, from, to, signalsMost)
	if err != nil {
		return nil, err
	}
	if more {
		return nil, fmt.Errorf("more than %d signals are of that time: narrow the time range", signalsMost)
	}
	var lines []byte
	for _, one := range found {
		line, err := one.Message()
		if err != nil {
			return nil, err
		}
		lines = append(append(lines, line...), '\n')
	}
	return func() input.Feeder {
		return input.NewReader(input.Memory("signals", lines), []*input.Format{format.Named("jsonl")}, input.Options{})
	}, nil
}
