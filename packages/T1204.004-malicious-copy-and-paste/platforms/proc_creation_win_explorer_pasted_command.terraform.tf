# Command That Fetches Or Hides Is Run From The Run Dialog Or An Address Bar
# Sigma rule 5d0c9a36-77a4-4a34-9c51-0a5b7f6f1e04, level high
resource "sumologic_cse_match_rule" "command_that_fetches_or_hides_is_run_from_the_run_dialog_or_an_address_bar" {
  name                   = "Command That Fetches Or Hides Is Run From The Run Dialog Or An Address Bar"
  enabled                = true
  expression             = <<-E
    metadata_deviceEventId IN ('Microsoft-Windows-Sysmon/Operational-1', 'Security-4688') AND lower(parentBaseImage) LIKE '%\explorer.exe' AND (lower(baseImage) LIKE '%\powershell.exe' OR lower(baseImage) LIKE '%\pwsh.exe' OR lower(baseImage) LIKE '%\cmd.exe' OR lower(baseImage) LIKE '%\mshta.exe' OR lower(baseImage) LIKE '%\conhost.exe' OR lower(baseImage) LIKE '%\curl.exe' OR lower(baseImage) LIKE '%\msiexec.exe' OR lower(baseImage) LIKE '%\rundll32.exe' OR lower(baseImage) LIKE '%\regsvr32.exe' OR lower(baseImage) LIKE '%\certutil.exe' OR lower(baseImage) LIKE '%\forfiles.exe' OR lower(baseImage) LIKE '%\finger.exe' OR lower(baseImage) LIKE '%\ssh.exe') AND (((lower(commandLine) LIKE '%http://%' OR lower(commandLine) LIKE '%https://%' OR lower(commandLine) LIKE '%iwr %' OR lower(commandLine) LIKE '%irm %' OR lower(commandLine) LIKE '%invoke-webrequest%' OR lower(commandLine) LIKE '%invoke-restmethod%' OR lower(commandLine) LIKE '%downloadstring%' OR lower(commandLine) LIKE '%downloadfile%' OR lower(commandLine) LIKE '%net.webclient%' OR lower(commandLine) LIKE '%curl %' OR lower(commandLine) LIKE '%finger %' OR lower(commandLine) LIKE '%\davwwwroot%' OR commandLine matches /(?is)@ssl\\/) AND (lower(baseImage) LIKE '%\mshta.exe' OR lower(baseImage) LIKE '%\msiexec.exe' OR lower(baseImage) LIKE '%\rundll32.exe' OR lower(baseImage) LIKE '%\regsvr32.exe' OR lower(baseImage) LIKE '%\finger.exe' OR lower(baseImage) LIKE '%\ssh.exe' OR lower(baseImage) LIKE '%\conhost.exe' OR lower(baseImage) LIKE '%\forfiles.exe' OR lower(commandLine) LIKE '%iex%' OR lower(commandLine) LIKE '%invoke-expression%' OR lower(commandLine) LIKE '%|%' OR lower(commandLine) LIKE '%&%' OR lower(commandLine) LIKE '%start %' OR lower(commandLine) LIKE '%start-process%' OR lower(commandLine) LIKE '%scriptblock%' OR lower(commandLine) LIKE '% -w h%' OR lower(commandLine) LIKE '% -w 1%' OR lower(commandLine) LIKE '%hidden%' OR commandLine matches /(?is)%temp%/ OR lower(commandLine) LIKE '%$env:temp%') AND NOT (lower(commandLine) LIKE '%http://localhost%' OR lower(commandLine) LIKE '%http://127.0.0.1%')) OR lower(commandLine) LIKE '%frombase64string%' OR lower(commandLine) LIKE '% -enc %' OR lower(commandLine) LIKE '% -e jab%' OR lower(commandLine) LIKE '% -ec %' OR lower(commandLine) LIKE '% -encodedcommand %' OR lower(commandLine) LIKE '%not a robot%' OR lower(commandLine) LIKE '%you are human%' OR lower(commandLine) LIKE '%captcha verif%' OR lower(commandLine) LIKE '%verification id%' OR lower(commandLine) LIKE '%verification uid%' OR lower(commandLine) LIKE '%cloudflare verif%' OR lower(commandLine) LIKE '%ray id%') AND NOT (baseImage matches /(?i)^(c:\\windows\\(system32|syswow64)\\windowspowershell\\v1\.0\\powershell|c:\\program files\\powershell\\7\\pwsh)\.exe$/ AND commandLine matches /(?i)^"?(c:\\windows\\(system32|syswow64)\\windowspowershell\\v1\.0\\|c:\\program files\\powershell\\7\\)?(powershell|pwsh)(\.exe)?"?( -(noprofile|nop|noninteractive|nologo|noexit|inputformat none|(executionpolicy|ep|ex) (bypass|unrestricted|remotesigned)( -scope process)?))*( -command| -c)? "?(& ?\{ ?)?((set-executionpolicy|\[(system\.)?net\.servicepointmanager\]::securityprotocol|\$progresspreference)[a-z0-9 =.:'\[\]-]+; ?)*((iex|invoke-expression) ?(\\?"& ?\{ ?\$)?|& ?\(?\[scriptblock\]::create)?\({0,2}(irm|iwr|invoke-restmethod|invoke-webrequest|new-object (system\.)?net\.webclient\)\.downloadstring\()( -useb| -usebasicparsing| -uri)* ?(\\?["'])?(https:\/\/((community\.)?chocolatey\.org|bun\.sh|get\.pnpm\.io|astral\.sh\/(uv|ruff)(\/[0-9.]+)?|deno\.land|ohmyposh\.dev)\/install\.ps1|https:\/\/dot\.net\/v1\/dotnet-install\.ps1|https:\/\/aka\.ms\/install-powershell\.ps1|(https:\/\/)?get\.scoop\.sh|bun\.sh\/install\.ps1)(\\?["'])?( -useb| -usebasicparsing)?\){0,3}( ?\})?( ?\| ?(iex|invoke-expression))?( -[a-z]+( [a-z0-9.]+)?)*(\\?")?( ?\})?"?$/)
  E
  entity_selectors {
    entity_type = "_hostname"
    expression  = "device_hostname"
  }
  entity_selectors {
    entity_type = "_username"
    expression  = "user_username"
  }
  name_expression        = "Command That Fetches Or Hides Is Run From The Run Dialog Or An Address Bar"
  summary_expression     = "{{baseImage}} on {{device_hostname}}"
  description_expression = "Detects a script host or downloader under explorer.exe whose command line fetches, hides or decodes, as it is pasted into the Run dialog or an address bar (ClickFix, FileFix)."
  severity_mapping {
    type    = "constant"
    default = 6
  }
  is_prototype            = true
  tags                    = ["_mitreAttackTactic:TA0002", "_mitreAttackTechnique:T1204.004"]
  suppression_window_size = 43200000
}
