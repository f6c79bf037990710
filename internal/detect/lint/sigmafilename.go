package lint

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

var _ = register(Check{
	ID: "sigma-filename", Severity: diag.Note,
	What: "A file of a rule for Windows whose name does not begin as SigmaHQ's do for its log source, or is not in small letters.",
	Why:  "In a folder of thousands the name tells what a rule needs: `proc_creation_win_` reads process creation. SigmaHQ takes no rule that is called otherwise.",
	Bad:  []string{sigmaExample("category: process_creation", "category: image_load")},
	Good: []string{sigmaText},
	Sigma: func(s *Sigma, report Report) {
		if s.Rule == nil || s.Keys == nil || !strings.EqualFold(s.Rule.LogSource.Product, "windows") {
			return
		}
		name := path.Base(filepath.ToSlash(s.File.Name))
		if i := strings.LastIndex(name, "#"); i >= 0 {
			name = name[i+1:]
		}
		if name == "-" {
			return
		}
		want, ok := filePrefixes[strings.ToLower(s.Rule.LogSource.Category)]
		if !ok && s.Rule.LogSource.Category == "" && s.Rule.LogSource.Service != "sysmon" {
			want = "win_"
			if strings.HasPrefix(s.Rule.LogSource.Service, "powershell") {
				want = "posh_"
			}
		}
		switch {
		case !strings.HasPrefix(name, want):
			report(s.Rule.LogSource.Span, "the file of a rule for this log source is called "+want+"..., and this is "+name, "rename the file")
		case !fileName().MatchString(name):
			report(s.Rule.Span, name+" has other characters than small letters, digits and _", "rename the file")
		}
	},
})

var fileName = match.Lazy(`^[a-z0-9_]+\.ya?ml$`)

// filePrefixes are how names of files begin, by category.
// Source: SigmaHQ, conventions for file names.
var filePrefixes = map[string]string{
	"process_creation": "proc_creation_win_", "process_access": "proc_access_win_", "process_tampering": "proc_tampering_",
	"network_connection": "net_connection_win_", "dns_query": "dns_query_win_", "image_load": "image_load_", "driver_load": "driver_load_",
	"file_event": "file_event_win_", "file_delete": "file_delete_win_", "file_change": "file_change_win_", "file_rename": "file_rename_win_",
	"file_access": "file_access_win_", "file_executable_detected": "file_executable_detected_",
	"registry_add": "registry_add_", "registry_delete": "registry_delete_", "registry_set": "registry_set_", "registry_event": "registry_event_",
	"create_remote_thread": "create_remote_thread_win_", "create_stream_hash": "create_stream_hash_", "pipe_created": "pipe_created_",
	"raw_access_thread": "raw_access_thread_", "ps_script": "posh_ps_", "ps_module": "posh_pm_", "ps_classic_start": "posh_pc_",
	"ps_classic_provider_start": "posh_pc_", "ps_classic_script": "posh_pc_", "wmi_event": "sysmon_wmi_", "sysmon_status": "sysmon_", "sysmon_error": "sysmon_",
}
