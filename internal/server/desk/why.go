package desk

import (
	"net/http"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// whyMemory is what the question why a rule is silent may hold.
const whyMemory = 64 << 20

// whyRule answers why a rule of Cloud SIEM makes no signal of a message, or that it does:
// {"rule": id, "documents": the rule as it is written, in place of the one that runs; "message":
// one event or several, in any format that is read}. The answer is that of gyoji explain
// --why-not of such rules.
func (d *Desk) whyRule(r *http.Request) (any, error) {
	ctx := r.Context()
	var ask struct{ Rule, Documents, Message string }
	if err := body(r, &ask); err != nil {
		return nil, err
	}
	if strings.TrimSpace(ask.Message) == "" {
		return nil, access.Bad("there is no message to ask about")
	}
	if d.o.Content == nil {
		return nil, access.Bad("there are no rules of Cloud SIEM here")
	}
	live, found, err := d.o.Content.Content(ctx)
	if err != nil {
		return nil, err
	}
	given, wrongs := ruledoc.Read(diag.Text("documents.yaml", ask.Documents))
	if err := wrongs.Err(); err != nil {
		return nil, access.Bad("the rule cannot be used: %v", err)
	}
	mine := ids(given)
	t := tenant.New(append(tenant.Some(live, func(id string) bool { return id == ask.Rule && !mine[id] }), given...), found)
	var of *tenant.Rule
	for _, x := range t.Rules {
		if x.ID == ask.Rule || ask.Rule == "" || len(mine) > 0 && mine[x.ID] {
			of = x
			break
		}
	}
	if of == nil {
		for _, u := range t.Unusable {
			return nil, access.Bad("%v", u.Error())
		}
		return nil, access.Missing("there is no rule %q of Cloud SIEM that is on", ask.Rule)
	}
	asked := t.Why(of)
	text := []byte(strings.TrimSpace(ask.Message) + "\n")
	err = func() (err error) {
		defer exec.Caught(&err, "the question why a rule is silent")
		return query.RunTogether(ctx, query.Run{
			Input: input.NewReader(input.Memory("message", text), format.All(), input.Options{}), Workers: 1, Memory: whyMemory, Now: d.o.Now(), Warnings: &exec.Warnings{},
		}, nil, asked.Consumer())
	}()
	if err != nil {
		return nil, access.Bad("the message cannot be read: %v", err)
	}
	return asked.Why()
}
