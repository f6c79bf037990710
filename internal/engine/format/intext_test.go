package format_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEventsInText: events that stand among the messages of a text are all found,
// behind a message that has begun with a time, on its line, or behind each other on
// one; and the messages stay what they are.
func TestEventsInText(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for name, log := range bulk(t) {
		if !strings.HasSuffix(name, ".jsonl") && name != "evtx-xml.xml" || strings.Contains(name, "bom") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			whole, _ := ids(t, name, log)
			records := bytes.Split(bytes.TrimSpace(log), []byte{'\n'})
			if len(records) != len(whole) {
				t.Skip("not one to a line")
			}
			var text bytes.Buffer
			messages := 0
			message := func(more string) {
				messages++
				fmt.Fprintf(&text, "2026-03-01 08:%02d:%02d INFO [worker-%d] %s%s", rnd.IntN(60), rnd.IntN(60), rnd.IntN(9), strings.Repeat("long text of an application ", 40+rnd.IntN(160)), more)
			}
			for len(records) > 0 {
				switch n := min(1+rnd.IntN(4), len(records)); rnd.IntN(4) {
				case 0: // lines behind a message that goes on over lines
					message("\n  at a.b(C.java:1)\n  at a.c(C.java:2)\n")
					text.Write(append(bytes.Join(records[:n], []byte{'\n'}), '\n'))
					records = records[n:]
				case 1: // on the message's own line
					message(" dump: ")
					messages--
					text.Write(append(records[0], '\n'))
					records = records[1:]
				case 2: // behind each other on it
					message(" dump: ")
					messages--
					text.Write(append(bytes.Join(records[:n], []byte{' '}), '\n'))
					records = records[n:]
				case 3:
					message("\n\n")
				}
			}
			path := filepath.Join(t.TempDir(), "app.log")
			if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, block := range []int{0, 16 << 10} {
				res := run(t, "* | fields EventID, EventRecordID, Image, CommandLine, Computer", 2, block, false, path)
				res.clean(t)
				var got []string
				none := 0
				for _, r := range res.rows {
					if r["EventRecordID"] == nil {
						none++
						continue
					}
					got = append(got, fmt.Sprint(r["EventID"], "|", r["EventRecordID"], "|", r["Image"], "|", r["CommandLine"], "|", r["Computer"]))
				}
				slices.Sort(got)
				if missing, more := difference(whole, got); len(missing)+len(more) > 0 {
					t.Errorf("blocks of %d: missing %d %.300q, more %d %.300q", block, len(missing), missing, len(more), more)
				}
				if none != messages {
					t.Errorf("blocks of %d: %d messages without an event, want %d", block, none, messages)
				}
			}
		})
	}
}

// TestMessagesStayWhole: what belongs to a message of plain text does not become an
// event of its own.
func TestMessagesStayWhole(t *testing.T) {
	for name, text := range map[string]string{
		"stack trace":   "2026-03-01 08:00:00 ERROR x\njava.lang.E: y\n\tat a.b(C.java:1)\nCaused by: z\n",
		"indented JSON": "2026-03-01 08:00:00 request\n{\n  \"user\": \"a\",\n  \"n\": {\"b\": 1}\n}\n",
		"one object":    "2026-03-01 08:00:00 request\n{\"user\": \"a\"}\n",
		"SQL":           "2026-03-01 08:00:00 slow\nSELECT a\nFROM b\nWHERE c=d\n",
		"XML":           "2026-03-01 08:00:00 soap\n<a>\n<b/>\n</a>\n",
		"a list":        "2026-03-01 08:00:00 list\n[\n1,\n2\n]\n",
	} {
		rows, res := ask(t, text+"2026-03-01 08:00:01 next\n", "* | fields _raw")
		if res.clean(t); len(rows) != 2 {
			t.Errorf("%s: %d messages, want 2: %q", name, len(rows), rows)
		}
	}
}

// TestJoinedMessages: a message whose lines an agent has joined gives what it gives
// in lines.
func TestJoinedMessages(t *testing.T) {
	needShared(t)
	for _, c := range []struct{ dir, id, provider, channel, fields string }{
		{"", "1", "Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational", "Image, CommandLine, ParentImage, ParentCommandLine, User, Hashes, ProcessId, UtcTime, IntegrityLevel"},
		{"/security-4688", "4688", "Microsoft-Windows-Security-Auditing", "Security", "NewProcessName, SubjectUserName, SubjectDomainName, SubjectLogonId, SubjectUserSid, TargetUserName, TokenElevationType, NewProcessId"},
	} {
		dir := shared + "/formats" + c.dir
		q := "* | fields EventID, Channel, " + c.fields
		lines := run(t, q, 1, 0, false, dir+"/splunk-wineventlog.txt")
		raw, err := os.ReadFile(dir + "/splunk-wineventlog.txt")
		if err != nil {
			t.Fatal(err)
		}
		_, message, _ := strings.Cut(strings.ReplaceAll(string(raw), "\r", ""), "\nMessage=")
		message = strings.NewReplacer("\n", " ", "\t", " ").Replace(strings.TrimSpace(message))
		snare := strings.Join([]string{"h", "MSWinEventLog", "1", c.channel, "3", "Mon Apr 26 15:03:05 2021", c.id, c.provider, "SYSTEM", "User", "Information", "h", "c", "", message, "191969"}, "\t")
		for name, text := range map[string]string{"bare": snare, "syslog": "<14>Apr 26 15:03:05 " + snare, "escaped tabs": "<14>Apr 26 15:03:05 " + strings.ReplaceAll(snare, "\t", "#011")} {
			path := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			joined := run(t, q, 1, 0, false, path)
			if len(lines.rows) != 1 || len(joined.rows) != 1 {
				t.Fatalf("%s %s: %d and %d rows", c.id, name, len(lines.rows), len(joined.rows))
			}
			for k, want := range lines.rows[0] {
				if k == "at" {
					continue
				}
				if got := joined.rows[0][k]; strings.TrimSpace(fmt.Sprint(got)) != strings.TrimSpace(fmt.Sprint(want)) {
					t.Errorf("%s %s, %s: got %q, want %q", c.id, name, k, fmt.Sprint(got), fmt.Sprint(want))
				}
			}
		}
	}
}
