package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// kinds says how many rules of each kind there are among a thousand: about what the
// product's own catalogue has.
var kinds = []struct {
	name  string
	count int
	write func(*maker) string
}{
	{"match", 760, (*maker).match},
	{"threshold", 70, (*maker).threshold},
	{"first_seen", 80, (*maker).firstSeen},
	{"outlier", 40, (*maker).outlier},
	{"chain", 30, (*maker).chain},
	{"aggregation", 20, (*maker).aggregation},
}

// maker makes rules by chance, the same for the same seed.
type maker struct {
	rnd *rand.Rand
	n   int
}

// makeRules writes a file of rules for each kind into a folder.
func makeRules(dir string, seed uint64) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	m := &maker{rnd: rand.New(rand.NewPCG(seed, 0))}
	for _, k := range kinds {
		var b strings.Builder
		for range k.count {
			m.n++
			b.WriteString("---\n" + k.write(m))
		}
		if err := os.WriteFile(filepath.Join(dir, k.name+".yaml"), []byte(b.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

var (
	programs = strings.Fields(`powershell.exe pwsh.exe cmd.exe wscript.exe cscript.exe mshta.exe rundll32.exe regsvr32.exe certutil.exe bitsadmin.exe
		msiexec.exe wmic.exe msbuild.exe csc.exe installutil.exe regasm.exe odbcconf.exe net.exe net1.exe nltest.exe whoami.exe systeminfo.exe
		tasklist.exe schtasks.exe sc.exe reg.exe vssadmin.exe wbadmin.exe bcdedit.exe wevtutil.exe fsutil.exe cipher.exe procdump.exe ntdsutil.exe
		esentutl.exe makecab.exe expand.exe curl.exe ftp.exe telnet.exe plink.exe psexec.exe psexesvc.exe mimikatz.exe rubeus.exe adfind.exe
		sharphound.exe anydesk.exe teamviewer.exe rclone.exe 7z.exe winrar.exe hh.exe control.exe forfiles.exe pcalua.exe presentationhost.exe
		ieexec.exe extexport.exe dnscmd.exe`)
	parents = strings.Fields(`winword.exe excel.exe outlook.exe powerpnt.exe chrome.exe msedge.exe firefox.exe explorer.exe services.exe svchost.exe
		wmiprvse.exe w3wp.exe sqlservr.exe java.exe lsass.exe spoolsv.exe`)
	arguments = strings.Fields(`-enc -encodedcommand -nop -windowstyle hidden downloadstring invoke-expression iex( frombase64string bypass
		/transfer -urlcache -decode scrobj.dll javascript: vbscript: comsvcs.dll minidump sekurlsa:: lsadump:: delete shadows resize shadowstorage
		/domain_trusts /dclist localgroup administrators /add domain admins process call create /node: failurecommand binpath= \\pipe\\ admin$
		createobject -exec bypass add-mppreference exclusionpath disablerealtimemonitoring clear-log cl shadowcopy bypassnro token::elevate
		socks5 reverse ngrok transfer.sh pastebin.com raw.githubusercontent.com discordapp.com .onion`)
	folders = strings.Fields(`\temp\ \appdata\local\temp\ \downloads\ \public\ \programdata\ \startup\ \perflogs\ \recycle.bin\ \tasks\ \inetpub\ \debug\
		\fonts\ \spool\drivers\ \microsoft\office\ \wwwroot\`)
	endings = strings.Fields(`.hta .js .jse .vbs .vbe .wsf .ps1 .bat .cmd .scr .lnk .iso .dll .cpl .msi .dmp .kirbi .7z .rar .one`)
	keys    = strings.Fields(`\currentversion\run\ \runonce\ \winlogon\shell \userinit \appinit_dlls \image\file\execution\options\ \services\
		\policies\system\enablelua \lsa\ \securityproviders\wdigest\ \windows\defender\ \terminal\server\ \internet\settings\ \inprocserver32 \ms-settings\shell\open\command`)
	domains = strings.Fields(`duckdns.org ngrok.io no-ip.org pastebin.com transfer.sh anonfiles.com mega.nz dropbox.com telegram.org discord.com
		workers.dev azureedge.net cloudfront.net ipify.org ip-api.com`)
	tactics = strings.Fields(`TA0001 TA0002 TA0003 TA0004 TA0005 TA0006 TA0007 TA0008 TA0009 TA0011`)
)

const sysmon = "Microsoft-Windows-Sysmon/Operational-"

func (m *maker) one(of []string) string { return of[m.rnd.IntN(len(of))] }

// some joins a few tests of an attribute with OR.
func (m *maker) some(test, prefix string, of []string, suffix string, most int) string {
	var any []string
	for range 1 + m.rnd.IntN(most) {
		any = append(any, fmt.Sprintf("%s LIKE '%s%s%s'", test, prefix, m.one(of), suffix))
	}
	if len(any) == 1 {
		return any[0]
	}
	return "(" + strings.Join(any, " OR ") + ")"
}

// expression is a condition as rules have them: an event id mostly, programs, texts of
// a command line, a path, a key or a name, and exceptions.
func (m *maker) expression() string {
	var all []string
	add := func(s string) { all = append(all, s) }
	switch n := m.rnd.IntN(10); {
	case n < 5: // processes
		switch m.rnd.IntN(3) {
		case 0:
			add("metadata_deviceEventId IN ('" + sysmon + "1', 'Security-4688')")
		case 1:
			add("metadata_vendor = 'Microsoft' AND metadata_product = 'Windows' AND objectType = 'EndpointProcess'")
		}
		add(m.some("lower(baseImage)", `%\`, programs, "", 3))
		if m.rnd.IntN(2) == 0 {
			add(m.some("lower(commandLine)", "%", arguments, "%", 5))
		}
		if m.rnd.IntN(3) == 0 {
			add(m.some("lower(parentBaseImage)", `%\`, parents, "", 3))
		}
		if m.rnd.IntN(4) == 0 {
			add("NOT (" + m.some("lower(commandLine)", "%", arguments, "%", 2) + ")")
		}
	case n < 6: // files
		add("metadata_deviceEventId IN ('" + sysmon + "11', '" + sysmon + "15')")
		add(m.some("lower(file_path)", "%", folders, "%"+m.one(endings), 3))
	case n < 7: // the registry
		add("metadata_deviceEventId IN ('" + sysmon + "12', '" + sysmon + "13')")
		add(m.some("lower(changeTarget)", "%", keys, "%", 3))
	case n < 8: // names and connections
		if m.rnd.IntN(2) == 0 {
			add("metadata_deviceEventId = '" + sysmon + "22'")
			add(m.some("lower(dns_query)", "%", domains, "", 4))
		} else {
			add("metadata_deviceEventId = '" + sysmon + "3' AND dstDevice_ip_isInternal = false")
			add(fmt.Sprintf("dstPort IN (%d, %d)", 1+m.rnd.IntN(9000), 1+m.rnd.IntN(9000)))
			add(m.some("lower(baseImage)", `%\`, programs, "", 3))
		}
	case n < 9: // raw keys, and regular expressions
		if m.rnd.IntN(2) == 0 {
			add("metadata_deviceEventId = '" + sysmon + "10' AND lower(fields['EventData.TargetImage']) LIKE '%\\lsass.exe'")
			add(m.some("lower(fields['EventData.SourceImage'])", `%\`, programs, "", 2))
		} else {
			add(m.some("lower(baseImage)", `%\`, programs, "", 2))
			add(fmt.Sprintf("commandLine matches /(?i)%s\\s+[^ ]*%s/", strings.NewReplacer(`\`, ``, `(`, ``, `$`, ``, `/`, ``, `.`, `\.`).Replace(m.one(arguments)), m.one([]string{"[0-9a-f]{8}", "https?", "[a-z]:"})))
		}
	default: // log-ons, which the events do not have
		add("normalizedAction = 'logon' AND success = false")
		add("user_username LIKE '" + m.one([]string{"admin", "svc_", "test"}) + "%'")
	}
	if m.rnd.IntN(6) == 0 {
		add("NOT array_contains(listMatches, 'admin_hosts')")
	}
	return strings.Join(all, " AND ")
}

// head is what all kinds have.
func (m *maker) head(kind, id, name string) string {
	return fmt.Sprintf("kind: %s_rule\nid: %s-U%05d\nname: %s %d\nentity_selectors: [{entity_type: _hostname, expression: device_hostname}, {entity_type: _username, expression: user_username}]\ntags: [\"_mitreAttackTactic:%s\"]\nsummary_expression: \"{{baseImage}} on {{device_hostname}}\"\n",
		kind, id, m.n, name, m.n, m.one(tactics))
}

func (m *maker) templated() string {
	return fmt.Sprintf("name_expression: \"Rule %d\"\ndescription_expression: made for a measure\n", m.n)
}

func (m *maker) match() string {
	return m.head("match", "MATCH", "Rule") + m.templated() + fmt.Sprintf("expression: %q\nscore: %d\n", m.expression(), m.rnd.IntN(9))
}

func (m *maker) threshold() string {
	s := m.head("threshold", "THRESHOLD", "Rule") + "description: made for a measure\n" + fmt.Sprintf("expression: %q\nscore: %d\nwindow_size: %s\nlimit: %d\n", m.expression(), m.rnd.IntN(9), m.one([]string{"T05M", "T30M", "T24H"}), 2+m.rnd.IntN(20))
	if m.rnd.IntN(3) == 0 {
		s += "count_distinct: true\ncount_field: commandLine\n"
	}
	return s
}

func (m *maker) chain() string {
	return m.head("chain", "CHAIN", "Rule") + "description: made for a measure\n" + fmt.Sprintf("ordered: %v\nscore: %d\nwindow_size: T60M\nexpressions_and_limits:\n  - {limit: 1, expression: %q}\n  - {limit: %d, expression: %q}\n",
		m.rnd.IntN(2) == 0, m.rnd.IntN(9), m.expression(), 1+m.rnd.IntN(3), m.expression())
}

func (m *maker) aggregation() string {
	return m.head("aggregation", "AGGREGATION", "Rule") + m.templated() + fmt.Sprintf("match_expression: %q\nscore: %d\nwindow_size: T10M\ntrigger_expression: tools > %d\naggregation_functions: [{name: tools, function: count_distinct, arguments: [\"lower(baseImage)\"]}]\n", m.expression(), m.rnd.IntN(9), 2+m.rnd.IntN(5))
}

func (m *maker) firstSeen() string {
	return m.head("first_seen", "FIRST", "Rule") + m.templated() + fmt.Sprintf("filter_expression: %q\nscore: %d\nbaseline_type: %s\nbaseline_window_size: \"86400000\"\nretention_window_size: \"7776000000\"\nvalue_fields: [%s]\ngroup_by_fields: [device_hostname]\n",
		m.expression(), m.rnd.IntN(5), m.one([]string{"GLOBAL", "PER_ENTITY"}), m.one([]string{"baseImage", "commandLine", "dns_query"}))
}

func (m *maker) outlier() string {
	return m.head("outlier", "OUTLIER", "Rule") + m.templated() + fmt.Sprintf("match_expression: %q\nscore: %d\nwindow_size: T60M\nbaseline_window_size: \"259200000\"\nretention_window_size: \"7776000000\"\ndeviation_threshold: 3\nfloor_value: 3\ngroup_by_fields: [device_hostname]\naggregation_functions: [{name: current, function: %s]}]\n",
		m.expression(), m.rnd.IntN(5), m.one([]string{"count, arguments: [\"true\"", "max, arguments: [\"length(commandLine)\"", "count_distinct, arguments: [baseImage"}))
}
