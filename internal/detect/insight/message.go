package insight

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/gyoji-dev/gyoji/internal/detect/record"
)

// Message is a signal as the partition sec_signal has it, in the form of an exported message:
// its fields, and its text as _raw.
// Source: ../shared/spec/cloud-siem.md, 8.1 (numbers are texts).
func (s *Signal) Message() ([]byte, error) {
	type entity struct {
		ID         string `json:"id"`
		Type       string `json:"type"`
		Value      string `json:"value"`
		Suppressed bool   `json:"suppressed"`
	}
	list := func(of []string) []string { return append([]string{}, of...) }
	records := []string{}
	for _, r := range s.Records {
		records = append(records, r.UID)
	}
	fields := map[string]any{
		"id": s.ID, "objectClassification": "Signal", "name": s.Name, "ruleId": s.RuleID, "ruleName": s.RuleName, "contentType": s.ContentType,
		"severity": strconv.Itoa(s.Severity), "prototype": strconv.FormatBool(s.Prototype), "attackStage": s.Stage(), "summary": s.Summary, "description": s.Description,
		"timestamp": strconv.FormatInt(s.Time, 10), "entities": []entity{{s.Entity.ID(), s.Entity.Type, s.Entity.Value, false}}, "tags": list(s.Tags), "suppressedReasons": list(s.Suppressed),
		"recordCount": strconv.Itoa(s.Total), "recordIds": records,
	}
	raw, err := plainJSON(fields)
	if err != nil {
		return nil, err
	}
	fields["_raw"], fields["_index"], fields["_view"], fields["_messagetime"] = string(raw), record.SignalIndex, record.SignalIndex, s.Time
	return plainJSON(fields)
}

func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
