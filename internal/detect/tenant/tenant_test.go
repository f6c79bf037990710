package tenant

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// documents reads the documents of a text in YAML.
func documents(t *testing.T, text string) *Tenant {
	t.Helper()
	docs, found := ruledoc.Read(diag.Text("rules.yaml", text))
	return New(docs, found)
}

// matchRule is a match rule with an expression.
func matchRule(id, expression string) string {
	return fmt.Sprintf(`---
kind: match_rule
id: %s
name: %s
expression: %q
entity_selectors: [{entity_type: _hostname, expression: device_hostname}]
name_expression: %s
summary_expression: s
description_expression: d
score: 5
`, id, id, expression, id)
}

// batchesOf are Windows events as a reader gives them, some a batch.
func batchesOf(l *event.Layout, events []map[string]string, size int) (out []*event.Batch) {
	for i, e := range events {
		if i%size == 0 {
			out = append(out, &event.Batch{})
		}
		b := out[len(out)-1]
		row := b.AddRow(int64(1_700_000_000_000+i*1000), uint64(i))
		for name, v := range e {
			b.Col(l.Slot(name)).Set(row, event.Text(v))
		}
	}
	return out
}

// run gives a tenant's signals of events, read by some workers; with all no rule is
// found by its event id.
func run(t *testing.T, x *Tenant, events []map[string]string, workers, size int, all bool) (lines []string) {
	t.Helper()
	layout, _ := x.Ready()
	rt := &exec.Runtime{Ctx: t.Context(), Layout: event.NewLayout(), Budget: &exec.Budget{Limit: 1 << 28}, TempDir: t.TempDir(), Warnings: &exec.Warnings{}}
	r := x.open(rt, x.Rules, all)
	var tasks []exec.Task
	for range workers {
		tasks = append(tasks, r.Task(&expr.Env{}))
	}
	for i, b := range batchesOf(layout, events, size) {
		if err := tasks[i%workers].Push(b); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range tasks {
		if err := k.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	signals, _, _, err := r.Signals()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range signals {
		lines = append(lines, fmt.Sprint(s.Time, s.RuleID, s.Entity.ID(), s.Name, s.Severity, s.Suppressed, s.ID))
	}
	return lines
}

// TestRulesAreFoundByTheIndex compares the index with all rules computed for all
// records, on random conditions and events, at several numbers of workers.
func TestRulesAreFoundByTheIndex(t *testing.T) {
	rnd := rand.New(rand.NewPCG(14, 1))
	ids := []string{"Security-4624", "Security-4625", "Security-4688", "Microsoft-Windows-Sysmon/Operational-1", "security-4625"}
	words := []string{"whoami", "WhoAmI.exe", "kerne\u212a", "\u0130nfo", "info", "[\"a\",\"b\"]", "4", "4.0", "cmd_x", "100%", `c:\x`, "a b", ""}
	attributes := []string{"commandLine", "lower(commandLine)", "fields['EventData.CommandLine']", "upper(commandLine)", "baseImage", "lower(trim(baseImage))", "substring(commandLine,1,4)", "concat(commandLine,baseImage)", "toString(pid)", "user_username", "user_role"}
	one := func(of []string) string { return of[rnd.IntN(len(of))] }
	var atom func(depth int) string
	atom = func(depth int) string {
		if depth > 0 {
			switch rnd.IntN(5) {
			case 0:
				return "(" + atom(depth-1) + " AND " + atom(depth-1) + ")"
			case 1:
				return "(" + atom(depth-1) + " OR " + atom(depth-1) + ")"
			case 2:
				return "NOT (" + atom(depth-1) + ")"
			}
		}
		id, a, word := one(ids), one(attributes), strings.ReplaceAll(one(words), "'", "")
		return one([]string{
			"metadata_deviceEventId = '" + id + "'",
			"metadata_deviceEventId IN ('" + id + "','" + one(ids) + "')",
			"metadata_deviceEventId != '" + id + "'",
			"metadata_deviceEventId NOT IN ('" + id + "')",
			"'" + id + "' = metadata_deviceEventId",
			"lower(metadata_deviceEventId) = '" + strings.ToLower(id) + "'",
			"metadata_deviceEventId LIKE '%4625'",
			"metadata_deviceEventId == '" + id + "'",
			"metadata_deviceEventId IS NULL",
			"metadata_product = 'Windows'", "metadata_vendor != 'Microsoft'", "objectType = 'Authentication'", "objectType LIKE '%Process'",
			a + " = '" + word + "'", "'" + word + "' = " + a, a + " == '" + word + "'", a + " IN ('" + word + "', '" + one(words) + "')",
			a + " LIKE '%" + word + "%'", a + " LIKE '" + word + "_'", a + " matches '*" + word + "'", a + " matches /(?i)who.*" + "/",
			"contains(" + a + ", '" + word + "')", a + " = " + one(attributes), a + " LIKE concat('%', user_username)",
			"array_contains(listMatches, '" + one([]string{"quiet hosts", "quiet_hosts", "column:Hostname", "nobody", "_", " "}) + "')",
			"listMatches LIKE '%quiet%'", "pid = 4", "pid = '4.0'", "success = true", "isNull(" + a + ")", a + " IS NULL", "length(" + a + ") > 5",
			"if(pid > 3, " + a + ", 'whoami') = '" + word + "'", "array_contains(" + a + ", 'a')",
		})
	}
	text := strings.Builder{}
	text.WriteString("---\nkind: match_list\nname: quiet hosts\ntarget_column: Hostname\nitems: [a]\n")
	const rules = 300
	for i := range rules {
		text.WriteString(matchRule(fmt.Sprintf("MATCH-U%05d", i), atom(3)))
	}
	x := documents(t, text.String())
	if len(x.Unusable) > 0 || len(x.Rules) != rules {
		t.Fatalf("%d rules; %v", len(x.Rules), x.Unusable)
	}
	var events []map[string]string
	for range 200 {
		e := map[string]string{"Channel": "Security", "EventID": one([]string{"4624", "4625", "4688", "4720"}), "Computer": one([]string{"A", "B"})}
		switch rnd.IntN(3) {
		case 0:
			e["Channel"], e["EventID"] = "Microsoft-Windows-Sysmon/Operational", "1"
		case 1:
			delete(e, "Channel")
		}
		for _, name := range []string{"CommandLine", "Image", "NewProcessName", "User", "TargetUserName", "ProcessId", "ElevatedToken"} {
			if rnd.IntN(2) == 0 {
				e[name] = one(words) + one([]string{"", "", " x", one(words)})
			}
		}
		events = append(events, e)
	}
	want := run(t, x, events, 1, 400, true)
	if len(want) == 0 {
		t.Fatal("no rule matches anything")
	}
	for _, c := range []struct{ workers, size int }{{1, 400}, {1, 7}, {3, 11}, {5, 1}} {
		if got := run(t, x, events, c.workers, c.size, false); !reflect.DeepEqual(got, want) {
			t.Errorf("%d workers, batches of %d: %d signals, and %d without the index", c.workers, c.size, len(got), len(want))
			for i := range want {
				if i >= len(got) || got[i] != want[i] {
					t.Log(want[i])
					break
				}
			}
		}
	}
	if st := newIndex(x.records, x.Rules, false).set.Stats(); st.Unindexed > rules*9/10 {
		t.Errorf("%d of %d conditions are not found by their texts", st.Unindexed, st.Rules)
	}
}

// TestHitsAreWrittenDownWhole puts hits into bytes and back.
func TestHitsAreWrittenDownWhole(t *testing.T) {
	h := &hit{
		key: "a\x00b", steps: 5, value: "v\xff", args: []event.Value{event.Int(-3), {}, event.Text("x"), event.Float(1.5), event.Bool(true)},
		of: []event.Value{event.Text("")}, severity: noSignal, texts: []string{"", "null"}, lists: []string{"quiet"},
	}
	h.whom = append(h.whom, whom{selector: 2})
	h.whom[0].Type, h.whom[0].Value = "_ip", "10.0.0.1"
	b := h.append(nil)
	got, err := readHit(b)
	if err != nil || !reflect.DeepEqual(got, h) {
		t.Errorf("%+v, want %+v; %v", got, h, err)
	}
	for n := range b {
		if _, err := readHit(b[:n]); err == nil && n < len(b)-1 {
			t.Errorf("of %d of %d bytes a hit is read", n, len(b))
		}
	}
}

// TestBrokenDocumentsStopNoOther: each fault is named, and the sound rule runs (operate.md
// 4.5, C6).
func TestBrokenDocumentsStopNoOther(t *testing.T) {
	sound := matchRule("MATCH-U00001", "metadata_deviceEventId = 'Security-4625'")
	rule := func(old, with string) string {
		return strings.Replace(matchRule("MATCH-U00002", "metadata_deviceEventId = 'Security-4625'"), old, with, 1)
	}
	for _, c := range []struct{ text, reason string }{
		{matchRule("MATCH-U00002", "user_username ="), "a value should"},
		{matchRule("MATCH-U00002", "user_usrname = 'a'"), "user_usrname"},
		{matchRule("MATCH-U00001", "user_username = 'a'"), "has the id MATCH-U00001"},
		{rule("_hostname", "_hostnam"), "no type of entities _hostnam"},
		{rule("device_hostname", "device_hostnam"), "device_hostnam"},
		{rule("score: 5", "score: 11"), "from 0 to 10"},
		{"---\nkind: match_list\nname: l\ntarget_column: Nowhere\nitems: [a]\n", "no target column Nowhere"},
		{"---\nkind: network_block\naddress_block: 10.0.0.0/99\n", "10.0.0.0/99"},
		{"---\nkind: rule_tuning_expression\nname: t\nis_global: true\nexclude: true\nexpression: \"'\"\n", ""},
		{"---\nkind: entity_criticality_config\nname: c\nseverity_expression: severity ^ 2\n", ""},
		{"---\nkind: custom_insight\nname: c\nseverity: AWFUL\nrule_ids: [a]\n", "AWFUL"},
	} {
		x := documents(t, sound+c.text)
		if len(x.Unusable) != 1 || !strings.Contains(x.Unusable[0].Message, c.reason) {
			t.Errorf("%s: %v, want a reason with %q", c.text, x.Unusable, c.reason)
			continue
		}
		if u := x.Unusable[0]; u.File == nil || u.File.Place(u.Span.Start).Line < 11 {
			t.Errorf("%s: not placed in the broken document", c.text)
		}
		got := run(t, x, []map[string]string{{"Channel": "Security", "EventID": "4625", "Computer": "A"}}, 1, 10, false)
		if len(got) != 1 {
			t.Errorf("%s: the sound rule gives %d signals", c.text, len(got))
		}
	}
}

// TestLists: which values are on a list (11).
func TestLists(t *testing.T) {
	for _, c := range []struct {
		column, item, value string
		on                  bool
	}{
		{"Ip", "10.0.0.0/8", "10.1.2.3", true}, {"Ip", "10.0.0.0/8", "11.1.2.3", false}, {"Ip", "::ffff:10.0.0.1", "10.0.0.1", true},
		{"SourceIp", "2001:db8::/32", "2001:DB8::1", true}, {"Ip", "10.0.0.1", "nonsense", false},
		{"Domain", "example.com", "a.b.EXAMPLE.com", true}, {"Domain", "example.com", "badexample.com", false}, {"Domain", "a.example.com", "example.com", false},
		{"Hostname", "Web-01", "WEB-01", true}, {"Hostname", "web", "web-01", false},
		{"Url", "http://x/A", "http://x/a", false}, {"Url", "http://x/A", "http://x/A", true}, {"FileHash", "ABCD", "abcd", true},
	} {
		x := documents(t, fmt.Sprintf("kind: match_list\nname: l\ntarget_column: %s\nitems: [{value: %q}]\n", c.column, c.item))
		if len(x.lists) != 1 {
			t.Errorf("%v: %v", c, x.Unusable)
			continue
		}
		if on := x.lists[0].until(c.value) != absent; on != c.on {
			t.Errorf("%s %s: %s is on it: %v", c.column, c.item, c.value, on)
		}
	}
}
