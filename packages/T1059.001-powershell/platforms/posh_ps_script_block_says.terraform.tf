# Script Block Switches Off What Watches It Or Works In Memory
# Sigma rule 9b0a3a52-7d55-4d0b-8f0f-3b9a1c6a5e12, level high
resource "sumologic_cse_match_rule" "script_block_switches_off_what_watches_it_or_works_in_memory" {
  name                   = "Script Block Switches Off What Watches It Or Works In Memory"
  enabled                = true
  expression             = <<-E
    metadata_deviceEventId IN ('Microsoft-Windows-PowerShell/Operational-4104', 'PowerShellCore/Operational-4104') AND (lower(fields['EventData.ScriptBlockText']) LIKE '%amsiinitfailed%' OR lower(fields['EventData.ScriptBlockText']) LIKE '%amsiutils%' OR lower(fields['EventData.ScriptBlockText']) LIKE '%amsiscanbuffer%' OR lower(fields['EventData.ScriptBlockText']) LIKE '%cachedgrouppolicysettings%' OR lower(fields['EventData.ScriptBlockText']) LIKE '%psetwlogprovider%' OR lower(fields['EventData.ScriptBlockText']) LIKE '%getdelegateforfunctionpointer%' OR lower(fields['EventData.ScriptBlockText']) LIKE '%unsafenativemethods%' OR lower(fields['EventData.ScriptBlockText']) LIKE '%virtualalloc%' OR ((lower(fields['EventData.ScriptBlockText']) LIKE '%downloadstring%' OR lower(fields['EventData.ScriptBlockText']) LIKE '%downloaddata%' OR lower(fields['EventData.ScriptBlockText']) LIKE '%net.sockets.tcpclient%') AND (lower(fields['EventData.ScriptBlockText']) LIKE '%iex %' OR lower(fields['EventData.ScriptBlockText']) LIKE '%iex(%' OR lower(fields['EventData.ScriptBlockText']) LIKE '%invoke-expression%')) OR lower(fields['EventData.ScriptBlockText']) LIKE '%invoke-mimikatz%' OR lower(fields['EventData.ScriptBlockText']) LIKE '%invoke-bloodhound%' OR lower(fields['EventData.ScriptBlockText']) LIKE '%invoke-kerberoast%' OR lower(fields['EventData.ScriptBlockText']) LIKE '%invoke-allchecks%' OR lower(fields['EventData.ScriptBlockText']) LIKE '%invoke-shellcode%' OR lower(fields['EventData.ScriptBlockText']) LIKE '%out-minidump%' OR lower(fields['EventData.ScriptBlockText']) LIKE '%powercat%') AND NOT (fields['EventData.Path'] matches /(?is)^C:\\Program Files\\/ OR fields['EventData.Path'] matches /(?is)^C:\\Program Files \(x86\)\\/ OR fields['EventData.Path'] matches /(?is)^C:\\Windows\\system32\\WindowsPowerShell\\/) AND NOT (fields['EventData.ScriptBlockText'] matches /(?i)^\s*((set-executionpolicy|\[(system\.)?net\.servicepointmanager\]::securityprotocol|\$progresspreference)[a-z0-9 =.:'\[\]-]+; ?)*((iex|invoke-expression) ?(\\?"& ?\{ ?\$)?|& ?\(?\[scriptblock\]::create)?\({0,2}(irm|iwr|invoke-restmethod|invoke-webrequest|new-object (system\.)?net\.webclient\)\.downloadstring\()( -useb| -usebasicparsing| -uri)* ?(\\?["'])?(https:\/\/((community\.)?chocolatey\.org|bun\.sh|get\.pnpm\.io|astral\.sh\/(uv|ruff)(\/[0-9.]+)?|deno\.land|ohmyposh\.dev)\/install\.ps1|https:\/\/dot\.net\/v1\/dotnet-install\.ps1|https:\/\/aka\.ms\/install-powershell\.ps1|(https:\/\/)?get\.scoop\.sh|bun\.sh\/install\.ps1)(\\?["'])?( -useb| -usebasicparsing)?\){0,3}( ?\})?( ?\| ?(iex|invoke-expression))?( -[a-z]+( [a-z0-9.]+)?)*(\\?")?\s*$/)
  E
  entity_selectors {
    entity_type = "_hostname"
    expression  = "device_hostname"
  }
  entity_selectors {
    entity_type = "_username"
    expression  = "user_username"
  }
  name_expression        = "Script Block Switches Off What Watches It Or Works In Memory"
  summary_expression     = "{{baseImage}} on {{device_hostname}}"
  description_expression = "Detects code, as PowerShell logs it after it was decoded (4104), that switches off AMSI or logging, calls Windows by pointers, evaluates what it fetches, or is a published tool of attacks."
  severity_mapping {
    type    = "constant"
    default = 6
  }
  is_prototype            = true
  tags                    = ["_mitreAttackTactic:TA0002", "_mitreAttackTechnique:T1059.001"]
  suppression_window_size = 43200000
}
