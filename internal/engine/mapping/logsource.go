package mapping

import (
	"maps"
	"slices"
	"strings"
)

// LogSource is a place where the events of a Sigma log source are written.
type LogSource struct {
	Channel  string
	Provider string // stands for the channel in events that do not name theirs; "" for none
	EventIDs []string
}

const (
	channelSysmon     = "Microsoft-Windows-Sysmon/Operational"
	sysmonProvider    = "Microsoft-Windows-Sysmon"
	channelSecurity   = "Security"
	securityProvider  = "Microsoft-Windows-Security-Auditing"
	channelPowerShell = "Microsoft-Windows-PowerShell/Operational"
	powershellCore    = "PowerShellCore/Operational"
	powershellClassic = "Windows PowerShell"
	kernelFile        = "Microsoft-Windows-Kernel-File/Analytic"
)

// logCategories are Sigma's categories for Windows.
// Source: the taxonomy appendix of the Sigma specification; Microsoft's list of
// Sysmon events; 4688 as the Security log's twin of process creation.
var logCategories = map[string][]LogSource{
	"process_creation":          {sysmonEvents("1"), {channelSecurity, securityProvider, []string{"4688"}}},
	"process_termination":       {sysmonEvents("5"), {channelSecurity, securityProvider, []string{"4689"}}},
	"file_change":               {sysmonEvents("2")},
	"network_connection":        {sysmonEvents("3")},
	"sysmon_status":             {sysmonEvents("4", "16")},
	"driver_load":               {sysmonEvents("6")},
	"image_load":                {sysmonEvents("7")},
	"create_remote_thread":      {sysmonEvents("8")},
	"raw_access_thread":         {sysmonEvents("9")},
	"process_access":            {sysmonEvents("10")},
	"file_event":                {sysmonEvents("11")},
	"registry_add":              {sysmonEvents("12")},
	"registry_delete":           {sysmonEvents("12")},
	"registry_set":              {sysmonEvents("13")},
	"registry_rename":           {sysmonEvents("14")},
	"registry_event":            {sysmonEvents("12", "13", "14")},
	"create_stream_hash":        {sysmonEvents("15")},
	"pipe_created":              {sysmonEvents("17", "18")},
	"wmi_event":                 {sysmonEvents("19", "20", "21")},
	"dns_query":                 {sysmonEvents("22")},
	"file_delete":               {sysmonEvents("23", "26")},
	"clipboard_change":          {sysmonEvents("24")},
	"clipboard_capture":         {sysmonEvents("24")},
	"process_tampering":         {sysmonEvents("25")},
	"file_delete_detected":      {sysmonEvents("26")},
	"file_block_executable":     {sysmonEvents("27")},
	"file_block_shredding":      {sysmonEvents("28")},
	"file_executable_detected":  {sysmonEvents("29")},
	"sysmon_error":              {sysmonEvents("255")},
	"ps_module":                 {{channelPowerShell, "", []string{"4103"}}, {powershellCore, "", []string{"4103"}}},
	"ps_script":                 {{channelPowerShell, "", []string{"4104"}}, {powershellCore, "", []string{"4104"}}},
	"ps_classic_start":          {{powershellClassic, "", []string{"400"}}},
	"ps_classic_provider_start": {{powershellClassic, "", []string{"600"}}},
	"ps_classic_script":         {{powershellClassic, "", []string{"800"}}},
	"file_access":               {{kernelFile, "Microsoft-Windows-Kernel-File", nil}},
	"file_rename":               {{kernelFile, "Microsoft-Windows-Kernel-File", nil}},
	"antivirus":                 {{"Microsoft-Windows-Windows Defender/Operational", "", nil}},
}

func sysmonEvents(ids ...string) LogSource { return LogSource{channelSysmon, sysmonProvider, ids} }

// logServices are the channels of Sigma's services for Windows.
// Source: SigmaHQ's rules and the channels their definitions name.
var logServices = map[string][]string{
	"security":                             {channelSecurity},
	"system":                               {"System"},
	"application":                          {"Application"},
	"sysmon":                               {channelSysmon},
	"powershell":                           {channelPowerShell, powershellCore},
	"powershell-classic":                   {powershellClassic},
	"taskscheduler":                        {"Microsoft-Windows-TaskScheduler/Operational"},
	"wmi":                                  {"Microsoft-Windows-WMI-Activity/Operational"},
	"windefend":                            {"Microsoft-Windows-Windows Defender/Operational"},
	"dns-client":                           {"Microsoft-Windows-DNS-Client/Operational", "Microsoft-Windows-DNS Client Events/Operational"},
	"dns-server":                           {"DNS Server"},
	"dns-server-audit":                     {"Microsoft-Windows-DNS-Server/Audit"},
	"dns-server-analytic":                  {"Microsoft-Windows-DNS-Server/Analytical"},
	"driver-framework":                     {"Microsoft-Windows-DriverFrameworks-UserMode/Operational"},
	"ntlm":                                 {"Microsoft-Windows-NTLM/Operational"},
	"dhcp":                                 {"Microsoft-Windows-DHCP-Server/Operational"},
	"msexchange-management":                {"MSExchange Management"},
	"applocker":                            {"Microsoft-Windows-AppLocker/MSI and Script", "Microsoft-Windows-AppLocker/EXE and DLL", "Microsoft-Windows-AppLocker/Packaged app-Deployment", "Microsoft-Windows-AppLocker/Packaged app-Execution"},
	"printservice-admin":                   {"Microsoft-Windows-PrintService/Admin"},
	"printservice-operational":             {"Microsoft-Windows-PrintService/Operational"},
	"codeintegrity-operational":            {"Microsoft-Windows-CodeIntegrity/Operational"},
	"smbclient-security":                   {"Microsoft-Windows-SmbClient/Security"},
	"smbclient-connectivity":               {"Microsoft-Windows-SmbClient/Connectivity"},
	"smbserver-connectivity":               {"Microsoft-Windows-SMBServer/Connectivity"},
	"firewall-as":                          {"Microsoft-Windows-Windows Firewall With Advanced Security/Firewall"},
	"bits-client":                          {"Microsoft-Windows-Bits-Client/Operational"},
	"terminalservices-localsessionmanager": {"Microsoft-Windows-TerminalServices-LocalSessionManager/Operational"},
	"servicebus-client":                    {"Microsoft-ServiceBus-Client/Operational", "Microsoft-ServiceBus-Client/Admin"},
	"microsoft-servicebus-client":          {"Microsoft-ServiceBus-Client/Operational", "Microsoft-ServiceBus-Client/Admin"},
	"ldap":                                 {"Microsoft-Windows-LDAP-Client/Debug"},
	"ldap_debug":                           {"Microsoft-Windows-LDAP-Client/Debug"},
	"security-mitigations":                 {"Microsoft-Windows-Security-Mitigations/KernelMode", "Microsoft-Windows-Security-Mitigations/UserMode", "Microsoft-Windows-Security-Mitigations/Kernel Mode", "Microsoft-Windows-Security-Mitigations/User Mode"},
	"diagnosis-scripted":                   {"Microsoft-Windows-Diagnosis-Scripted/Operational"},
	"shell-core":                           {"Microsoft-Windows-Shell-Core/Operational"},
	"openssh":                              {"OpenSSH/Operational"},
	"bitlocker":                            {"Microsoft-Windows-BitLocker/BitLocker Management"},
	"vhdmp":                                {"Microsoft-Windows-VHDMP/Operational", "Microsoft-Windows-VHDMP-Operational"},
	"appxdeployment-server":                {"Microsoft-Windows-AppXDeploymentServer/Operational"},
	"appxpackaging-om":                     {"Microsoft-Windows-AppxPackaging/Operational"},
	"appmodel-runtime":                     {"Microsoft-Windows-AppModel-Runtime/Admin"},
	"lsa-server":                           {"Microsoft-Windows-LSA/Operational"},
	"capi2":                                {"Microsoft-Windows-CAPI2/Operational"},
	"certificateservicesclient-lifecycle-system": {"Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational"},
	"application-experience":                     {"Microsoft-Windows-Application-Experience/Program-Telemetry", "Microsoft-Windows-Application-Experience/Program-Compatibility-Assistant"},
	"hyper-v-worker":                             {"Microsoft-Windows-Hyper-V-Worker", "Microsoft-Windows-Hyper-V-Worker-Admin"},
	"iis-configuration":                          {"Microsoft-IIS-Configuration/Operational"},
	"kernel-event-tracing":                       {"Microsoft-Windows-Kernel-EventTracing", "Microsoft-Windows-Kernel-EventTracing/Admin"},
	"kernel-shimengine":                          {"Microsoft-Windows-Kernel-ShimEngine/Operational", "Microsoft-Windows-Kernel-ShimEngine/Diagnostic"},
	"ntfs":                                       {"Microsoft-Windows-Ntfs/Operational"},
	"sense":                                      {"Microsoft-Windows-SENSE/Operational"},
}

// WindowsLogSources lists Sigma's categories and services for Windows that have
// a table, by name.
func WindowsLogSources() (categories, services []string) {
	return slices.Sorted(maps.Keys(logCategories)), slices.Sorted(maps.Keys(logServices))
}

// channelProviders stand for a service's channel in events that do not name it.
var channelProviders = map[string]string{channelSysmon: sysmonProvider, channelSecurity: securityProvider}

// LogSources resolves a Sigma log source. all says that it is about every event
// of Windows; known is false for one that no table has. A log source of another
// product, which has no channels, is known and has no places: its rules are for
// events without a channel.
func LogSources(product, category, service string) (places []LogSource, all, known bool) {
	product, category, service = strings.ToLower(product), strings.ToLower(category), strings.ToLower(service)
	byCategory, hasCategory := logCategories[category]
	channels, hasService := logServices[service]
	if product != "windows" && (product != "" || !hasCategory && !hasService) {
		return nil, false, true
	}
	switch {
	case category != "" && !hasCategory, service != "" && !hasService:
		return nil, false, false
	case category == "" && service == "":
		return nil, true, true
	case category == "":
		for _, c := range channels {
			places = append(places, LogSource{c, channelProviders[c], nil})
		}
		return places, false, true
	case service == "":
		return byCategory, false, true
	}
	for _, p := range byCategory { // the places of the category in the service's channels
		for _, c := range channels {
			if strings.EqualFold(p.Channel, c) {
				places = append(places, p)
			}
		}
	}
	return places, false, len(places) > 0
}

// sigmaFields are the flat names of fields that Sigma calls otherwise.
var sigmaFields = map[string]string{
	"provider_name": "Provider",
	"computername":  "Computer",
}

// SigmaField is the flat name of a field of a Sigma rule for Windows.
func SigmaField(name string) string {
	if f, ok := sigmaFields[strings.ToLower(name)]; ok {
		return f
	}
	return name
}

// SigmaSource is the log source of Sigma for an event of Windows, by its channel,
// or failing that its provider, and id: a category where one is for the event,
// the most telling if there are several, and else a service. Both are "" for an
// event of no known log source.
func SigmaSource(channel, provider, eventID string) (category, service string) {
	best := 0
	for name, places := range logCategories {
		for _, p := range places {
			if !p.holds(channel, provider) || !slices.Contains(p.EventIDs, eventID) {
				continue
			}
			if n := len(p.EventIDs); category == "" || n < best || n == best && name < category {
				category, best = name, n
			}
		}
	}
	if category != "" {
		return category, ""
	}
	for name, channels := range logServices {
		for _, c := range channels {
			if (LogSource{c, channelProviders[c], nil}).holds(channel, provider) && (service == "" || name < service) {
				service = name
			}
		}
	}
	return "", service
}

// holds reports whether events of a channel, or without one of a provider, are
// written at the place.
func (l LogSource) holds(channel, provider string) bool {
	if channel != "" {
		return strings.EqualFold(channel, l.Channel)
	}
	return l.Provider != "" && strings.EqualFold(provider, l.Provider)
}
