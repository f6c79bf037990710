package mapping

import "strings"

// providerChannels are the channels of providers that write to one, for exports
// that name the provider alone, in full or as Event Viewer shows it.
// Source: the providers' manifests.
var providerChannels = map[string]string{
	sysmonProvider:                         channelSysmon,
	"Sysmon":                               channelSysmon,
	securityProvider:                       channelSecurity,
	"Microsoft Windows security auditing.": channelSecurity,
	"Security-Auditing":                    channelSecurity,
	"Microsoft-Windows-PowerShell":         channelPowerShell,
	"PowerShellCore":                       powershellCore,
	"PowerShell":                           powershellClassic,
	"PowerShell (Microsoft-Windows-PowerShell)":                 channelPowerShell,
	"Microsoft-Windows-Windows Defender":                        "Microsoft-Windows-Windows Defender/Operational",
	"Windows Defender":                                          "Microsoft-Windows-Windows Defender/Operational",
	"Microsoft-Windows-TaskScheduler":                           "Microsoft-Windows-TaskScheduler/Operational",
	"Microsoft-Windows-WMI-Activity":                            "Microsoft-Windows-WMI-Activity/Operational",
	"Microsoft-Windows-Bits-Client":                             "Microsoft-Windows-Bits-Client/Operational",
	"Microsoft-Windows-DNS-Client":                              "Microsoft-Windows-DNS-Client/Operational",
	"Microsoft-Windows-NTLM":                                    "Microsoft-Windows-NTLM/Operational",
	"Microsoft-Windows-CodeIntegrity":                           "Microsoft-Windows-CodeIntegrity/Operational",
	"Microsoft-Windows-Windows Firewall With Advanced Security": "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",
	"Microsoft-Windows-TerminalServices-LocalSessionManager":    "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
	"Service Control Manager":                                   "System",
	"Microsoft-Windows-Kernel-General":                          "System",
	"Microsoft-Windows-DistributedCOM":                          "System",
	"Microsoft-Windows-GroupPolicy":                             "System",
	"EventLog":                                                  "System",
	"MsiInstaller":                                              "Application",
	"Application Error":                                         "Application",
	"Linux-Sysmon":                                              LinuxSysmon,
}

// ChannelOf is the channel of a provider that writes most of what rules read: Sysmon's or
// the Security log's; "" of another.
func ChannelOf(provider string) string {
	switch {
	case strings.EqualFold(provider, sysmonProvider):
		return channelSysmon
	case strings.EqualFold(provider, securityProvider):
		return channelSecurity
	}
	return ""
}

// ProviderOf is the other way round.
func ProviderOf(channel string) string {
	switch channel {
	case channelSysmon:
		return sysmonProvider
	case channelSecurity:
		return securityProvider
	}
	return ""
}

// moduleChannels are the channels of Winlogbeat's modules.
// Source: elastic/beats, x-pack/winlogbeat/module.
var moduleChannels = map[string]string{
	"sysmon": channelSysmon, "security": channelSecurity, "powershell": channelPowerShell,
}

// LinuxSysmon is the channel of Sysmon for Linux.
// Source: microsoft/SysmonForLinux, the manifest in its events.
const LinuxSysmon = "Linux-Sysmon/Operational"

// AlsoAt are the places of log sources of other products that write Windows'
// kind of event: Sysmon for Linux.
func AlsoAt(product, category, service string) (places []LogSource) {
	if !strings.EqualFold(product, "linux") {
		return nil
	}
	category, service = strings.ToLower(category), strings.ToLower(service)
	switch {
	case service != "" && service != "sysmon":
		return nil
	case category == "":
		return []LogSource{{LinuxSysmon, linuxSysmonProvider, nil}}
	}
	for _, p := range logCategories[category] {
		if p.Channel == channelSysmon {
			places = append(places, LogSource{LinuxSysmon, linuxSysmonProvider, p.EventIDs})
		}
	}
	return places
}

const linuxSysmonProvider = "Linux-Sysmon"

// forwardedEvents is the log that a collector keeps others' events in. Some
// exporters name it as the channel.
// Source: Microsoft, Windows Event Collector.
const forwardedEvents = "ForwardedEvents"

// forwarded is the channel that such an event had where it was written.
var forwarded = Source{Name: "Channel", From: []string{"Channel", "Provider", "winlog.provider_name", "ProviderName", "SourceName", "provider.name"}, Form: Forwarded}
