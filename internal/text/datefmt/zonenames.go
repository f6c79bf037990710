package datefmt

import (
	"unsafe"
)

// zoneNames are the zones that logs name behind a time, with their offsets from
// UTC in minutes. Of names with several meanings the one that computers write
// most often counts: CST is that of America, IST India's, BST Britain's. Names
// that are also words or levels (ART, CAT, MIT) are left out.
// Source: the abbreviations of the IANA time zone database; MEZ and MESZ are
// German Windows'.
var zoneNames = map[string]int{
	"UTC": 0, "GMT": 0, "UCT": 0, "Z": 0, "WET": 0, "WEST": 60, "BST": 60, "CET": 60, "MEZ": 60, "MET": 60, "CEST": 120, "MESZ": 120, "MEST": 120,
	"EET": 120, "EEST": 180, "SAST": 120, "MSK": 180, "TRT": 180, "PKT": 300, "IST": 330, "NPT": 345, "WIB": 420, "ICT": 420,
	"HKT": 480, "SGT": 480, "AWST": 480, "PHT": 480, "JST": 540, "KST": 540, "ACST": 570, "ACDT": 630, "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780,
	"NST": -210, "NDT": -150, "AST": -240, "ADT": -180, "EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360,
	"PST": -480, "PDT": -420, "AKST": -540, "AKDT": -480, "HST": -600, "HDT": -540, "BRT": -180, "BRST": -120,
}

// zoneStarts are the first two letters of zoneNames, as bits by the second: a word
// that begins with others, such as a level, is not looked up.
var zoneStarts = func() (t [256]uint32) {
	for name := range zoneNames {
		if len(name) > 1 {
			t[name[0]] |= 1 << (name[1] & 31)
		}
	}
	return t
}()

// zoneOffset is the offset of a zone by its name, in minutes.
func zoneOffset(name []byte) (minutes int, ok bool) {
	if len(name) < 2 || zoneStarts[name[0]]&(1<<(name[1]&31)) != 0 {
		if minutes, ok = zoneNames[string(name)]; ok {
			return minutes, true
		}
	}
	return 0, len(name) == len("utc") && sameFold(name, "utc")
}

// zoneNameMax is the longest name of a place's zone that is taken from a text.
const zoneNameMax = 40

// zoneAt reads the zone that stands at i, or behind a blank or bracket there, and
// returns where it ends: i where there is none, or one that is not known.
func (r *Recogniser) zoneAt(text []byte, i int, v *reading) int {
	if i >= len(text) {
		return i
	}
	switch c := text[i]; {
	case c == 'Z' || c == 'z':
		if !isAlnum(at(text, i+1)) {
			v.zone, v.offset = true, 0
			return i + 1
		}
		return i
	case c == '+' || c == '-':
		if end, ok := offsetAt(text, i, true, v); ok {
			if at(text, end) == '[' || at(text, end) == ' ' && at(text, end+1) == '(' { // +02:00[Europe/Berlin], +0200 (CEST)
				w := *v
				return r.zoneNameAt(text, end, &w)
			}
			return end
		}
		return i
	case c != ' ' && c != '\t' && c != '[' && c != '(' && c != '*' && !('A' <= c && c <= 'Z'):
		return i
	}
	j := i
	if text[j] == '*' {
		j++
	}
	for j < len(text) && j < i+blanksMax && (text[j] == ' ' || text[j] == '\t') {
		j++
	}
	if c := at(text, j); c == '+' || c == '-' {
		if end, ok := offsetAt(text, j, false, v); ok {
			if at(text, end) == ' ' && at(text, end+1) == '(' {
				w := *v
				return r.zoneNameAt(text, end, &w)
			}
			return end
		}
		return i
	}
	if end := r.zoneNameAt(text, j, v); end > j {
		return end
	}
	return i
}

// zoneNameAt reads a zone's name, which a bracket may stand around; it returns i
// where there is none.
func (r *Recogniser) zoneNameAt(text []byte, i int, v *reading) int {
	j := i
	if at(text, j) == ' ' {
		j++
	}
	closing := byte(0)
	switch at(text, j) {
	case '[':
		closing = ']'
		j++
	case '(':
		closing = ')'
		j++
	}
	end := j
	for end < len(text) && end < j+zoneNameMax && (isLetter(text[end]) || text[end] == '/' || text[end] == '_') {
		end++
	}
	name := text[j:end]
	after := end
	if c := at(text, end); closing != 0 && (c == '+' || c == '-') { // (UTC+01:00)
		w := *v
		if offset, ok := zoneOffset(name); ok && offset == 0 {
			if e, ok := offsetAt(text, end, true, &w); ok && at(text, e) == closing {
				*v = w
				return e + 1
			}
		}
		return i
	}
	if closing != 0 {
		if at(text, end) != closing {
			return i
		}
		after++
	} else if isDigit(at(text, end)) || at(text, end) == '.' && isAlnum(at(text, end+1)) {
		return i
	}
	if len(name) == 0 {
		return i
	}
	if offset, ok := zoneOffset(name); ok {
		v.zone, v.offset = true, offset*60
		if closing == 0 && offset == 0 && (at(text, end) == '+' || at(text, end) == '-') { // GMT+0200
			if e, ok := offsetAt(text, end, true, v); ok {
				after = e
				if at(text, e) == ' ' && at(text, e+1) == '(' { // (Central European Summer Time)
					for k := e + 2; k < len(text) && k < e+zoneNameMax; k++ {
						if text[k] == ')' {
							return k + 1
						}
					}
				}
			}
		}
		return after
	}
	for k, c := range name {
		if c == '/' && k > 0 {
			if z, err := Zone(string(name)); err == nil {
				v.zone, v.offset, v.location = true, 0, z
				return after
			}
		}
	}
	return i
}

// offsetAt reads +02:00, +0200 or +02, or minutes in three digits as Db2 and WMI
// write them. Behind a blank it needs four digits: joined is false there.
func offsetAt(text []byte, i int, joined bool, v *reading) (end int, ok bool) {
	n := 0
	for n < 5 && i+1+n < len(text) && isDigit(text[i+1+n]) {
		n++
	}
	d := text[i+1 : i+1+n]
	end = i + 1 + n
	minutes := 0
	switch {
	case n == 4:
		minutes = two(d)*60 + two(d[2:])
	case n == 2 && at(text, end) == ':' && isDigit(at(text, end+1)) && isDigit(at(text, end+2)):
		minutes = two(d)*60 + two(text[end+1:])
		end += 3
	case n == 2 && (joined || two(d) <= 14 && (end == len(text) || text[end] == ' ' || text[end] == ']')): // PostgreSQL
		minutes = two(d) * 60
	case n == 1 && joined && i > 0 && isLetter(text[i-1]): // GMT+2
		minutes = int(d[0]-'0') * 60
	case n == 3 && joined && i > 0 && isDigit(text[i-1]):
		minutes = two(d)*10 + int(d[2]-'0')
	default:
		return i, false
	}
	if c := at(text, end); minutes > 14*60 || minutes%15 != 0 || isAlnum(c) || c == ':' && isDigit(at(text, end+1)) || c == '.' && isDigit(at(text, end+1)) {
		return i, false
	}
	v.zone, v.offset = true, minutes*60
	if text[i] == '-' {
		v.offset = -v.offset
	}
	return end, true
}

// lend is text that shares the bytes.
func lend(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
