package server

import (
	"fmt"
	"os"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/server/live"
	"github.com/gyoji-dev/gyoji/internal/server/sec"
	"github.com/gyoji-dev/gyoji/packages"
	"github.com/gyoji-dev/gyoji/sigma"
)

// watch begins live detection, and gives the API of its content and of what it finds.
func (s *Server) watch() (*sec.API, error) {
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
	if s.live, err = live.Start(live.Options{Store: s.store, Content: content, Logf: s.logf}); err != nil {
		return nil, err
	}
	s.more = append(s.more, s.live.Close)
	h, err := s.detections()
	if err != nil {
		return nil, err
	}
	if s.hunter, err = live.StartHunter(live.Options{Store: s.store, Logf: s.logf}, h); err != nil {
		return nil, err
	}
	s.more = append(s.more, s.hunter.Close)
	o.Alerts, o.Changed = s.live.Alerts(), s.live.Changed
	return sec.New(sec.Of(db), o), nil
}

// detections are the packages and Sigma rules that hunt in what comes. What of them cannot
// be used is named, and the others hunt.
func (s *Server) detections() (*hunt.Hunt, error) {
	var d hunt.Detections
	var wrong []error
	if len(s.c.Detect) == 0 {
		d.Packages, wrong = detection.Load(packages.FS, ".")
	}
	for _, path := range s.c.Detect {
		if _, err := os.Stat(path); err != nil {
			return nil, &ConfigError{fmt.Errorf("detections: %w", err)}
		}
		pkgs, errs := detection.LoadDir(path)
		d.Packages, wrong = append(d.Packages, pkgs...), append(wrong, errs...)
	}
	for _, err := range wrong {
		s.logf("a detection package is left out: %v", err)
	}
	if len(s.c.Detect) > 0 {
		docs, found, err := sigma.Load(s.c.Detect, detection.ManifestName)
		if err != nil {
			return nil, &ConfigError{fmt.Errorf("detections: %w", err)}
		}
		for _, x := range found {
			s.logf("%s", x)
		}
		d.Scope = rule.NewScope()
		d.Scope.Twins = true
		d.Scope.Layout.Slot("OperationType") // before rules are lowered at once
		var unusable []rule.Unusable
		d.Rules, unusable = d.Scope.Lower(docs, nil)
		for _, u := range unusable {
			s.logf("a Sigma rule is left out: %s", u.Error())
		}
	}
	h, found := hunt.Compile(d)
	for _, x := range found {
		if x.Severity == diag.Error {
			s.logf("a detection is left out: %s", x)
		}
	}
	return h, nil
}
