package hunt

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Shift is a file that says other times of records than another does, as one with local
// times that names no zone: what is in both is found twice.
type Shift struct {
	File, Than string
	By         time.Duration // after Than
	Findings   int64         // of records in both

	part, than int
}

// Zone is the zone that File's times are of if those of Than are right: +02:00.
func (s *Shift) Zone() string {
	sign, m := "+", int(s.By.Minutes())
	if m < 0 {
		sign, m = "-", -m
	}
	return fmt.Sprintf("%s%02d:%02d", sign, m/60, m%60)
}

// Zones are whole quarters of an hour, of at most 14 hours.
const (
	zoneStep = 15 * 60
	zoneMost = 14 * 60 * 60
)

// driftMax is how many times of one record are remembered.
const driftMax = 4

// drift remembers the time of a finding that says no more than the second, as do the
// forms that name no zone.
func (l *List) drift(f *Finding) {
	m := moment{f.second(), part(f.Evidence[0].pos), f.Evidence[0].File}
	key := f.keyAt(0)
	all := append(l.adrift[key], m)
	slices.SortFunc(all, func(a, b moment) int { return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(a.at, b.at)) })
	l.adrift[key] = all[:min(len(all), driftMax)] // the first, whoever reads them first
}

// shifted compares the time of a finding with those that others say of its record.
func (l *List) shifted(f *Finding) {
	if len(l.adrift) == 0 || !f.ofRecord() || !f.Timed() {
		return
	}
	of := part(f.Evidence[0].pos)
	for _, m := range l.adrift[f.keyAt(0)] {
		by := m.at - f.second()
		if by == 0 || by%zoneStep != 0 || max(by, -by) > zoneMost || m.part == of || f.coarse() && m.part < of {
			continue
		}
		i := slices.IndexFunc(l.shifts, func(s *Shift) bool {
			return s.part == m.part && s.than == of && s.By == time.Duration(by)*time.Second
		})
		if i < 0 {
			i = len(l.shifts)
			l.shifts = append(l.shifts, &Shift{m.file, f.Evidence[0].File, time.Duration(by) * time.Second, 0, m.part, of})
		}
		l.shifts[i].Findings++
	}
}

// Shifts are the files that say other times of records than others do, as far as Each
// has come. None is compared with one that says other times itself.
func (l *List) Shifts() (all []*Shift) {
	for _, s := range l.shifts {
		if !slices.ContainsFunc(l.shifts, func(o *Shift) bool { return o.part == s.than }) {
			all = append(all, s)
		}
	}
	return all
}
