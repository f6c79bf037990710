package insight_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/insight"
)

const hour = int64(60 * 60 * 1000)

var host = insight.Entity{Type: "_hostname", Value: "win10"}

func content() *insight.Content { return &insight.Content{Settings: insight.Defaults()} }

func signal(name string, at int64, severity int) *insight.Signal {
	return &insight.Signal{
		ID: fmt.Sprintf("%s-%d", name, at), Name: name, RuleID: "MATCH-U1", Time: at, Severity: severity, Entity: host,
		Beside: []string{host.ID()},
	}
}

// Section 9.2, and test idea 10 of the specification.
func TestEntityIDs(t *testing.T) {
	for want, e := range map[string]insight.Entity{
		"_hostname-win10--admin.b.test.com": {Type: "_hostname", Value: "win10-admin.b.test.com"},
		"_ip-zone1-10.1.2.3":                {Type: "_ip", Zone: "zone1", Value: "10.1.2.3"},
		"_ip-a--b-10.1.2.3":                 {Type: "_ip", Zone: "a-b", Value: "10.1.2.3"},
	} {
		if got := e.ID(); got != want {
			t.Errorf("%+v: %s, want %s", e, got, want)
		}
	}
}

// Sections 9.3 and 18, R28.
func TestNamesOfEntities(t *testing.T) {
	n := &insight.Names{
		AD: true, FQDN: true, AWS: true, Users: true, Hosts: true, DefaultDomain: "corp",
		Domains: map[string]string{"corp.example.com": "corp", "lab.example.com": "Lab", "123456789012": "cloud"},
	}
	for _, c := range []struct{ typ, value, off, on string }{
		{"_username", `CORP\Ana`, `corp\ana`, "ana"},
		{"_username", "Ana@corp.example.com", "ana@corp.example.com", "ana"},
		{"_username", "Ana@lab.example.com", "ana@lab.example.com", "ana:lab"},
		{"_username", "Ana@elsewhere.org", "ana@elsewhere.org", "ana@elsewhere.org"},
		{"_username", "arn:aws:iam::123456789012:user/div/Ana", "arn:aws:iam::123456789012:user/div/ana", "ana:cloud"},
		{"_username", "Ana", "ana", "ana"},
		{"_hostname", "WIN10.lab.example.com", "win10.lab.example.com", "win10:lab"},
		{"_hostname", "WIN10", "win10", "win10"},
		{"_process", `C:\A.exe`, `C:\A.exe`, `C:\A.exe`},
		{"_hash", "ABCD", "abcd", "abcd"},
		{"_mac", "00-AA", "00-aa", "00-aa"},
		{"_url", "HTTP://A/B", "HTTP://A/B", "HTTP://A/B"},
	} {
		if got := (*insight.Names)(nil).Entity(c.typ, "", c.value).Value; got != c.off {
			t.Errorf("%s %q: %q, want %q", c.typ, c.value, got, c.off)
		}
		if got := n.Entity(c.typ, "", c.value).Value; got != c.on {
			t.Errorf("normalised %s %q: %q, want %q", c.typ, c.value, got, c.on)
		}
	}
}

// Test idea 8: 6+6 on distinct names is 12 and no insight; +1 is a low one.
func TestScoreHasToBeAboveTheThreshold(t *testing.T) {
	d, c := insight.NewDesk(host), content()
	for n, s := range []*insight.Signal{signal("a", 1, 6), signal("b", 2, 6)} {
		if made := d.Take([]*insight.Signal{s}, c); made != nil || d.Score != 6*(n+1) {
			t.Fatalf("after %d signals: %d insights, score %d", n+1, len(made), d.Score)
		}
	}
	made := d.Take([]*insight.Signal{signal("c", 3, 1)}, c)
	if len(made) != 1 || made[0].Severity != insight.Low || made[0].Score != 13 || len(made[0].Signals) != 3 || d.Score != 0 {
		t.Fatalf("insights %+v, score after %d", made, d.Score)
	}
	// Signals that made an insight do not count again (10.1).
	if made := d.Take([]*insight.Signal{signal("d", 4, 9)}, c); made != nil || d.Score != 9 {
		t.Errorf("after the insight: %d insights, score %d", len(made), d.Score)
	}
}

// Section 10.1: t+1 low, t+2 and t+3 medium, t+4 and more high, never critical.
func TestSeverityFollowsTheScore(t *testing.T) {
	for over, want := range map[int]string{1: "LOW", 2: "MEDIUM", 3: "MEDIUM", 4: "HIGH", 8: "HIGH"} {
		d := insight.NewDesk(host)
		made := d.Take([]*insight.Signal{signal("a", 5, 10), signal("b", 5, 2+over)}, content())
		if len(made) != 1 || made[0].Severity != want {
			t.Errorf("%d above the threshold: %+v, want %s", over, made, want)
		}
	}
}

// Test idea 8, second half: repeats, prototypes and what is suppressed never count.
func TestWhatDoesNotCount(t *testing.T) {
	c := content()
	d := insight.NewDesk(host)
	proto := signal("p", 1, 10)
	proto.Prototype = true
	listed := signal("l", 1, 10)
	listed.Suppressed = []string{"list:quiet"}
	all := []*insight.Signal{proto, listed, signal("a", 1, 4), signal("a", 2, 9), signal("a", 3, 5)}
	for _, s := range all {
		d.Take([]*insight.Signal{s}, c)
	}
	if d.Score != 4 {
		t.Errorf("score %d, want 4", d.Score)
	}
	if got := all[3].Suppressed; !slices.Equal(got, []string{"redundant"}) || !all[3].Stronger {
		t.Errorf("the stronger repeat: %v, stronger %v", got, all[3].Stronger)
	}
	// Stronger than the first, and weaker than the repeat before it.
	if all[4].Stronger || len(all[4].Suppressed) != 1 {
		t.Errorf("the third: %v, stronger %v", all[4].Suppressed, all[4].Stronger)
	}
	if len(proto.Suppressed) != 0 {
		t.Errorf("a prototype is %v", proto.Suppressed)
	}
}

// Test idea 9: hours 0 and 13 count; of one each 30 minutes those at 0 and 72 hours.
func TestRedundancy(t *testing.T) {
	counted := func(times []int64, window int64) (at []int64) {
		d := insight.NewDesk(host)
		for _, h := range times {
			s := signal("a", h, 1)
			s.Window = window
			d.Take([]*insight.Signal{s}, content())
			if s.Counts() {
				at = append(at, h)
			}
		}
		return at
	}
	if got := counted([]int64{0, 13 * hour}, 0); len(got) != 2 {
		t.Errorf("hours 0 and 13: %v", got)
	}
	if got := counted([]int64{0, 12 * hour}, 0); len(got) != 1 {
		t.Errorf("hours 0 and 12: %v", got)
	}
	var each []int64
	for h := int64(0); h <= 80*hour; h += hour / 2 {
		each = append(each, h)
	}
	if got := counted(each, 0); !slices.Equal(got, []int64{0, 72 * hour}) {
		t.Errorf("each half hour: %v", got)
	}
	// A rule's own window is reckoned from what counted last.
	if got := counted([]int64{0, 30, 59, 60, 100, 120}, 60); !slices.Equal(got, []int64{0, 60, 120}) {
		t.Errorf("a window of 60: %v", got)
	}
}

// Section 8.2: why, in the order of the list.
func TestSuppressionReasons(t *testing.T) {
	c := content()
	ip := insight.Entity{Type: "_ip", Value: "10.1.2.3"}
	c.Suppressed = map[string]bool{ip.ID(): true}
	c.Blocks = insight.NewBlocks([]*insight.Block{
		{CIDR: netip.MustParsePrefix("10.0.0.0/8")},
		{CIDR: netip.MustParsePrefix("10.1.0.0/16"), Suppresses: true},
		{CIDR: netip.MustParsePrefix("10.1.9.0/24")},
	})
	s := signal("a", 1, 5)
	s.Entity, s.Suppressed = ip, []string{"list:scanners"}
	insight.NewDesk(ip).Take([]*insight.Signal{s}, c)
	if want := []string{"entity:_ip-10.1.2.3", "network:10.1.0.0/16", "list:scanners"}; !slices.Equal(s.Suppressed, want) {
		t.Errorf("%v, want %v", s.Suppressed, want)
	}
	// The most specific block decides.
	s = signal("a", 1, 5)
	s.Entity = insight.Entity{Type: "_ip", Value: "10.1.9.9"}
	insight.NewDesk(s.Entity).Take([]*insight.Signal{s}, c)
	if len(s.Suppressed) != 0 {
		t.Errorf("an address in a block of its own: %v", s.Suppressed)
	}
}

// Section 9.5, and groups' precedence of 9.6.
func TestCriticality(t *testing.T) {
	c := content()
	c.Criticality = map[string]*insight.Criticality{}
	for name, text := range map[string]string{"vital": "severity + 3", "half": "severity / 2", "less": "severity - 20", "none": "severity / 0", "mixed": "-(1 - severity) * 2"} {
		x, ds := insight.ParseCriticality(name, diag.Text(name, text))
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		c.Criticality[name] = x
	}
	c.Groups = []*insight.Group{
		{Name: "all", Type: "_hostname", Prefix: "win", Criticality: "half"},
		{Name: "tens", Type: "_hostname", Prefix: "WIN1", Criticality: "vital", Tags: []string{"_deviceGroup:tens"}},
		{Name: "lab", Suffix: ".lab", Suppressed: true},
	}
	c.Critical = map[string]string{"_hostname-hand": "less", "_hostname-zero": "none", "_hostname-mixed": "mixed"}
	for value, want := range map[string]int{"win10": 8, "win99": 2, "other": 5, "hand": 0, "zero": int(^uint32(0) >> 1), "mixed": 8} {
		e := insight.Entity{Type: "_hostname", Value: value}
		s := signal("a", 1, 5)
		s.Entity = e
		insight.NewDesk(e).Take([]*insight.Signal{s}, c)
		if s.Severity != want {
			t.Errorf("%s: severity %d, want %d", value, s.Severity, want)
		}
	}
	if got := c.Tags(insight.Entity{Type: "_hostname", Value: "win10"}); !slices.Equal(got, []string{"_deviceGroup:tens"}) {
		t.Errorf("tags %v", got)
	}
	for _, bad := range []string{"severity +", "confidence + 1", "lower(severity)", "'5'", "severity > 3", "severity % 2"} {
		if x, ds := insight.ParseCriticality("x", diag.Text("x", bad)); x != nil || !ds.HasErrors() {
			t.Errorf("%q is taken", bad)
		}
	}
}

// Sections 5.5 and 10.1; 18, R23 and R24.
func TestInsightIsNamedByItsTactics(t *testing.T) {
	for _, c := range []struct {
		tags []string
		name string
	}{
		{[]string{"_mitreAttackTactic:TA0002"}, "Execution"},
		{[]string{"_mitreAttackTactic:TA0002", "_mitreAttackTactic:TA0001"}, "Initial Access with Execution"},
		{[]string{"_mitreAttackTactic:TA0003", "_mitreAttackTactic:TA0002", "_mitreAttackTactic:TA0001"}, "Initial Access with Execution and Persistence"},
		{[]string{"_mitreAttackTactic:TA0040", "_mitreAttackTactic:TA0003", "_mitreAttackTactic:TA0002", "_mitreAttackTactic:TA0001"}, "Initial Access with Execution, Persistence and Impact"},
		{[]string{"own:tag"}, "strong"},
	} {
		weak, strong := signal("weak", 1, 4), signal("strong", 1, 9)
		weak.Tags = c.tags
		made := insight.NewDesk(host).Take([]*insight.Signal{weak, strong}, content())
		if len(made) != 1 || made[0].Name != c.name {
			t.Errorf("%v: %+v, want %s", c.tags, made, c.name)
		}
	}
}

// naive judges one entity's signals by the sentences of sections 8.3 and 10.1,
// looking at everything that came before, each time anew.
func naive(signals []*insight.Signal, set insight.Settings) (counted []bool, insights []int64) {
	counted = make([]bool, len(signals))
	cut := int64(-1 << 62)
	for i := 0; i < len(signals); {
		n := i
		for n < len(signals) && signals[n].Time == signals[i].Time {
			s := signals[n]
			lastFire, lastCounted, before := int64(0), int64(0), false
			for j := 0; j < n; j++ {
				p := signals[j]
				if p.Name != s.Name || p.Prototype || len(p.Suppressed) > 0 && p.Suppressed[0] != "redundant" {
					continue
				}
				before, lastFire = true, p.Time
				if counted[j] {
					lastCounted = p.Time
				}
			}
			switch {
			case s.Prototype || len(s.Suppressed) > 0 && s.Suppressed[0] != "redundant":
			case !before:
				counted[n] = true
			case s.Window > 0:
				counted[n] = s.Time-lastCounted >= s.Window
			default:
				counted[n] = !(s.Time-lastFire <= 12*hour && s.Time-lastCounted < set.Ceiling)
			}
			n++
		}
		t := signals[i].Time
		top := map[string]int{}
		fresh := false
		for j := 0; j < n; j++ {
			if p := signals[j]; counted[j] && p.Time > max(t-set.Lookback, cut) {
				top[p.Name] = max(top[p.Name], p.Severity)
				fresh = fresh || j >= i
			}
		}
		score := 0
		for _, v := range top {
			score += v
		}
		if fresh && float64(score) > set.Threshold {
			insights = append(insights, t)
			cut = t
		}
		i = n
	}
	return counted, insights
}

func TestDeskAgainstTheSentences(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	made := 0
	for round := range 2000 {
		set := insight.Settings{Lookback: (1 + r.Int64N(20)) * 24 * hour, Threshold: float64(r.IntN(15)), Ceiling: (24 + r.Int64N(48)) * hour}
		c := &insight.Content{Settings: set}
		var all []*insight.Signal
		at := int64(0)
		for range 1 + r.IntN(60) {
			if r.IntN(4) > 0 {
				at += r.Int64N([]int64{hour, 13 * hour, 5 * 24 * hour}[r.IntN(3)])
			}
			s := signal(string(rune('a'+r.IntN(5))), at, r.IntN(11))
			s.Window = []int64{0, 0, hour, 30 * hour, 7 * 24 * hour}[r.IntN(5)]
			s.Pos, s.Prototype = uint64(len(all)), r.IntN(8) == 0
			if r.IntN(8) == 0 {
				s.Suppressed = []string{"list:x"}
			}
			all = append(all, s)
		}
		wantCounted, wantInsights := naive(all, set)
		var got []int64
		d := insight.NewDesk(host)
		for i := 0; i < len(all); {
			n := i
			for n < len(all) && all[n].Time == all[i].Time {
				n++
			}
			if r.IntN(5) == 0 { // and again from what was written down
				state, err := d.Save()
				if err != nil {
					t.Fatal(err)
				}
				if d, err = insight.Load(state); err != nil {
					t.Fatal(err)
				}
			}
			batch := slices.Clone(all[i:n])
			r.Shuffle(len(batch), func(a, b int) { batch[a], batch[b] = batch[b], batch[a] })
			for _, x := range d.Take(batch, c) {
				got = append(got, x.Time)
				parts := 0
				for _, p := range x.Parts() {
					parts += p.Severity
				}
				if parts != x.Score {
					t.Fatalf("round %d: the parts give %d, the score is %d", round, parts, x.Score)
				}
			}
			i = n
		}
		for i, s := range all {
			if s.Counts() != wantCounted[i] {
				t.Fatalf("round %d, signal %d: counts %v, want %v", round, i, s.Counts(), wantCounted[i])
			}
		}
		if !slices.Equal(got, wantInsights) {
			t.Fatalf("round %d: insights at %v, want %v", round, got, wantInsights)
		}
		made += len(got)
	}
	if made < 1000 {
		t.Errorf("only %d insights in all rounds: the streams are too quiet to judge by", made)
	}
}

// allWays says whether signals can be given to the entries of a list one after the
// other, by trying every choice.
func allWays(x *insight.Custom, signals []*insight.Signal, entry int, from int64) bool {
	if entry == len(x.RuleIDs) {
		return true
	}
	for _, s := range signals {
		if s.RuleID == x.RuleIDs[entry] && (!x.Ordered || s.Time >= from) && allWays(x, signals, entry+1, s.Time) {
			return true
		}
	}
	return false
}

func TestCustomInsightsAgainstEveryChoice(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	made := 0
	for round := range 2000 {
		x := &insight.Custom{ID: "C1", Name: "chain", Severity: "MEDIUM", Ordered: r.IntN(2) == 0}
		for range 1 + r.IntN(3) {
			x.RuleIDs = append(x.RuleIDs, string(rune('A'+r.IntN(3))))
		}
		c := &insight.Content{Settings: insight.Settings{Lookback: 50, Threshold: 1 << 30, Ceiling: hour}, Customs: []*insight.Custom{x}}
		d := insight.NewDesk(host)
		var past []*insight.Signal
		cut, at := int64(-1), int64(0)
		for n := range 20 {
			at += r.Int64N(20)
			s := signal(fmt.Sprint("n", n), at, 1)
			s.RuleID = string(rune('A' + r.IntN(4)))
			past = append(past, s)
			got := d.Take([]*insight.Signal{s}, c)
			var in []*insight.Signal
			for _, p := range past {
				if p.Time > max(cut, at-50) {
					in = append(in, p)
				}
			}
			want := slices.Contains(x.RuleIDs, s.RuleID) && allWays(x, in, 0, -1)
			// A signal of the cut's own time came too late for that insight (18, R25).
			want = want && at > cut
			if (len(got) == 1) != want {
				t.Fatalf("round %d, signal %d: %d insights, want %v", round, n, len(got), want)
			}
			if want {
				cut = at
				made++
			}
		}
	}
	if made < 1000 {
		t.Errorf("only %d insights", made)
	}
}

func TestCustomInsightBySignalName(t *testing.T) {
	x := &insight.Custom{
		ID: "C1", Name: "both", SignalNames: []string{"Browser starts *", "Download"}, Severity: "LOW", Tags: []string{"own"},
		Dynamic: []insight.Dynamic{{Least: 5, Severity: "MEDIUM"}, {Least: 8, Severity: "CRITICAL"}},
	}
	c := content()
	c.Customs = []*insight.Custom{x}
	d := insight.NewDesk(host)
	if made := d.Take([]*insight.Signal{signal("Browser starts cmd.exe", 1, 3)}, c); made != nil {
		t.Fatal("one of two is enough")
	}
	made := d.Take([]*insight.Signal{signal("Download", 2, 8)}, c)
	if len(made) != 1 || made[0].Severity != "CRITICAL" || made[0].Source != "RULE" || !slices.Contains(made[0].Tags, "own") || d.Score != 11 {
		t.Fatalf("%+v, score %d", made, d.Score)
	}
}

// Section 16, 8: all signals share every entity of the first.
func TestStrictCustomInsight(t *testing.T) {
	x := &insight.Custom{ID: "C1", RuleIDs: []string{"A", "B"}, Severity: "LOW", Strict: true}
	c := content()
	c.Customs = []*insight.Custom{x}
	d := insight.NewDesk(host)
	take := func(rule string, at int64, beside ...string) int {
		s := signal(rule+fmt.Sprint(at), at, 1)
		s.RuleID, s.Beside = rule, append(beside, host.ID())
		return len(d.Take([]*insight.Signal{s}, c))
	}
	if take("A", 1, "_username-ana") != 0 || take("B", 2) != 0 || take("B", 3, "_username-bob") != 0 {
		t.Error("signals without the first one's user made an insight")
	}
	if take("B", 4, "_username-ana", "_ip-10.0.0.1") != 1 {
		t.Error("the signal with all entities made none")
	}
}

func TestDesksTakeInAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var all []*insight.Signal
	for n := range 300 {
		s := signal(fmt.Sprint("n", r.IntN(9)), r.Int64N(40*24)*hour, r.IntN(9))
		s.Entity.Value = string(rune('a' + r.IntN(4)))
		s.Pos, s.ID = uint64(n), fmt.Sprint(n)
		all = append(all, s)
	}
	run := func() (out []string) {
		var signals []*insight.Signal
		for _, s := range all {
			c := *s
			signals = append(signals, &c)
		}
		r.Shuffle(len(signals), func(a, b int) { signals[a], signals[b] = signals[b], signals[a] })
		for _, i := range insight.NewDesks(content()).Take(signals) {
			out = append(out, fmt.Sprint(i.ID, i.Time, i.Score, i.Name, i.Severity, len(i.Signals)))
		}
		return out
	}
	want := run()
	if len(want) < 5 {
		t.Fatalf("%d insights", len(want))
	}
	for range 5 {
		if got := run(); !reflect.DeepEqual(got, want) {
			t.Fatalf("another order gives\n%v\nwant\n%v", got, want)
		}
	}
}

func TestCaseLife(t *testing.T) {
	str := func(s string) *string { return &s }
	l := &insight.Life{Statuses: []string{"waiting"}, Resolutions: map[string][]string{"Resolved": {"Reimaged"}}}
	i := &insight.Insight{Severity: insight.Low, Signals: []*insight.Signal{signal("a", 1000, 5)}}
	c := insight.NewCase(i, 7, 4000)
	if c.ReadableID() != "INSIGHT-7" || c.Detection() != 3000 || c.Response() != -1 || c.Remediation() != -1 {
		t.Fatalf("%+v", c)
	}
	for _, bad := range []insight.Change{
		{Status: str("gone")}, {Status: str("closed")}, {Resolution: str("Resolved")}, {Severity: str("URGENT")},
		{Status: str("closed"), Resolution: str("Perhaps")}, {Status: str("closed"), Resolution: str("Resolved"), SubResolution: str("Sold")},
	} {
		if err := l.Apply(c, bad, "ana", 5000); err == nil || c.Rev != 0 || c.Status != insight.New {
			t.Errorf("%+v is taken: %v", bad, c)
		}
	}
	must := func(x insight.Change, at int64) {
		t.Helper()
		if err := l.Apply(c, x, "ana", at); err != nil {
			t.Fatal(err)
		}
	}
	must(insight.Change{Status: str("waiting"), Assignee: str("ana"), Comment: "looking"}, 6000)
	must(insight.Change{Status: str("closed"), Resolution: str("Resolved"), SubResolution: str("Reimaged")}, 9000)
	if c.Response() != 2000 || c.Remediation() != 5000 || c.Resolution != "Resolved" || len(c.History) != 6 {
		t.Errorf("response %d, remediation %d, history %v", c.Response(), c.Remediation(), c.History)
	}
	must(insight.Change{Status: str("inprogress")}, 10000)
	if c.Resolution != "" || c.SubResolution != "" || c.Closed != 0 || c.Response() != 2000 {
		t.Errorf("opened again: %+v", c)
	}
	if p, n := insight.Confidence(i, nil); p != 0 || n != 0 {
		t.Errorf("confidence of nothing: %d of %d", p, n)
	}
}

// A desk is bounded even when nothing ever clears it.
func TestDeskIsBounded(t *testing.T) {
	c := content()
	c.Settings.Threshold = 1 << 40
	d := insight.NewDesk(host)
	for n := range 30_000 {
		d.Take([]*insight.Signal{signal(fmt.Sprint("name ", n), int64(n), n%3)}, c)
	}
	if len(d.Signals) > 10_000 || d.Dropped == 0 {
		t.Errorf("%d signals kept, %d dropped", len(d.Signals), d.Dropped)
	}
}

// A repeat that is more severe than what it repeats does not count (8.3), and the insight
// that comes says so; the one after it does not.
func TestStrongerRepeatsAreSaid(t *testing.T) {
	d, c := insight.NewDesk(host), content()
	take := func(name string, at int64, severity int) []*insight.Insight {
		return d.Take([]*insight.Signal{signal(name, at, severity)}, c)
	}
	take("a", 0, 3)
	take("a", hour, 8)   // stronger
	take("a", 2*hour, 8) // as strong as that
	take("a", 3*hour, 2) // weaker
	take("b", 4*hour, 6) // 9
	made := take("c", 5*hour, 6)
	if len(made) != 1 || made[0].Score != 15 || len(made[0].Stronger) != 1 || made[0].Stronger[0].Time != hour || len(made[0].Signals) != 3 {
		t.Fatalf("%+v", made)
	}
	state, err := d.Save()
	if err != nil {
		t.Fatal(err)
	}
	if d, err = insight.Load(state); err != nil {
		t.Fatal(err)
	}
	take("x", 30*hour, 7)
	if made = take("y", 31*hour, 7); len(made) != 1 || len(made[0].Stronger) != 0 {
		t.Errorf("%+v", made)
	}
}
