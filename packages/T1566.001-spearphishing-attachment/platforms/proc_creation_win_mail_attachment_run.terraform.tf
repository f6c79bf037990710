# Attachment That Runs Code Is Opened Out Of A Mail
# Sigma rule 9e4a1c77-2c53-4e0a-8b0e-3f6d2a9b7c40, level high
resource "sumologic_cse_match_rule" "attachment_that_runs_code_is_opened_out_of_a_mail" {
  name                   = "Attachment That Runs Code Is Opened Out Of A Mail"
  enabled                = true
  expression             = <<-E
    metadata_deviceEventId IN ('Microsoft-Windows-Sysmon/Operational-1', 'Security-4688') AND (((commandLine matches /(?is)\\Content\.Outlook\\/ OR commandLine matches /(?is)\\Olk\\Attachments\\/ OR commandLine matches /(?is)\\LocalState\\Files\\S0\\/ OR commandLine matches /(?is)\\mozilla-temp-files\\/ OR commandLine matches /(?is)\\eM Client temporary files\\/ OR commandLine matches /(?i)\\(temporary internet files\\olk[0-9a-f]{1,4}|temp\\notes[0-9a-f]{6})\\/) AND commandLine matches /(?i)\\(content\.outlook|olk[0-9a-f]{1,4}|attachments|s0|mozilla-temp-files|em client temporary files|notes[0-9a-f]{6})\\.*\.(exe|com|scr|pif|cpl|dll|msi|ps1|bat|cmd|vbs|vbe|js|jse|wsf|hta|lnk|url|iso|img|vhdx?|chm|jar|msc|one|xll|wll|ppam|iqy|slk|rdp|mht|mhtml|library-ms|search-ms)([" ,&]|$)/) OR baseImage matches /(?is)\\Content\.Outlook\\/ OR baseImage matches /(?is)\\Olk\\Attachments\\/ OR baseImage matches /(?is)\\LocalState\\Files\\S0\\/ OR baseImage matches /(?is)\\mozilla-temp-files\\/ OR baseImage matches /(?is)\\eM Client temporary files\\/) AND NOT (lower(baseImage) LIKE '%\notepad.exe' OR lower(baseImage) LIKE '%\notepad++.exe' OR lower(baseImage) LIKE '%\code.exe') AND NOT (baseImage matches /(?i)^c:\\program files( \(x86\))?\\(jetbrains\\[a-z0-9][a-z0-9 .-]*[a-z0-9]\\bin\\(pycharm|webstorm|idea|rider|phpstorm|clion|goland|datagrip|rubymine)64|microsoft visual studio\\20[0-9]{2}\\[a-z]+\\common7\\ide\\devenv|emeditor\\emeditor|textpad [0-9]\\textpad|beyond compare [0-9]\\bcompare)\.exe$/ AND commandLine matches /(?i)^"?c:\\program files( \(x86\))?\\(jetbrains\\[a-z0-9][a-z0-9 .-]*[a-z0-9]\\bin\\(pycharm|webstorm|idea|rider|phpstorm|clion|goland|datagrip|rubymine)64|microsoft visual studio\\20[0-9]{2}\\[a-z]+\\common7\\ide\\devenv|emeditor\\emeditor|textpad [0-9]\\textpad|beyond compare [0-9]\\bcompare)\.exe"? "?c:\\users\\[^\\\/:*?"<>|%!$~^. ]+\\appdata\\local\\microsoft\\windows\\inetcache\\content\.outlook\\[a-z0-9]{8}\\[^\\\/:*?"<>|%!$~^.]+\.(py|ps1|psm1|js|bat|cmd|vbs|reg|inf)"?$/)
  E
  entity_selectors {
    entity_type = "_hostname"
    expression  = "device_hostname"
  }
  entity_selectors {
    entity_type = "_username"
    expression  = "user_username"
  }
  name_expression        = "Attachment That Runs Code Is Opened Out Of A Mail"
  summary_expression     = "{{baseImage}} on {{device_hostname}}"
  description_expression = "Detects a file that runs code, started from where mail programs put attachments that are opened."
  severity_mapping {
    type    = "constant"
    default = 6
  }
  is_prototype            = true
  tags                    = ["_mitreAttackTactic:TA0001", "_mitreAttackTechnique:T1566.001"]
  suppression_window_size = 43200000
}
