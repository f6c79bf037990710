package cli

import (
	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
)

// findingFlags choose which findings are shown, and in which order.
type findingFlags struct {
	severity, level         string
	hosts, users, detection []string
	tags                    []string
	sort                    string
	timeline, flat          bool
}

func (x *findingFlags) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	choiceFlag(f, &x.severity, "min-severity", "", "", detection.Severities(), "only findings of this severity or higher: informational, low, medium, high, critical")
	choiceFlag(f, &x.level, "level", "", "", detection.Severities(), "the same as --min-severity, by Sigma's name")
	f.StringArrayVar(&x.hosts, "host", nil, "only findings on this host; * is any text, the domain may be left out; may be repeated")
	f.StringArrayVar(&x.users, "user", nil, "only findings about this user, as --host")
	f.StringArrayVar(&x.detection, "detection", nil, "only findings of this detection, by id or title, or of this package; * is any text; may be repeated")
	f.StringArrayVar(&x.tags, "tag", nil, "only findings of detections with this tag, or one below it: attack.t1059, attack.execution; may be repeated")
	choiceFlag(f, &x.sort, "sort", "", "severity", []string{"severity", "time"}, "order of findings: severity (then score, then time) or time, newest first")
	f.BoolVar(&x.timeline, "timeline", false, "by time, oldest first, under their days")
	f.BoolVar(&x.flat, "no-fold", false, "list a record that was read twice twice, and findings of one process apart")
}

// options are what the flags ask for.
func (x *findingFlags) options() (o hunt.Options, err error) {
	for _, v := range []struct{ flag, value string }{{"min-severity", x.severity}, {"level", x.level}} {
		if v.value == "" {
			continue
		}
		s, err := severityNamed(v.flag, v.value)
		if err != nil {
			return o, err
		}
		o.Filter.Least = max(o.Filter.Least, s)
	}
	switch {
	case x.timeline:
		o.Order = hunt.Oldest
	case x.sort == "time":
		o.Order = hunt.Newest
	case x.sort != "severity":
		return o, usageError("--sort %s: findings are sorted by severity or time%s", x.sort, didYouMean(x.sort, "severity", "time"))
	}
	o.Filter.Hosts, o.Filter.Users, o.Filter.Detections, o.Filter.Tags, o.Flat = x.hosts, x.users, x.detection, x.tags, x.flat
	return o, nil
}

// none reports whether all findings are listed, in the usual order.
func (x *findingFlags) none() bool {
	return x.severity == "" && x.level == "" && len(x.hosts)+len(x.users)+len(x.detection)+len(x.tags) == 0 && x.sort == "severity" && !x.timeline && !x.flat
}

// severityNamed reads a flag's severity.
func severityNamed(flag, value string) (detection.Severity, error) {
	s, err := detection.ParseSeverity(value)
	if err != nil {
		return 0, usageError("--%s: %v%s", flag, err, didYouMean(value, severities...))
	}
	return s, nil
}

// didYouMean names the nearest of some values, if one is near.
func didYouMean(word string, values ...string) string {
	if near := diag.Nearest(word, values); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}
