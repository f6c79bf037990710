package mapping

import "strings"

// categories gives a _sourceCategory to the channels and providers of Windows
// event logs, so that the scope of a query written for a tenant
// (_sourceCategory=windows/sysmon) finds local files. The names follow what
// Sumo Logic's own Windows apps suggest.
var categories = []struct{ name, category string }{
	{"Microsoft-Windows-Sysmon/Operational", "windows/sysmon"},
	{"Microsoft-Windows-Sysmon", "windows/sysmon"},
	{"Security", "windows/security"},
	{"Microsoft-Windows-Security-Auditing", "windows/security"},
	{"System", "windows/system"},
	{"Application", "windows/application"},
	{"Windows PowerShell", "windows/powershell"},
	{"Microsoft-Windows-PowerShell/Operational", "windows/powershell"},
	{"PowerShellCore/Operational", "windows/powershell"},
	{"Microsoft-Windows-PowerShell", "windows/powershell"},
	{"Microsoft-Windows-Windows Defender/Operational", "windows/defender"},
	{"Microsoft-Windows-TaskScheduler/Operational", "windows/taskscheduler"},
	{"Microsoft-Windows-WMI-Activity/Operational", "windows/wmi"},
	{"Microsoft-Windows-DNS-Client/Operational", "windows/dns"},
	{"DNS Server", "windows/dns"},
	{"Microsoft-Windows-AppLocker/EXE and DLL", "windows/applocker"},
	{"Microsoft-Windows-CodeIntegrity/Operational", "windows/codeintegrity"},
	{"Microsoft-Windows-Bits-Client/Operational", "windows/bits"},
	{"Microsoft-Windows-TerminalServices-LocalSessionManager/Operational", "windows/terminalservices"},
	{"Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational", "windows/terminalservices"},
	{"Microsoft Windows security auditing.", "windows/security"}, // the source's display name, in Splunk's text
	{"Sec", "windows/security"},                                  // Hayabusa's short names
	{"Sys", "windows/system"},
	{"App", "windows/application"},
	{"PwSh", "windows/powershell"},
	{"PwShClassic", "windows/powershell"},
}

// Category returns the _sourceCategory of an event by its channel, or failing
// that its provider. Another channel becomes windows/ and its name in lower
// case; an event with neither has none ("").
func Category(channel, provider string) string {
	for _, name := range [2]string{channel, provider} {
		if name == "" {
			continue
		}
		for _, c := range categories {
			if strings.EqualFold(c.name, name) {
				return c.category
			}
		}
	}
	name := channel
	if name == "" {
		name = provider
	}
	if name == "" {
		return ""
	}
	name = strings.TrimPrefix(strings.ToLower(name), "microsoft-windows-")
	return "windows/" + strings.ReplaceAll(strings.TrimSuffix(name, "/operational"), " ", "")
}

// Categories lists the table by channel or provider, for documentation.
func Categories() [][2]string {
	out := make([][2]string, len(categories))
	for i, c := range categories {
		out[i] = [2]string{c.name, c.category}
	}
	return out
}
