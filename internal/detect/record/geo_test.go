package record

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// geoFile is a MaxMind-format database of one node: addresses from 128.0.0.0 on are in NL,
// city Delft, network 1103 of SURF. Source of the form: MaxMind DB file format 2.0.
func geoFile(t *testing.T) string {
	text := func(s string) []byte {
		if len(s) >= 29 {
			return append([]byte{2<<5 | 29, byte(len(s) - 29)}, s...)
		}
		return append([]byte{2<<5 | byte(len(s))}, s...)
	}
	number := func(n uint16) []byte { return binary.BigEndian.AppendUint16([]byte{5<<5 | 2}, n) }
	object := func(pairs ...[]byte) (out []byte) {
		out = []byte{7<<5 | byte(len(pairs)/2)}
		for _, p := range pairs {
			out = append(out, p...)
		}
		return out
	}
	names := func(s string) []byte { return object(text("names"), object(text("en"), text(s))) }
	data := object(
		text("country"), object(text("iso_code"), text("NL")), text("city"), names("Delft"),
		text("autonomous_system_number"), number(1103), text("autonomous_system_organization"), text("SURF"),
	)
	file := append([]byte{0, 0, 1, 0, 0, 17}, make([]byte, 16)...)
	file = append(append(file, data...), "\xab\xcd\xefMaxMind.com"...)
	file = append(file, object(
		text("node_count"), number(1), text("record_size"), number(24), text("ip_version"), number(4), text("database_type"), text("Test"),
		text("binary_format_major_version"), number(2), text("binary_format_minor_version"), number(0), text("build_epoch"), number(1),
		text("description"), object(), text("languages"), []byte{0, 4},
	)...)
	name := filepath.Join(t.TempDir(), "geo.mmdb")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// Addresses say where they are by the database that is given; without one they do not (2.5).
func TestGeoAttributes(t *testing.T) {
	lib := &lookup.Library{}
	if err := lib.OpenGeo(geoFile(t)); err != nil {
		t.Fatal(err)
	}
	for _, given := range []bool{true, false} {
		made, _ := NewCatalogue(Sumo, nil)
		if given {
			made.Geo = lib.Geo()
		}
		events, records := event.NewLayout(), event.NewLayout()
		want := map[string]string{"srcDevice_ip_countryCode": "NL", "srcDevice_ip_city": "Delft", "srcDevice_ip_asnNumber": "1103", "srcDevice_ip_asnOrg": "SURF", "srcDevice_ip_isp": "", "srcDevice_ip_countryName": ""}
		slots := map[string]event.Slot{}
		for name := range want {
			slots[name] = records.Exact(name)
		}
		plan := NewPlan(made.Mappers, made.Parsers, events, records)
		var b event.Batch
		for i, ip := range []string{"130.161.0.1", "10.0.0.1", "no address"} {
			row := b.AddRow(0, uint64(i))
			for n, v := range map[string]string{"Channel": "Security", "EventID": "4625", "IpAddress": ip} {
				b.Col(events.Slot(n)).Set(row, event.Text(v))
			}
		}
		out := plan.Open().Map(&b)
		for name, s := range slots {
			for row := range uint16(3) {
				w := ""
				if given && row == 0 {
					w = want[name]
				}
				if got := out.Value(s, row).String(); got != w && !(w == "" && out.Value(s, row).IsNull()) {
					t.Errorf("with a database %v: %s of row %d is %q, want %q", given, name, row, got, w)
				}
			}
		}
	}
}
