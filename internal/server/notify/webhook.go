package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// webhook posts JSON.
type webhook struct {
	c      *Channel
	client *http.Client
}

// answerRead is how much of an answer is read.
const answerRead = 64 << 10

func (w *webhook) close() { w.client.CloseIdleConnections() }

func (w *webhook) send(ctx context.Context, e *Event) error {
	body, err := json.Marshal(w.c.form(e))
	if err != nil {
		return permanent(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.c.URL, bytes.NewReader(body))
	if err != nil {
		return permanent(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "gyoji")
	r.Header.Set("Idempotency-Key", e.Key)
	for k, v := range w.c.Headers {
		r.Header.Set(k, v)
	}
	resp, err := w.client.Do(r)
	if err != nil {
		return hideURL(err, w.c.URL)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, answerRead)) // so that the connection can be used again
	return errorOf(resp)
}

// hideURL leaves the address, which may hold a secret, out of an error.
func hideURL(err error, url string) error {
	return &hiddenError{err, url}
}

type hiddenError struct {
	error
	url string
}

func (e *hiddenError) Unwrap() error { return e.error }
func (e *hiddenError) Error() string {
	return strings.ReplaceAll(strings.ReplaceAll(e.error.Error(), fmt.Sprintf("%q", e.url), "the webhook"), e.url, "the webhook")
}

// form is an event as the channel's kind has it.
func (c *Channel) form(e *Event) any {
	switch c.Kind {
	case "slack":
		return slack(e)
	case "teams":
		return teams(e)
	case "pagerduty":
		return pager(e, c.Key)
	}
	return e
}

// plain is text of a log as people can read it, at most n characters of it.
func plain(s string, n int) string {
	s = printable.Text(s)
	if utf8.RuneCountInString(s) > n {
		s = string([]rune(s)[:n-1]) + "…"
	}
	return s
}

// slackText escapes what Slack reads as its own marks; what stands in a log is never a link or
// a mention.
// Source: Slack, "Formatting text for app surfaces", escaping.
func slackText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "'").Replace(s)
}

// slackMost is how many characters a section has at most.
// Source: Slack, "Block Kit", section block: 3000.
const slackMost = 2900

// slack is an event as an incoming webhook of Slack takes it.
func slack(e *Event) any {
	type o = map[string]any
	text := "*" + slackText(plain(e.title(), 300)) + "*"
	lines := []string{}
	for _, l := range e.lines() {
		lines = append(lines, "`"+slackText(plain(l, 400))+"`")
	}
	body := strings.Join(lines, "\n")
	for len(body) > slackMost && len(lines) > 1 {
		lines = lines[:len(lines)-1]
		body = strings.Join(lines, "\n")
	}
	blocks := []any{o{"type": "section", "text": o{"type": "mrkdwn", "text": text}}}
	if body != "" {
		blocks = append(blocks, o{"type": "section", "text": o{"type": "mrkdwn", "text": body}})
	}
	facts := fmt.Sprintf("%s · score %d · %s", e.Level, e.Score, time.UnixMilli(e.Time).UTC().Format("2006-01-02 15:04:05 UTC"))
	if strings.HasPrefix(e.URL, "http") {
		facts += fmt.Sprintf(" · <%s|Open>", e.URL)
	}
	blocks = append(blocks, o{"type": "context", "elements": []any{o{"type": "mrkdwn", "text": facts}}})
	return o{"text": slackText(plain(e.title(), 300)), "blocks": blocks}
}

// teams is an event as a webhook of Microsoft Teams takes it: an Adaptive Card. Its text blocks
// would read Markdown; what stands in a log is put into rich text, which does not.
// Source: Microsoft, "Create and send Actionable Messages / Workflows webhooks", and the schema
// of Adaptive Cards 1.4.
func teams(e *Event) any {
	type o = map[string]any
	run := func(s string, more o) any {
		r := o{"type": "TextRun", "text": s}
		for k, v := range more {
			r[k] = v
		}
		return o{"type": "RichTextBlock", "inlines": []any{r}}
	}
	body := []any{run(plain(e.title(), 300), o{"weight": "Bolder", "size": "Medium"})}
	for _, l := range e.lines() {
		body = append(body, run(plain(l, 600), o{"fontType": "Monospace"}))
	}
	body = append(body, o{"type": "FactSet", "facts": []any{
		o{"title": "Severity", "value": e.Level}, o{"title": "Score", "value": fmt.Sprint(e.Score)}, o{"title": "Time", "value": time.UnixMilli(e.Time).UTC().Format("2006-01-02 15:04:05 UTC")},
	}})
	card := o{"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": body}
	if strings.HasPrefix(e.URL, "http") {
		card["actions"] = []any{o{"type": "Action.OpenUrl", "title": "Open", "url": e.URL}}
	}
	return o{"type": "message", "attachments": []any{o{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}}}
}

// pager is an event as PagerDuty takes it; a closed insight resolves what it triggered.
// Source: PagerDuty, "Events API v2": summary at most 1024 characters, severity one of four.
func pager(e *Event, key string) any {
	type o = map[string]any
	action := "trigger"
	if e.Status == "closed" {
		action = "resolve"
	}
	severity := map[string]string{"critical": "critical", "high": "error", "medium": "warning"}[e.Level]
	if severity == "" {
		severity = "info"
	}
	out := o{
		"routing_key": key, "event_action": action, "dedup_key": e.ID, "client": "gyoji",
		"payload": o{
			"summary": plain(e.title(), 1000), "source": plain(e.Entity, 200), "severity": severity, "timestamp": time.UnixMilli(e.Time).UTC().Format("2006-01-02T15:04:05.000Z"),
			"custom_details": e,
		},
	}
	if strings.HasPrefix(e.URL, "http") {
		out["client_url"] = e.URL
		out["links"] = []any{o{"href": e.URL, "text": "Open in gyoji"}}
	}
	return out
}
