# Unusual Program May Read The Memory Of Lsass
# Sigma rule 4b6f0c9e-0d6d-4c3f-9a3c-6f1d2c7e8a01, level high
resource "sumologic_cse_match_rule" "unusual_program_may_read_the_memory_of_lsass" {
  name                   = "Unusual Program May Read The Memory Of Lsass"
  enabled                = true
  expression             = <<-E
    metadata_deviceEventId = 'Microsoft-Windows-Sysmon/Operational-10' AND lower(fields['EventData.TargetImage']) LIKE '%\lsass.exe' AND fields['EventData.GrantedAccess'] matches /(?i)^0x[0-9a-f]*[13-9a-f][0-9a-f]$/ AND (fields['EventData.SourceImage'] matches /(?is):\\Users\\/ OR fields['EventData.SourceImage'] matches /(?is):\\Temp\\/ OR fields['EventData.SourceImage'] matches /(?is):\\PerfLogs\\/ OR fields['EventData.SourceImage'] matches /(?is):\\Windows\\Temp\\/ OR fields['EventData.SourceImage'] matches /(?is):\\Windows\\Tasks\\/ OR fields['EventData.SourceImage'] matches /(?is):\\\$Recycle\.Bin\\/ OR fields['EventData.SourceImage'] matches /(?is)\\AppData\\/ OR lower(fields['EventData.SourceImage']) LIKE '%\powershell.exe' OR lower(fields['EventData.SourceImage']) LIKE '%\pwsh.exe' OR lower(fields['EventData.SourceImage']) LIKE '%\cmd.exe' OR lower(fields['EventData.SourceImage']) LIKE '%\wscript.exe' OR lower(fields['EventData.SourceImage']) LIKE '%\cscript.exe' OR lower(fields['EventData.SourceImage']) LIKE '%\mshta.exe' OR lower(fields['EventData.SourceImage']) LIKE '%\rundll32.exe' OR lower(fields['EventData.SourceImage']) LIKE '%\regsvr32.exe' OR lower(fields['EventData.SourceImage']) LIKE '%\msbuild.exe' OR lower(fields['EventData.SourceImage']) LIKE '%\installutil.exe' OR lower(fields['EventData.SourceImage']) LIKE '%\python.exe' OR lower(fields['EventData.SourceImage']) LIKE '%\notepad.exe' OR lower(fields['EventData.SourceImage']) LIKE '%\spoolsv.exe' OR lower(fields['EventData.SourceImage']) LIKE '%\procdump.exe' OR lower(fields['EventData.SourceImage']) LIKE '%\procdump64.exe' OR lower(fields['EventData.SourceImage']) LIKE '%\rdrleakdiag.exe' OR lower(fields['EventData.SourceImage']) LIKE '%\werfaultsecure.exe' OR lower(fields['EventData.CallTrace']) LIKE '%dbgcore.dll%' OR lower(fields['EventData.CallTrace']) LIKE '%dbghelp.dll%' OR lower(fields['EventData.CallTrace']) LIKE '%comsvcs.dll%' OR lower(fields['EventData.CallTrace']) LIKE '%seclogon.dll%') AND NOT (fields['EventData.SourceImage'] matches /(?i)^c:\\(users\\[^\\]+\\(downloads|desktop|appdata\\local\\temp)|tools|sysinternals)(\\[^\\:]+)*\\(procexp|procexp64|procmon|procmon64)\.exe$/ AND fields['EventData.GrantedAccess'] matches /(?i)^0x(1410|1400|1000|1478)$/ AND fields['EventData.CallTrace'] matches /(?i)^c:\\windows\\system32\\ntdll\.dll\+[0-9a-f]+\|c:\\windows\\system32\\(kernelbase|kernel32)\.dll\+[0-9a-f]+\|c:\\[^|(]+\.exe\+[0-9a-f]+(\|[^|(]*)*$/)
  E
  entity_selectors {
    entity_type = "_hostname"
    expression  = "device_hostname"
  }
  entity_selectors {
    entity_type = "_username"
    expression  = "user_username"
  }
  name_expression        = "Unusual Program May Read The Memory Of Lsass"
  summary_expression     = "{{baseImage}} on {{device_hostname}}"
  description_expression = "Detects a program in a folder that users write, a script host or a tool that writes dumps, which opens lsass.exe with the right to read its memory, to copy a handle or to fork it; and any way to it through the libraries that write dumps or the logon service that leaks handles."
  severity_mapping {
    type    = "constant"
    default = 6
  }
  is_prototype            = true
  tags                    = ["_mitreAttackTactic:TA0006", "_mitreAttackTechnique:T1003.001"]
  suppression_window_size = 43200000
}
