package desk

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// blind is which queries of packages look at nothing of what comes, remembered until
// something of another category comes.
type blind struct {
	mu         sync.Mutex
	categories []string
	care       *Care
}

// blindCare says which queries of packages look at nothing that comes in, since they ask for
// another _sourceCategory. Of a source without one each record has that of its channel, so
// nothing can be said as long as there is one.
func (d *Desk) blindCare(now time.Time) *Care {
	if d.o.Meter == nil || d.o.Hunter == nil {
		return nil
	}
	categories := []string{}
	for _, f := range d.o.Meter.all(now) {
		if f.Key.Category == "" {
			return nil
		}
		categories = append(categories, f.Key.Category)
	}
	slices.Sort(categories)
	categories = slices.Compact(categories)
	if len(categories) == 0 {
		return nil
	}
	b := &d.blind
	b.mu.Lock()
	defer b.mu.Unlock()
	if slices.Equal(b.categories, categories) {
		return b.care
	}
	b.categories, b.care = categories, nil
	ids := []string{}
	for _, x := range d.o.Hunter.Blind(categories) {
		ids = append(ids, x.ID)
	}
	if len(ids) == 0 {
		return nil
	}
	b.care = &Care{
		Kind: "know", What: "blind", Text: plural(len(ids), "detection") + " of packages can find nothing in what comes",
		Reason: fmt.Sprintf("The _sourceCategory of what comes is %s; another one is asked for by %s. Give the logs a category that they ask for, such as windows/sysmon, or change the queries.", first(categories, 5), first(ids, 5)),
	}
	return b.care
}

// first are the first of a list, and how many more there are.
func first(list []string, most int) string {
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}
