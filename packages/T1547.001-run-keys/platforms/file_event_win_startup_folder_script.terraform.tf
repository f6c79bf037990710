# Script Or Program Appears In A Startup Folder
# Sigma rule 1d8c7a44-6a3b-4c1e-8b58-7f4d2f6a9b32, level medium
resource "sumologic_cse_match_rule" "script_or_program_appears_in_a_startup_folder" {
  name                   = "Script Or Program Appears In A Startup Folder"
  enabled                = true
  expression             = <<-E
    metadata_deviceEventId = 'Microsoft-Windows-Sysmon/Operational-11' AND file_path matches /(?is)\\Start Menu\\Programs\\Startup\\/ AND (lower(file_path) LIKE '%.exe' OR lower(file_path) LIKE '%.scr' OR lower(file_path) LIKE '%.bat' OR lower(file_path) LIKE '%.cmd' OR lower(file_path) LIKE '%.vbs' OR lower(file_path) LIKE '%.vbe' OR lower(file_path) LIKE '%.js' OR lower(file_path) LIKE '%.jse' OR lower(file_path) LIKE '%.wsf' OR lower(file_path) LIKE '%.hta' OR lower(file_path) LIKE '%.ps1' OR lower(file_path) LIKE '%.dll' OR lower(file_path) LIKE '%.url')
  E
  entity_selectors {
    entity_type = "_hostname"
    expression  = "device_hostname"
  }
  entity_selectors {
    entity_type = "_username"
    expression  = "user_username"
  }
  name_expression        = "Script Or Program Appears In A Startup Folder"
  summary_expression     = "{{baseImage}} on {{device_hostname}}"
  description_expression = "Detects a file that runs code in a Startup folder, where setups put shortcuts alone."
  severity_mapping {
    type    = "constant"
    default = 3
  }
  is_prototype            = true
  tags                    = ["_mitreAttackTactic:TA0003", "_mitreAttackTechnique:T1547.001"]
  suppression_window_size = 43200000
}
