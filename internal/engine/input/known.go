package input

import "bytes"

// knownFiles are files that are recognised and not read: by what they have at a place near
// their start, and what to do with them.
var knownFiles = []struct {
	at      int
	magic   string
	kind    string
	instead string
}{
	{0, "7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"},
	{0, "Rar!\x1a\x07", "a RAR archive", "unpack it first"},
	{0, "MSCF", "a cabinet file", "unpack it first (expand -F:*)"},
	{0, "\x04\x22\x4d\x18", "an LZ4 file", "unpack it first"},
	{4, "LfLe", "an event log of Windows before Vista (.evt)", "convert it: wevtutil epl OLD.evt NEW.evtx /lf:true"},
	{0, "EVF\x09\x0d\x0a\xff", "a forensic image (E01)", `mount it, and name its Windows\System32\winevt\Logs`},
	{0, "EVF2\x0d\x0a\x81", "a forensic image (Ex01)", `mount it, and name its Windows\System32\winevt\Logs`},
	{0, "KDMV", "a disk image (VMDK)", `mount it, and name its Windows\System32\winevt\Logs`},
	{0, "vhdxfile", "a disk image (VHDX)", `mount it, and name its Windows\System32\winevt\Logs`},
	{0, "PAGEDU", "a memory dump", "no events are read from memory"},
	{0, "MDMP\x93\xa7", "a memory dump", "no events are read from memory"},
	{0, "regf", "a registry hive", "no events are in it"},
	{0, "SQLite format 3\x00", "an SQLite database", "export its table as CSV or JSON"},
	{0, "PAR1", "a Parquet file", "export it as CSV or JSON"},
	{0, "Obj\x01", "an Avro file", "export it as JSON"},
	{0, "ORC", "an ORC file", "export it as CSV or JSON"},
	{0, "\xd4\xc3\xb2\xa1", "a packet capture", "Zeek and Suricata make logs of it, which are read"},
	{0, "\xa1\xb2\xc3\xd4", "a packet capture", "Zeek and Suricata make logs of it, which are read"},
	{0, "\x0a\x0d\x0d\x0a", "a packet capture (pcapng)", "Zeek and Suricata make logs of it, which are read"},
	{0, "LPKSHHRH", "a journal of systemd", "export it: journalctl --file FILE -o export"},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document or installer", "save a workbook as CSV"},
	{0, "%PDF-", "a PDF document", "no events are read from it"},
	{0, "MZ", "a program", "no events are in it"},
	{0, "\x7fELF", "a program", "no events are in it"},
}

// office is the member by which the zip archive is known that a workbook is.
const office = "[Content_Types].xml"

// knownFile says what a file is that is recognised and not read; "" for others.
func knownFile(head []byte) (kind, instead string) {
	for _, k := range knownFiles {
		if len(head) >= k.at+len(k.magic) && string(head[k.at:k.at+len(k.magic)]) == k.magic {
			if k.magic == "MZ" && bytes.IndexByte(head, 0) < 0 || k.magic == "ORC" && bytes.IndexByte(head[:min(len(head), 64)], 0) < 0 {
				continue // text
			}
			return k.kind, k.instead
		}
	}
	return "", ""
}
