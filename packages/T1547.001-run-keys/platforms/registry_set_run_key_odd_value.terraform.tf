# Run Key Keeps A Script Host Or A Program In A Folder That Users Write
# Sigma rule 1d8c7a44-6a3b-4c1e-8b58-7f4d2f6a9b31, level medium
resource "sumologic_cse_match_rule" "run_key_keeps_a_script_host_or_a_program_in_a_folder_that_users_write" {
  name                   = "Run Key Keeps A Script Host Or A Program In A Folder That Users Write"
  enabled                = true
  expression             = <<-E
    metadata_deviceEventId = 'Microsoft-Windows-Sysmon/Operational-13' AND (changeTarget matches /(?is)\\CurrentVersion\\Run\\/ OR changeTarget matches /(?is)\\CurrentVersion\\RunOnce\\/ OR changeTarget matches /(?is)\\CurrentVersion\\RunOnceEx\\/ OR changeTarget matches /(?is)\\CurrentVersion\\RunServices\\/ OR changeTarget matches /(?is)\\Policies\\Explorer\\Run\\/ OR lower(changeTarget) LIKE '%\windows nt\currentversion\windows\load%' OR lower(changeTarget) LIKE '%\windows nt\currentversion\windows\run%') AND (lower(resource) LIKE '%powershell%' OR lower(resource) LIKE '%pwsh%' OR lower(resource) LIKE '%wscript%' OR lower(resource) LIKE '%cscript%' OR lower(resource) LIKE '%mshta%' OR lower(resource) LIKE '%regsvr32%' OR lower(resource) LIKE '%forfiles%' OR lower(resource) LIKE '%conhost%' OR lower(resource) LIKE '%http://%' OR lower(resource) LIKE '%https://%' OR lower(resource) LIKE '%javascript:%' OR resource matches /(?is)\\DavWWWRoot\\/ OR resource matches /(?is)\\AppData\\Local\\Temp\\/ OR resource matches /(?is)\\Users\\Public\\/ OR resource matches /(?is)\\Windows\\Temp\\/ OR resource matches /(?is)\\PerfLogs\\/ OR resource matches /(?is)\\\$Recycle\.Bin\\/ OR resource matches /(?is)\\Downloads\\/ OR resource matches /(?is)\\Windows\\Fonts\\/) AND NOT (lower(resource) LIKE '%delnoderundll32%' OR resource matches /(?is)\\Package Cache\\/ OR resource matches /(?is)\\netlogon\\/ OR resource matches /(?is)\\sysvol\\/) AND NOT (baseImage matches /(?i)^c:\\windows\\(system32|syswow64)\\svchost\.exe$/ AND resource matches /(?i)^"?(c:\\windows\\(system32|syswow64)\\)?(wscript|cscript)(\.exe)?"?( \/\/(b|nologo))* "?\\\\[a-z0-9-]+(\.[a-z0-9-]+)*\.(example|local|lan|corp|internal)\\(netlogon|sysvol)(\\[a-z0-9{][a-z0-9_.{} -]*[a-z0-9}])+\.(vbs|js|wsf)"?$/)
  E
  entity_selectors {
    entity_type = "_hostname"
    expression  = "device_hostname"
  }
  entity_selectors {
    entity_type = "_username"
    expression  = "user_username"
  }
  name_expression        = "Run Key Keeps A Script Host Or A Program In A Folder That Users Write"
  summary_expression     = "{{baseImage}} on {{device_hostname}}"
  description_expression = "Detects a value of a Run key or of its rare kin that keeps a script host, an address, or a program in a temporary or public folder."
  severity_mapping {
    type    = "constant"
    default = 3
  }
  is_prototype            = true
  tags                    = ["_mitreAttackTactic:TA0003", "_mitreAttackTechnique:T1547.001"]
  suppression_window_size = 43200000
}
