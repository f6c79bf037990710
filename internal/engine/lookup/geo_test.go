package lookup

import (
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// database writes a MaxMind-format database (version 2.0 of the format) for
// IPv4 that has one record, for all addresses that start with a 1 bit.
func database(t *testing.T, record []byte) string {
	t.Helper()
	// One node: its left record says "not found" (the number of nodes), its
	// right one points at the data behind the tree and its 16 zero bytes.
	tree := []byte{0, 0, 1, 0, 0, 1 + 16}
	file := append(append(tree, make([]byte, 16)...), record...)
	file = append(file, "\xab\xcd\xefMaxMind.com"...)
	file = append(file, mapOf(
		"node_count", uint16(1), "record_size", uint16(24), "ip_version", uint16(4), "database_type", "Test-City",
		"binary_format_major_version", uint16(2), "binary_format_minor_version", uint16(0), "build_epoch", uint16(1),
		"description", raw(mapOf()), "languages", raw([]byte{0x00, 0x04}),
	)...)
	name := filepath.Join(t.TempDir(), "test.mmdb")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// raw is an encoded value.
type raw []byte

// mapOf encodes a map of up to 28 names and values.
func mapOf(pairs ...any) []byte {
	out := []byte{7<<5 | byte(len(pairs)/2)}
	for i, p := range pairs {
		switch p := p.(type) {
		case string:
			if len(p) < 29 {
				out = append(append(out, 2<<5|byte(len(p))), p...)
			} else {
				out = append(append(out, 2<<5|29, byte(len(p)-29)), p...)
			}
		case uint16:
			out = binary.BigEndian.AppendUint16(append(out, 5<<5|2), p)
		case raw:
			out = append(out, p...)
		default:
			panic(i)
		}
	}
	return out
}

// double encodes 1.25 and the like by their bits.
func double(bits uint64) raw { return binary.BigEndian.AppendUint64([]byte{3<<5 | 8}, bits) }

func TestGeoFieldsComeFromTheDatabase(t *testing.T) {
	file := database(t, mapOf(
		"country", raw(mapOf("iso_code", "NL", "names", raw(mapOf("en", "Netherlands")))),
		"location", raw(mapOf("latitude", double(0x404a2fdf3b645a1d), "longitude", double(0x3ff4000000000000))), // 52.374, 1.25
		"subdivisions", raw(append([]byte{1, 4}, mapOf("iso_code", "NH", "names", raw(mapOf("en", "North Holland")))...)),
		"autonomous_system_number", uint16(1136),
	))
	l := &Library{}
	if err := l.OpenGeo(file); err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{
		"country_code": "NL", "country_name": "Netherlands", "latitude": "52.374", "longitude": "1.25",
		"state": "North Holland", "region": "NH", "asn": "1136", "city": "", "nowhere": "",
	} {
		if got := l.Geo().Field(netip.MustParseAddr("198.51.100.7"), field); got.String() != want {
			t.Errorf("%s is %s, want %q", field, got, want)
		}
	}
	if got := l.Geo().Field(netip.MustParseAddr("10.0.0.1"), "country_code"); !got.IsNull() {
		t.Errorf("a private address is in %s", got)
	}
	if got := l.Geo().Field(netip.MustParseAddr("2001:db8::1"), "country_code"); !got.IsNull() {
		t.Errorf("an IPv6 address in a database of IPv4 is in %s", got)
	}
}

func TestOtherFilesAreNoDatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.csv")
	if err := os.WriteFile(file, []byte("a,b\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := new(Library).OpenGeo(file); err == nil || !strings.Contains(err.Error(), "no MaxMind-format database") {
		t.Errorf("got %v", err)
	}
	if err := new(Library).OpenGeo(file + "no"); err == nil {
		t.Error("a file that is not there was opened")
	}
}
