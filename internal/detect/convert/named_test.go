package convert

import (
	"slices"
	"testing"
)

// An expression of names alone is their list; one that stands for more is not.
func TestNamed(t *testing.T) {
	for pattern, want := range map[string][]string{
		`^((cmd|pwsh|notepad\+\+)\.exe|soffice\.bin)$`: {"cmd.exe", "notepad++.exe", "pwsh.exe", "soffice.bin"},
		`^net1?\.exe$`:            {"net.exe", "net1.exe"},
		`^7z[gh]\.exe$`:           {"7zg.exe", "7zh.exe"},
		`^CertUtil\.exe$`:         nil, // no value in small letters is that
		`(?i)^certutil\.exe$`:     nil,
		`certutil\.exe$`:          nil,
		`^python[0-9.]*\.exe$`:    nil,
		`^[a-z]{9}$`:              nil,
		`^a.exe$`:                 nil,
		`^(a|b|c|d|e|f){5}\.exe$`: nil,
	} {
		var got []string
		names, ok := named(pattern)
		for _, n := range names {
			got = append(got, n.String())
		}
		slices.Sort(got)
		if ok != (want != nil) || ok && !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", pattern, got, ok, want)
		}
	}
}
