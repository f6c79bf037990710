package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/job"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
)

// estimateRequest is the body of an estimate (http-api.md 6.5).
type estimateRequest struct {
	Query     string     `json:"queryString"`
	TimeRange *timeRange `json:"timeRange"`
	TimeZone  string     `json:"timezone"`
	ByReceipt yesNo      `json:"runByReceiptTime"`
}

// timeRange is a BeginBoundedTimeRange or CompleteLiteralTimeRange.
type timeRange struct {
	Type  string    `json:"type"`
	From  *boundary `json:"from"`
	To    *boundary `json:"to"`
	Range string    `json:"rangeName"`
}

// boundary is an end of a range. Its type says which of the others is set.
type boundary struct {
	Type     string `json:"type"`
	Epoch    moment `json:"epochMillis"`
	Relative string `json:"relativeTime"`
	ISO      moment `json:"iso8601Time"`
	Name     string `json:"rangeName"`
}

// at is the boundary in ms.
func (b *boundary) at(now time.Time, zone *time.Location) (int64, bool) {
	switch strings.TrimSuffix(b.Type, "TimeRangeBoundary") {
	case "Epoch":
		return b.Epoch.epoch()
	case "Iso8601":
		ms, err := b.ISO.at(zone, now, false)
		return ms, err == nil
	case "Relative":
		t, err := datefmt.ParseTime(b.Relative, now, zone)
		return t.UnixMilli(), err == nil && (strings.HasPrefix(b.Relative, "-") || strings.EqualFold(b.Relative, "now"))
	case "Literal":
		from, _, ok := literal(b.Name, now, zone)
		return from, ok
	}
	return 0, false
}

// literal is a range that has a name, in ms.
func literal(name string, now time.Time, zone *time.Location) (from, to int64, ok bool) {
	t := now.In(zone)
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone)
	week := day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
	month := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, zone)
	end := t
	switch strings.ToLower(name) {
	case "now":
		return t.UnixMilli(), t.UnixMilli(), true
	case "today":
	case "yesterday":
		day, end = day.AddDate(0, 0, -1), day
	case "week":
		day = week
	case "previous_week":
		day, end = week.AddDate(0, 0, -7), week
	case "month":
		day = month
	case "previous_month":
		day, end = month.AddDate(0, -1, 0), month
	default:
		return 0, 0, false
	}
	return day.UnixMilli(), end.UnixMilli(), true
}

// bounds are the range in ms.
func (t *timeRange) bounds(now time.Time, zone *time.Location) (from, to int64, err error) {
	bad := func(message string) (int64, int64, error) {
		return 0, 0, refuse(http.StatusBadRequest, codeBad, "%s", message)
	}
	if t == nil {
		return bad("The field timeRange is missing.")
	}
	if name := t.Range; name != "" {
		from, to, ok := literal(name, now, zone)
		if !ok {
			return bad("The rangeName " + name + " is not known.")
		}
		return from, to, nil
	}
	if t.From == nil {
		return bad("The field timeRange.from is missing.")
	}
	from, ok := t.From.at(now, zone)
	if !ok {
		return bad("The start of timeRange is no time.")
	}
	to = now.UnixMilli()
	if t.To != nil {
		if to, ok = t.To.at(now, zone); !ok {
			return bad("The end of timeRange is no time.")
		}
	}
	if to < from {
		return bad("The end of timeRange is before its start.")
	}
	return from, to, nil
}

func (a *API) estimate(r *http.Request) (any, error) {
	var e estimateRequest
	if err := body(r, &e); err != nil {
		return nil, err
	}
	if strings.TrimSpace(e.Query) == "" {
		return nil, refuse(http.StatusBadRequest, codeNoQuery, "The field queryString is missing or empty.")
	}
	zone, err := datefmt.Zone(e.TimeZone)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, codeZone, "The timezone %q is not known.", e.TimeZone)
	}
	if _, err := a.tree(e.Query); err != nil {
		return nil, parseError(err)
	}
	if _, unknown, _ := a.resolvePartitions(e.Query); len(unknown) > 0 {
		return nil, refuse(http.StatusBadRequest, "view.unknown", "There is no partition or view %s.", strings.Join(unknown, ", "))
	}
	from, to, err := e.TimeRange.bounds(a.o.Now(), zone)
	if err != nil {
		return nil, err
	}
	bytes, err := a.jobs.Estimate(job.View{From: from, To: to, ByReceipt: bool(e.ByReceipt)})
	if err != nil {
		return nil, err
	}
	type usage struct {
		Tier    string `json:"tier"`
		Scanned int64  `json:"dataScannedInBytes"`
		Credit  bool   `json:"scanCreditAccounted"`
		Metered string `json:"meteringType"`
	}
	type view struct {
		Name  string  `json:"viewName"`
		Usage []usage `json:"usageDetails"`
	}
	return struct {
		Details []view `json:"estimatedUsageDetails"`
		RunTier string `json:"runByReceiptTime,omitempty"`
	}{Details: []view{{"", []usage{{"Continuous", bytes, false, "Continuous"}}}}}, nil
}
