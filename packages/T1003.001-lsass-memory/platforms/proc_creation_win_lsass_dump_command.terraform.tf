# Command Dumps Lsass Or Takes Away What Protects It
# Sigma rule 4b6f0c9e-0d6d-4c3f-9a3c-6f1d2c7e8a02, level high
resource "sumologic_cse_match_rule" "command_dumps_lsass_or_takes_away_what_protects_it" {
  name                   = "Command Dumps Lsass Or Takes Away What Protects It"
  enabled                = true
  expression             = <<-E
    metadata_deviceEventId IN ('Microsoft-Windows-Sysmon/Operational-1', 'Security-4688') AND ((metadata_deviceEventId = 'Microsoft-Windows-Sysmon/Operational-1' AND (((lower(commandLine) LIKE '%comsvcs%' OR lower(commandLine) LIKE '%minidump%') AND (lower(commandLine) LIKE '% full%' OR lower(commandLine) LIKE '%#24%' OR lower(commandLine) LIKE '%#+%')) OR (lower(commandLine) LIKE '%lsass%' AND (lower(baseImage) LIKE '%\procdump.exe' OR lower(baseImage) LIKE '%\procdump64.exe' OR lower(baseImage) LIKE '%\createdump.exe' OR lower(baseImage) LIKE '%\adplus.exe' OR lower(baseImage) LIKE '%\cdb.exe' OR lower(baseImage) LIKE '%\dump64.exe')) OR (lower(fields['EventData.OriginalFileName']) = 'procdump' AND NOT (lower(baseImage) LIKE '%\procdump.exe' OR lower(baseImage) LIKE '%\procdump64.exe')) OR lower(commandLine) LIKE '%/fullmemdmp%' OR lower(commandLine) LIKE '%-dumpfull%' OR lower(commandLine) LIKE '%sekurlsa%' OR lower(commandLine) LIKE '%privilege::debug%' OR lower(commandLine) LIKE '%lsadump::%' OR lower(commandLine) LIKE '%pypykatz%' OR lower(commandLine) LIKE '%silentprocessexit\lsass.exe%')) OR (metadata_deviceEventId = 'Security-4688' AND (((lower(commandLine) LIKE '%comsvcs%' OR lower(commandLine) LIKE '%minidump%') AND (lower(commandLine) LIKE '% full%' OR lower(commandLine) LIKE '%#24%' OR lower(commandLine) LIKE '%#+%')) OR (lower(commandLine) LIKE '%lsass%' AND (lower(baseImage) LIKE '%\procdump.exe' OR lower(baseImage) LIKE '%\procdump64.exe' OR lower(baseImage) LIKE '%\createdump.exe' OR lower(baseImage) LIKE '%\adplus.exe' OR lower(baseImage) LIKE '%\cdb.exe' OR lower(baseImage) LIKE '%\dump64.exe')) OR lower(commandLine) LIKE '%/fullmemdmp%' OR lower(commandLine) LIKE '%-dumpfull%' OR lower(commandLine) LIKE '%sekurlsa%' OR lower(commandLine) LIKE '%privilege::debug%' OR lower(commandLine) LIKE '%lsadump::%' OR lower(commandLine) LIKE '%pypykatz%' OR lower(commandLine) LIKE '%silentprocessexit\lsass.exe%')))
  E
  entity_selectors {
    entity_type = "_hostname"
    expression  = "device_hostname"
  }
  entity_selectors {
    entity_type = "_username"
    expression  = "user_username"
  }
  name_expression        = "Command Dumps Lsass Or Takes Away What Protects It"
  summary_expression     = "{{baseImage}} on {{device_hostname}}"
  description_expression = "Detects command lines that dump the memory of lsass with programs of Windows and of development, the words of published tools, and changes of LSA's settings."
  severity_mapping {
    type    = "constant"
    default = 6
  }
  is_prototype            = true
  tags                    = ["_mitreAttackTactic:TA0006", "_mitreAttackTechnique:T1003.001"]
  suppression_window_size = 43200000
}
