# Browser Starts Script Host Or Living-Off-The-Land Binary
# Sigma rule 3f0c1c35-5b0e-4f6a-9b51-2a9a5d1f7e40, level high
resource "sumologic_cse_match_rule" "browser_starts_script_host_or_living_off_the_land_binary" {
  name                   = "Browser Starts Script Host Or Living-Off-The-Land Binary"
  enabled                = true
  expression             = <<-E
    metadata_deviceEventId IN ('Microsoft-Windows-Sysmon/Operational-1', 'Security-4688') AND (lower(parentBaseImage) LIKE '%\chrome.exe' OR lower(parentBaseImage) LIKE '%\msedge.exe' OR lower(parentBaseImage) LIKE '%\firefox.exe' OR lower(parentBaseImage) LIKE '%\iexplore.exe' OR lower(parentBaseImage) LIKE '%\opera.exe' OR lower(parentBaseImage) LIKE '%\brave.exe' OR lower(parentBaseImage) LIKE '%\vivaldi.exe' OR lower(parentBaseImage) LIKE '%\chromium.exe' OR lower(parentBaseImage) LIKE '%\browser.exe' OR lower(parentBaseImage) LIKE '%\msedgewebview2.exe' OR lower(parentBaseImage) LIKE '%\microsoftedge.exe' OR lower(parentBaseImage) LIKE '%\microsoftedgecp.exe' OR lower(parentBaseImage) LIKE '%\arc.exe' OR lower(parentBaseImage) LIKE '%\librewolf.exe' OR lower(parentBaseImage) LIKE '%\waterfox.exe' OR lower(parentBaseImage) LIKE '%\thorium.exe' OR lower(parentBaseImage) LIKE '%\whale.exe' OR lower(parentBaseImage) LIKE '%\seamonkey.exe' OR lower(parentBaseImage) LIKE '%\palemoon.exe' OR lower(parentBaseImage) LIKE '%\maxthon.exe' OR lower(parentBaseImage) LIKE '%\duckduckgo.exe' OR lower(parentBaseImage) LIKE '%\360chrome.exe' OR lower(parentBaseImage) LIKE '%\360se.exe' OR lower(parentBaseImage) LIKE '%\qqbrowser.exe' OR lower(parentBaseImage) LIKE '%\ucbrowser.exe' OR lower(parentBaseImage) LIKE '%\coccoc.exe' OR lower(parentBaseImage) LIKE '%\iridium.exe' OR parentBaseImage matches /(?is)\\comodo_dragon\.exe$/ OR lower(parentBaseImage) LIKE '%\slimjet.exe' OR lower(parentBaseImage) LIKE '%\epic.exe') AND (lower(baseImage) LIKE '%\powershell.exe' OR baseImage matches /(?is)\\powershell_ise\.exe$/ OR lower(baseImage) LIKE '%\pwsh.exe' OR lower(baseImage) LIKE '%\cmd.exe' OR lower(baseImage) LIKE '%\wscript.exe' OR lower(baseImage) LIKE '%\cscript.exe' OR lower(baseImage) LIKE '%\mshta.exe' OR lower(baseImage) LIKE '%\rundll32.exe' OR lower(baseImage) LIKE '%\regsvr32.exe' OR lower(baseImage) LIKE '%\certutil.exe' OR lower(baseImage) LIKE '%\certreq.exe' OR lower(baseImage) LIKE '%\bitsadmin.exe' OR lower(baseImage) LIKE '%\msiexec.exe' OR lower(baseImage) LIKE '%\wmic.exe' OR lower(baseImage) LIKE '%\msbuild.exe' OR lower(baseImage) LIKE '%\csc.exe' OR lower(baseImage) LIKE '%\vbc.exe' OR lower(baseImage) LIKE '%\jsc.exe' OR lower(baseImage) LIKE '%\installutil.exe' OR lower(baseImage) LIKE '%\regasm.exe' OR lower(baseImage) LIKE '%\regsvcs.exe' OR lower(baseImage) LIKE '%\odbcconf.exe' OR lower(baseImage) LIKE '%\forfiles.exe' OR lower(baseImage) LIKE '%\pcalua.exe' OR lower(baseImage) LIKE '%\cmstp.exe' OR lower(baseImage) LIKE '%\msdt.exe' OR lower(baseImage) LIKE '%\hh.exe' OR lower(baseImage) LIKE '%\presentationhost.exe' OR lower(baseImage) LIKE '%\ieexec.exe' OR lower(baseImage) LIKE '%\mavinject.exe' OR lower(baseImage) LIKE '%\xwizard.exe' OR lower(baseImage) LIKE '%\scriptrunner.exe' OR lower(baseImage) LIKE '%\bash.exe' OR lower(baseImage) LIKE '%\wsl.exe' OR lower(baseImage) LIKE '%\curl.exe' OR lower(baseImage) LIKE '%\finger.exe' OR lower(baseImage) LIKE '%\desktopimgdownldr.exe' OR lower(baseImage) LIKE '%\conhost.exe' OR lower(fields['EventData.OriginalFileName']) IN ('powershell.exe', 'powershell_ise.exe', 'pwsh.dll', 'cmd.exe', 'wscript.exe', 'cscript.exe', 'mshta.exe', 'rundll32.exe', 'regsvr32.exe', 'certutil.exe', 'certreq.exe', 'bitsadmin.exe', 'msiexec.exe', 'wmic.exe', 'msbuild.exe', 'csc.exe', 'vbc.exe', 'jsc.exe', 'installutil.exe', 'regasm.exe', 'regsvcs.exe', 'odbcconf.exe', 'forfiles.exe', 'pcalua.exe', 'cmstp.exe', 'msdt.exe', 'hh.exe', 'presentationhost.exe', 'ieexec.exe', 'mavinject.exe', 'xwizard.exe', 'scriptrunner.exe', 'bash.exe', 'wsl.exe', 'curl.exe', 'finger.exe', 'desktopimgdownldr.exe', 'conhost.exe'))
  E
  entity_selectors {
    entity_type = "_hostname"
    expression  = "device_hostname"
  }
  entity_selectors {
    entity_type = "_username"
    expression  = "user_username"
  }
  name_expression        = "Browser Starts Script Host Or Living-Off-The-Land Binary"
  summary_expression     = "{{baseImage}} on {{device_hostname}}"
  description_expression = "Detects a web browser that starts a script interpreter or another Windows program which runs or fetches code, as happens after a user opens a malicious link. Renamed programs are known by their original file name."
  severity_mapping {
    type    = "constant"
    default = 6
  }
  is_prototype            = true
  tags                    = ["_mitreAttackTactic:TA0002", "_mitreAttackTechnique:T1204.001"]
  suppression_window_size = 43200000
}
