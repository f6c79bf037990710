package detection_test

import (
	"encoding/json"
	"fmt"
	"path"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/packages"
)

// recordings are logs of real hosts on which a technique was tried, and what the packages must
// find there at the least. What each is of, its publisher says; that it is of this technique is
// read in the recording: the line, the script or the access stands in it.
var recordings = []struct {
	file, category string
	pkg, detector  string
	least          detection.Severity // of the strongest finding
}{
	// PowerShell.
	{"jsonl/security-datasets/empire_launcher_vbs.zip", "windows/sysmon", "T1059.001-powershell", "powershell-line", detection.Critical},          // Empire's launcher under wscript.exe
	{"jsonl/security-datasets/empire_launcher_sct_regsvr32.zip", "windows/sysmon", "T1059.001-powershell", "powershell-line", detection.Critical}, // the same under regsvr32.exe
	{"jsonl/security-datasets/empire_launcher_vbs.zip", "windows/powershell", "T1059.001-powershell", "script-block", detection.Critical},         // what its engine logs
	{"evtx/to-mitre-attack/TA0002-Execution/T1059.001-PowerShell/ID4103-4104-Payload download via PowerShell.evtx", "", "T1059.001-powershell", "script-block", detection.Medium},
	{"evtx/to-mitre-attack/TA0005-Defense Evasion/T1027-Obfuscated Files or Information/ID1-CrackMapExec payload execution.evtx", "", "T1059.001-powershell", "powershell-line", detection.Critical},
	{"evtx/to-mitre-attack/TA0005-Defense Evasion/T1027-Obfuscated Files or Information/ID400-800-CrackMapExec payload execution.evtx", "", "T1059.001-powershell", "script-block", detection.High},
	{"evtx/attack-samples/Lateral Movement/LM_sysmon_psexec_smb_meterpreter.evtx", "", "T1059.001-powershell", "powershell-line", detection.High}, // Metasploit's psexec
	{"evtx/attack-samples/Credential Access/phish_windows_credentials_powershell_scriptblockLog_4104.evtx", "", "T1059.001-powershell", "script-block", detection.Medium},
	{"evtx/attack-samples/Credential Access/discovery_sysmon_1_iis_pwd_and_config_discovery_appcmd.evtx", "", "T1059.001-powershell", "powershell-line", detection.Critical}, // under the web server
	{"evtx/attack-samples/Execution/sysmon_lolbas_rundll32_zipfldr_routethecall_shell.evtx", "", "T1059.001-powershell", "powershell-line", detection.High},
	{"evtx/attack-samples/Other/emotet/exec_emotet_ps_800_get-item.evtx", "", "T1059.001-powershell", "script-block", detection.High}, // Emotet's, in parts
	{"evtx/attack-samples/Defense Evasion/de_unmanagedpowershell_psinject_sysmon_7_8_10.evtx", "", "T1059.001-powershell", "other-host", detection.Medium},
	{"evtx/hayabusa/YamatoSecurity/ImpairDefenses/T1562.010_DowngradeAttack_PowerShell.evtx", "", "T1059.001-powershell", "other-host", detection.High}, // version 2, whose start says no line
	{"evtx/deepbluecli/powersploit-system.evtx", "", "T1059.001-powershell", "powershell-line", detection.Critical},
	// Memory of lsass.
	{"evtx/attack-samples/Credential Access/sysmon_10_11_outlfank_dumpert_and_andrewspecial_memdump.evtx", "", "T1003.001-lsass-memory", "lsass-access", detection.Critical},
	{"evtx/attack-samples/Credential Access/sysmon_10_11_outlfank_dumpert_and_andrewspecial_memdump.evtx", "", "T1003.001-lsass-memory", "dump-trace", detection.Critical},
	{"evtx/attack-samples/Credential Access/sysmon_2x10_lsass_with_different_pid_RtlCreateProcessReflection.evtx", "", "T1003.001-lsass-memory", "lsass-access", detection.Critical},
	{"evtx/attack-samples/Credential Access/sysmon_rdrleakdiag_lsass_dump.evtx", "", "T1003.001-lsass-memory", "dump-command", detection.High},
	{"evtx/attack-samples/Credential Access/sysmon_rdrleakdiag_lsass_dump.evtx", "", "T1003.001-lsass-memory", "dump-trace", detection.High},
	{"evtx/attack-samples/Credential Access/sysmon_10_1_memdump_comsvcs_minidump.evtx", "", "T1003.001-lsass-memory", "dump-command", detection.High},
	{"evtx/attack-samples/Credential Access/sysmon_3_10_Invoke-Mimikatz_hosted_Github.evtx", "", "T1003.001-lsass-memory", "lsass-access", detection.Medium},
	{"evtx/attack-samples/Credential Access/babyshark_mimikatz_powershell.evtx", "", "T1003.001-lsass-memory", "lsass-access", detection.Medium},
	{"evtx/attack-samples/Credential Access/CA_sysmon_hashdump_cmd_meterpreter.evtx", "", "T1003.001-lsass-memory", "lsass-access", detection.Critical},
	{"evtx/attack-samples/Credential Access/LsassSilentProcessExit_process_exit_monitor_3001_lsass.evtx", "windows/application", "T1003.001-lsass-memory", "dump-trace", detection.High},
	{"evtx/attack-samples/Defense Evasion/DE_BYOV_Zam64_CA_Memdump_sysmon_7_10.evtx", "", "T1003.001-lsass-memory", "lsass-access", detection.High},
	{"evtx/deepbluecli/sliver-security.evtx", "", "T1003.001-lsass-memory", "lsass-access", detection.Medium},
	{"evtx/to-mitre-attack/TA0006-Credential Access/T1003-Credential dumping/ID4663-Task Manager used to dump LSASS process.evtx", "", "T1003.001-lsass-memory", "lsass-access", detection.Medium},
	{"evtx/to-mitre-attack/TA0006-Credential Access/T1003-Credential dumping/ID11-Mimikatz LSA SSP clear text password exfiltration.evtx", "", "T1003.001-lsass-memory", "dump-trace", detection.High},
	{"jsonl/security-datasets/metasploit_procdump_lsass_memory_dump.zip", "windows/sysmon", "T1003.001-lsass-memory", "lsass-access", detection.High},
	{"jsonl/security-datasets/metasploit_procdump_lsass_memory_dump.zip", "windows/sysmon", "T1003.001-lsass-memory", "dump-command", detection.Critical},
	{"jsonl/security-datasets/metasploit_outflank-dumpert_lsass_memory_dump.zip", "windows/sysmon", "T1003.001-lsass-memory", "lsass-access", detection.Critical},
	{"sigma-regression/rules/windows/file/file_event/file_event_win_taskmgr_lsass_dump", "windows/sysmon", "T1003.001-lsass-memory", "dump-trace", detection.High},
	{"sigma-regression/rules/windows/process_creation/proc_creation_win_findstr_lsass", "windows/sysmon", "T1003.001-lsass-memory", "dump-command", detection.Medium},
	{"sigma-regression/rules/windows/process_creation/proc_creation_win_hktl_wsass", "windows/sysmon", "T1003.001-lsass-memory", "dump-command", detection.High},
	{"sigma-regression/rules/windows/process_creation/proc_creation_win_werfaultsecure_abuse", "windows/sysmon", "T1003.001-lsass-memory", "dump-command", detection.High},
	// Run keys and Startup folders.
	{"evtx/attack-samples/AutomatedTestingTools/PanacheSysmon_vs_AtomicRedTeam01.evtx", "", "T1547.001-run-keys", "run-key", detection.Critical},
	{"evtx/attack-samples/AutomatedTestingTools/PanacheSysmon_vs_AtomicRedTeam01.evtx", "", "T1547.001-run-keys", "run-key-command", detection.Medium},
	{"evtx/attack-samples/AutomatedTestingTools/PanacheSysmon_vs_AtomicRedTeam01.evtx", "", "T1547.001-run-keys", "startup-folder", detection.Medium},
	{"evtx/attack-samples/AutomatedTestingTools/Malware/sideloading_injection_persistence_run_key.evtx", "", "T1547.001-run-keys", "run-key", detection.Medium},
	{"evtx/attack-samples/AutomatedTestingTools/Malware/DE_timestomp_and_dll_sideloading_and_RunPersist.evtx", "", "T1547.001-run-keys", "run-key", detection.High},
	{"evtx/attack-samples/Persistence/sysmon_13_1_persistence_via_winlogon_shell.evtx", "", "T1547.001-run-keys", "run-key", detection.High},
	{"evtx/attack-samples/Lateral Movement/wmi_remote_registry_sysmon.evtx", "", "T1547.001-run-keys", "run-key", detection.High},
	{"evtx/attack-samples/Defense Evasion/sysmon_2_11_evasion_timestomp_MACE.evtx", "", "T1547.001-run-keys", "startup-folder", detection.High},
	{"jsonl/security-datasets/psh_mshta_html_application_execution.zip", "windows/sysmon", "T1547.001-run-keys", "startup-folder", detection.High},
	// What was fetched.
	{"evtx/attack-samples/AutomatedTestingTools/PanacheSysmon_vs_AtomicRedTeam01.evtx", "", "T1105-ingress-tool-transfer", "transfer-line", detection.High}, // bitsadmin, msxsl, regsvr32 of raw.githubusercontent.com
	{"evtx/attack-samples/AutomatedTestingTools/PanacheSysmon_vs_AtomicRedTeam01.evtx", "", "T1105-ingress-tool-transfer", "transfer-network", detection.Medium},
	{"evtx/attack-samples/Execution/sysmon_11_1_lolbas_downldr_desktopimgdownldr.evtx", "", "T1105-ingress-tool-transfer", "transfer-line", detection.Medium},
	{"evtx/attack-samples/Execution/windows_bits_4_59_60_lolbas desktopimgdownldr.evtx", "", "T1105-ingress-tool-transfer", "bits-job", detection.Medium},
	{"evtx/attack-samples/Execution/sysmon_exec_from_vss_persistence.evtx", "", "T1105-ingress-tool-transfer", "transfer-file", detection.High},
	{"evtx/to-mitre-attack/TA0003-Persistence/T1197-BITS jobs/ID4688-BITS transfer initiated.evtx", "", "T1105-ingress-tool-transfer", "transfer-line", detection.Medium},
	// Rundll32.
	{"evtx/attack-samples/AutomatedTestingTools/Malware/rundll32_hollowing_wermgr_masquerading.evtx", "", "T1218.011-rundll32", "rundll32-child", detection.High},
	{"evtx/attack-samples/AutomatedTestingTools/Malware/sideloading_uacbypass_rundll32_injection_c2.evtx", "", "T1218.011-rundll32", "rundll32-line", detection.High}, // nothing, under a program of a profile
	{"evtx/attack-samples/Credential Access/sysmon_10_11_outlfank_dumpert_and_andrewspecial_memdump.evtx", "", "T1218.011-rundll32", "rundll32-line", detection.High},
	{"evtx/attack-samples/Credential Access/sysmon_10_11_outlfank_dumpert_and_andrewspecial_memdump.evtx", "", "T1218.011-rundll32", "rundll32-writes", detection.Medium},
	{"evtx/attack-samples/Credential Access/sysmon_10_1_memdump_comsvcs_minidump.evtx", "", "T1218.011-rundll32", "rundll32-line", detection.High},
	{"evtx/attack-samples/Execution/Sysmon_meterpreter_ReflectivePEInjection_to_notepad_.evtx", "", "T1218.011-rundll32", "rundll32-line", detection.Medium},
	{"evtx/attack-samples/Execution/exec_sysmon_1_11_lolbin_rundll32_shdocvw_openurl.evtx", "", "T1218.011-rundll32", "rundll32-line", detection.Medium},
	{"evtx/attack-samples/Execution/exec_sysmon_1_11_lolbin_rundll32_zipfldr_RouteTheCall.evtx", "", "T1218.011-rundll32", "rundll32-line", detection.Medium},
	{"evtx/attack-samples/Execution/sysmon_lolbas_rundll32_zipfldr_routethecall_shell.evtx", "", "T1218.011-rundll32", "rundll32-child", detection.High},
	{"evtx/attack-samples/Lateral Movement/lm_remote_registry_sysmon_1_13_3.evtx", "", "T1218.011-rundll32", "rundll32-planted", detection.Medium}, // a service's library, written from another host
	{"evtx/attack-samples/Lateral Movement/wmi_remote_registry_sysmon.evtx", "", "T1218.011-rundll32", "rundll32-planted", detection.Medium},
	{"evtx/deepbluecli/metasploit-psexec-native-target-security.evtx", "", "T1218.011-rundll32", "rundll32-line", detection.Medium},
}

// Every package that claims a technique finds it in recordings of real hosts, too.
func TestPackagesFindWhatWasRecorded(t *testing.T) {
	pkgs, errs := detection.Load(packages.FS, "packages")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for _, r := range recordings {
		t.Run(r.detector+"/"+r.file, func(t *testing.T) {
			file := shared(t, r.file)
			for _, p := range pkgs {
				d := p.Detection(r.detector)
				if d == nil || path.Base(p.Dir) != r.pkg {
					continue
				}
				n, strongest := 0, detection.Informational
				for _, row := range rowsOver(t, d.Query, r.category, file) {
					var m map[string]any
					if err := json.Unmarshal([]byte(row), &m); err != nil {
						t.Fatal(err)
					}
					var score int
					if _, err := fmt.Sscan(fmt.Sprint(m[d.Score.Field]), &score); err != nil {
						t.Fatalf("the score %v is no number", m[d.Score.Field])
					}
					n++
					strongest = max(strongest, d.SeverityOf(score))
				}
				if n == 0 || strongest < r.least {
					t.Errorf("of %d findings the strongest is %v, want %v or more", n, strongest, r.least)
				}
				return
			}
			t.Fatalf("there is no detection %s in %s", r.detector, r.pkg)
		})
	}
}
