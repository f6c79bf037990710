package datefmt

import "testing"

// Names are those of the IANA time zone database; parseDate and formatDate take
// them in any letter case (spec D, parseDate).
func TestZoneIgnoresCase(t *testing.T) {
	for in, want := range map[string]string{
		"etc/utc": "UTC", "america/los_angeles": "America/Los_Angeles", "EUROPE/BERLIN": "Europe/Berlin",
		"america/port-au-prince": "America/Port-au-Prince", "australia/nsw": "Australia/NSW", "etc/gmt+5": "Etc/GMT+5",
		"pst": "America/Los_Angeles", "gmt": "UTC",
	} {
		l, err := Zone(in)
		if err != nil || l.String() != want {
			t.Errorf("Zone(%q) = %v, %v; want %s", in, l, err, want)
		}
	}
	for _, bad := range []string{"mars/olympus", "+2", "local", "../etc/passwd"} {
		if l, err := Zone(bad); err == nil {
			t.Errorf("Zone(%q) = %v, want an error", bad, l)
		}
	}
}
