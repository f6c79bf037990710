#!/usr/bin/env python3
"""day.py [--hosts N] [--seed N]: an ordinary day of a fleet, as Sysmon and Security events in JSON Lines.

No event of it is an attack. Command lines are those that products' public documentation, their own
update logs and detection rules' lists of false positives give; names of hosts, users and files are
made up. Each host has a role, and a role does each thing some times a day: a rate below one is the
chance that a host does it on that day. What is written is what detections of user execution look at
(processes, files, marks of the web, the registry's run lists, who opens lsass, script blocks,
what is kept for the next logon); the rest of a host's log is left out,
so that findings are counted per host and day and not per event.
"""
import argparse, base64, datetime, hashlib, json, random, re

S = r"C:\Windows\System32"; PF = r"C:\Program Files"; PX = r"C:\Program Files (x86)"
ROLES = {"office": 0.78, "developer": 0.12, "administrator": 0.04, "helpdesk": 0.02, "engineer": 0.04}
CHROME = PF + r"\Google\Chrome\Application\chrome.exe"; EDGE = PX + r"\Microsoft\Edge\Application\msedge.exe"; FOX = PF + r"\Mozilla Firefox\firefox.exe"
EXPLORER = r"C:\Windows\explorer.exe"; OUTLOOK = PF + r"\Microsoft Office\root\Office16\OUTLOOK.EXE"; OFFICE = PF + r"\Microsoft Office\root\Office16"
CMD = S + r"\cmd.exe"; PS = S + r"\WindowsPowerShell\v1.0\powershell.exe"; SVC = S + r"\svchost.exe"; RUN = S + r"\rundll32.exe"; MSI = S + r"\msiexec.exe"
CODE = r"C:\Users\{u}\AppData\Local\Programs\Microsoft VS Code\Code.exe"; NODE = PF + r"\nodejs\node.exe"; WT = PF + r"\WindowsApps\Microsoft.WindowsTerminal_1.20.11781.0_x64__8wekyb3d8bbwe\WindowsTerminal.exe"
TEAMS = PF + r"\WindowsApps\MSTeams_24124.2311.2896.3219_x64__8wekyb3d8bbwe\ms-teams.exe"; SLACK = r"C:\Users\{u}\AppData\Local\slack\app-4.39.95\slack.exe"
D = r"C:\Users\{u}\Downloads"; T = r"C:\Users\{u}\AppData\Local\Temp"
MSHTA = S + r"\mshta.exe"; CO = r"C:\Users\{u}\AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\A1B2C3D4"
ALL = "office developer administrator helpdesk engineer"

def pipes(helper, ext): return CMD + r' /d /s /c ""%s" chrome-extension://%s/ --parent-window=0" < \\.\pipe\chrome.nativeMessaging.in.{x} > \\.\pipe\chrome.nativeMessaging.out.{x}' % (helper, ext)

# What the version resource of a program on a stick or disc says of its maker, as Sysmon logs it; of others nothing is said.
COMPANY = {"viewer.exe": "CEWE Stiftung & Co. KGaA", "start.exe": "Schulbuchverlag Anadolu GmbH", "winscpportable.exe": "PortableApps.com"}
# (roles, times a day, parent, image, command line)
PROCESSES = [
    (ALL, 6, EXPLORER, CHROME, '"{i}"'), (ALL, 6, EXPLORER, EDGE, '"{i}" --profile-directory=Default'), (ALL, 9, CHROME, CHROME, '"{i}" --type=renderer --field-trial-handle=1718 /prefetch:1'),
    (ALL, 1, EXPLORER, OUTLOOK, '"{i}"'), (ALL, 3, OUTLOOK, EDGE, '"{i}" --single-argument https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fwww.vendor{n}.example%2Fnews'),
    (ALL, 0.3, OUTLOOK, EDGE, '"{i}" --single-argument https://bit.ly/3x{n}'), (ALL, 0.4, TEAMS, EDGE, '"{i}" --single-argument https://acme.sharepoint.com/sites/p{n}/Shared%20Documents/plan.pptx'),
    (ALL, 0.2, SLACK, CHROME, '"{i}" --single-argument https://docs.google.com/document/d/1a{n}/edit'), (ALL, 0.2, SLACK, CHROME, '"{i}" --single-argument https://www.dropbox.com/s/{n}/notes.pdf'),
    (ALL, 2, OUTLOOK, OFFICE + r"\WINWORD.EXE", r'"{i}" /n "C:\Users\{u}\AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\A1B2C3D4\Offer {n}.docx" /o ""'),
    (ALL, 2, OUTLOOK, PF + r"\Adobe\Acrobat DC\Acrobat\Acrobat.exe", r'"{i}" "C:\Users\{u}\AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\A1B2C3D4\Invoice {n}.pdf"'),
    (ALL, 2, EXPLORER, OFFICE + r"\EXCEL.EXE", r'"{i}" "C:\Users\{u}\Documents\Budget {n}.xlsx"'), (ALL, 1.5, EXPLORER, OFFICE + r"\EXCEL.EXE", '"{i}" "' + D + r'\export_{n}.csv"'),
    (ALL, 1.5, EXPLORER, PF + r"\Adobe\Acrobat DC\Acrobat\Acrobat.exe", '"{i}" "' + D + r'\Statement_{n}.pdf"'),
    (ALL, 1, EXPLORER, PF + r"\7-Zip\7zFM.exe", '"{i}" "' + D + r'\documents_{n}.zip"'), (ALL, 0.4, EXPLORER, PF + r"\7-Zip\7zG.exe", '"{i}" x -o"' + D + r'\files_{n}" -spe -slp- -an -ai#7zMap{n}:30:7zEvent{n}'),
    (ALL, 0.3, CHROME, PF + r"\Adobe\Acrobat DC\Acrobat\Acrobat.exe", '"{i}" "' + D + r'\form_{n}.pdf"'),
    (ALL, 0.5, OFFICE + r"\WINWORD.EXE", r"C:\Windows\splwow64.exe", "{i} 12288"), (ALL, 0.3, PF + r"\Adobe\Acrobat DC\Acrobat\Acrobat.exe", r"C:\Windows\splwow64.exe", "{i} 8192"),
    (ALL, 0.15, CHROME, RUN, r'"{i}" C:\WINDOWS\system32\spool\DRIVERS\x64\3\hpmsl1{n}.dll,MonitorPrintJobStatus /pjob={n} /pname "HP LaserJet"'),
    (ALL, 0.05, EXPLORER, RUN, r'rundll32.exe printui.dll,PrintUIEntry /in /n "\\print01\Floor{n}"'), (ALL, 0.02, EXPLORER, RUN, 'rundll32.exe shell32.dll,SHHelpShortcuts_RunDLL AddPrinter'),
    (ALL, 0.3, EXPLORER, RUN, r'"{i}" shell32.dll,Control_RunDLL mmsys.cpl,,playback'), (ALL, 0.1, EDGE, RUN, r'"{i}" C:\Windows\System32\shell32.dll,OpenAs_RunDLL ' + D + r'\scan_{n}.heic'),
    (ALL, 2, SVC, RUN, r'{i} C:\Windows\system32\PcaSvc.dll,PcaPatchSdbTask'), (ALL, 1, SVC, RUN, r'{i} C:\Windows\System32\Startupscan.dll,SusRunTask'), (ALL, 0.2, SVC, RUN, r'rundll32.exe C:\Windows\system32\davclnt.dll,DavSetCookie acme.sharepoint.com@SSL https://acme.sharepoint.com/sites/p{n}'),
    (ALL, 1.2, CHROME, CMD, pipes(PF + r"\1Password\app\8\1Password-BrowserSupport.exe", "aeblfdkhhhdcdjpifhhbdiojplfjncoa")), (ALL, 0.6, EDGE, CMD, pipes(PF + r"\Windows Security\BrowserCore\BrowserCore.exe", "ppnbnpeolgkicgegkbkbjmhlideopiji")),
    (ALL, 0.6, CHROME, CMD, pipes(PX + r"\Adobe\Acrobat DC\Acrobat\Browser\WCChromeExtn\WCChromeNativeMessagingHost.exe", "efaidnbmnnnibpcajpcglclefindmkaj")),
    (ALL, 0.3, CHROME, CMD, pipes(r"C:\Users\{u}\AppData\Roaming\Dashlane\6.2424.1.0\bin\DashlanePlugin.exe", "fdjamakpfbbddfjaooikfcpapjohcfmg")), (ALL, 0.3, EDGE, CMD, pipes(PF + r"\Bitwarden\desktop_proxy.exe", "jbkfoedolllekgbhcbcoahefnbanhhlh")),
    (ALL, 0.1, CHROME, CMD, pipes(PX + r"\Citrix\ICA Client\SelfServicePlugin\NativeMessaging\CWAWebHost.exe", "haiffjcadagjlijoggckpgfnoeiflnem")), (ALL, 0.1, FOX, PF + r"\KeePassXC\keepassxc-proxy.exe", r'"{i}" "C:\Users\{u}\AppData\Local\KeePassXC\org.keepassxc.keepassxc_browser_firefox.json" keepassxc-browser@keepassxc.org'),
    (ALL, 1, EDGE, r"C:\Users\{u}\AppData\Roaming\Zoom\bin\Zoom.exe", '"{i}" "--url=zoommtg://acme.zoom.us/join?action=join&confno={n}"'), (ALL, 0.6, EDGE, TEAMS, '"{i}" "msteams:/l/meetup-join/19%3ameeting_{n}"'), (ALL, 0.2, CHROME, r"C:\Users\{u}\AppData\Local\WebEx\WebexHost.exe", '"{i}" --protocol webex://meet?MTID=m{n}'),
    (ALL, 0.4, EDGE, OFFICE + r"\EXCEL.EXE", '"{i}" "ms-excel:ofe|u|https://acme-my.sharepoint.com/personal/{u}/Documents/b{n}.xlsx"'), (ALL, 0.2, EDGE, EXPLORER, r'"{i}" /select,"' + D + r'\report_{n}.pdf"'), (ALL, 0.1, EDGE, EXPLORER, r'"{i}" "\\acme.sharepoint.com@SSL\DavWWWRoot\sites\p{n}\Shared Documents"'),
    (ALL, 0.3, OUTLOOK, EXPLORER, r'"{i}" "\\fs01\projects\{n}"'), (ALL, 1, EXPLORER, EXPLORER, r'"{i}" \\fs01.corp.example\home$\{u}'),
    (ALL, 0.2, EDGE, PX + r"\Cisco\Cisco Secure Client\UI\csc_ui.exe", '"{i}" -minimized'), (ALL, 0.5, PX + r"\Cisco\Cisco Secure Client\UI\csc_ui.exe", PX + r"\Microsoft\EdgeWebView\Application\126.0.2592.81\msedgewebview2.exe", '"{i}" --embedded-browser-webview=1 --webview-exe-name=acwebhelper.exe'),
    (ALL, 0.3, EDGE, PF + r"\Palo Alto Networks\GlobalProtect\PanGPA.exe", '"{i}" globalprotectcallback:cas-as=1&un={u}'), (ALL, 0.05, EDGE, S + r"\mstsc.exe", r'"{i}" "' + D + r'\cpub-SAPGUI-QuickSessionCollection-CmsRdsh ({n}).rdp"'), (ALL, 0.1, EDGE, PX + r"\Citrix\ICA Client\wfcrun32.exe", '"{i}" "' + D + r'\Q{n}.ica"'),
    (ALL, 0.5, SVC, PX + r"\Google\Update\GoogleUpdate.exe", '"{i}" /ua /installsource scheduler'), (ALL, 0.5, SVC, PX + r"\Microsoft\EdgeUpdate\MicrosoftEdgeUpdate.exe", '"{i}" /ua /installsource scheduler'), (ALL, 0.2, CHROME, PF + r"\Google\Chrome\Application\126.0.6478.127\Installer\setup.exe", '"{i}" --rename-chrome-exe --system-level --verbose-logging'),
    (ALL, 0.1, FOX, PF + r"\Mozilla Firefox\updater.exe", r'"{i}" C:\ProgramData\Mozilla-1de4eec8-1241-4177-a864-e594e8d1fb38\updates\308046B0AF4A39CB\updates\0'), (ALL, 0.3, FOX, PF + r"\Mozilla Firefox\pingsender.exe", '"{i}" https://incoming.telemetry.mozilla.org/submit/telemetry/{n}'), (ALL, 0.1, r"C:\Users\{u}\AppData\Roaming\Zoom\bin\Zoom.exe", r"C:\Users\{u}\AppData\Roaming\Zoom\bin\Installer.exe", '"{i}" ZInstaller'),
    (ALL, 0.1, SLACK, r"C:\Users\{u}\AppData\Local\slack\Update.exe", '"{i}" --update https://slack.com/desktop/update/windows_x64'), (ALL, 0.1, SLACK, CMD, r'C:\WINDOWS\system32\cmd.exe /d /s /c "C:\Windows\System32\reg.exe query HKCU\Software\Microsoft\Windows\CurrentVersion\Themes\Personalize /v AppsUseLightTheme"'), (ALL, 0.05, r"C:\Users\{u}\AppData\Local\Microsoft\Teams\current\Teams.exe", S + r"\regsvr32.exe", r'"{i}" /s /n /i:user "C:\Users\{u}\AppData\Local\Microsoft\TeamsMeetingAddin\1.24.1{n}\x64\Microsoft.Teams.AddinLoader.dll"'),
    (ALL, 1, PX + r"\Microsoft Intune Management Extension\AgentExecutor.exe", PS, r'"powershell.exe" -NoProfile -executionPolicy bypass -file  "C:\Program Files (x86)\Microsoft Intune Management Extension\Content\DetectionScripts\{n}.ps1"'), (ALL, 0.3, r"C:\Windows\CCM\CcmExec.exe", CMD, r'"C:\Windows\system32\cmd.exe" /c "C:\Windows\ccmcache\{n}\install.cmd"'), (ALL, 0.3, r"C:\Windows\CCM\CcmExec.exe", MSI, r'"C:\Windows\system32\msiexec.exe" /i "C:\Windows\ccmcache\{n}\agent.msi" /qn REBOOT=ReallySuppress'),
    (ALL, 0.5, S + r"\wbem\WmiPrvSE.exe", PS, r"{i} -NoLogo -Noninteractive -NoProfile -ExecutionPolicy Bypass & 'C:\WINDOWS\CCM\SystemTemp\{n}.ps1'"), (ALL, 1, S + r"\gpscript.exe", CMD, r'{i} /c "\\corp.example\SysVol\corp.example\Policies\{{6AC1786C-016F-11D2-945F-00C04FB984F9}}\User\Scripts\Logon\logon.bat"'), (ALL, 1, S + r"\userinit.exe", S + r"\wscript.exe", r'wscript.exe \\corp.example\netlogon\drives.vbs'),
    (ALL, 0.3, S + r"\wscript.exe", CMD, r'cmd /c net use H: \\fs01\home$\{u} /persistent:yes'), (ALL, 0.2, SVC, S + r"\wscript.exe", r'wscript.exe "C:\ProgramData\Acme\inventory.vbs"'), (ALL, 0.5, SVC, PS, r'powershell.exe -NoProfile -WindowStyle Hidden -ExecutionPolicy Bypass -File "C:\ProgramData\Acme\report.ps1"'),
    (ALL, 0.1, SVC, MSI, r"{i} /V"), (ALL, 0.3, SVC, S + r"\sdiagnhost.exe", "{i} -Embedding"), (ALL, 0.3, S + r"\sdiagnhost.exe", S + r"\conhost.exe", r"\??\C:\Windows\system32\conhost.exe 0xffffffff -ForceV1"),
    (ALL, 0.05, EXPLORER, D + r"\ZoomInstallerFull.exe", '"{i}"'), (ALL, 0.03, EXPLORER, D + r"\TeamViewerQS.exe", '"{i}"'), (ALL, 0.03, CHROME, D + r"\WebexApp_{n}.exe", '"{i}"'), (ALL, 0.02, EXPLORER, MSI, '"{i}" /i "' + D + r'\AcroRdrDC{n}_de_DE.msi" '), (ALL, 0.01, EDGE, MSI, '"{i}" /i "' + D + r'\GoogleChromeStandaloneEnterprise64.msi" '), (ALL, 0.02, EXPLORER, r"D:\setup.exe", '"{i}"'), (ALL, 0.02, EXPLORER, r"\\fs01\Software\Client\setup.exe", '"{i}"'),
    (ALL, 0.02, EXPLORER, r"E:\Start.exe", '"{i}"'), (ALL, 0.01, EXPLORER, T + r"\Temp1_Driver_{n}.zip\Setup.exe", '"{i}"'), (ALL, 0.2, EXPLORER, CMD, r'{i} /c ""H:\tools\start.bat" "'), (ALL, 0.1, EXPLORER, CMD, r'{i} /c ""C:\Users\{u}\Desktop\map.bat" "'),
    # HTML applications: printers' software, a site's own on shares, deployment, messages of batch files.
    (ALL, 0.03, EXPLORER, MSHTA, r'"{i}" "C:\Program Files (x86)\HP\HP Deskjet 3050A J611 series\Bin\HPSolutionsPortal.hta" {{1E460BD7-F1C3-4B2E-88BF-4E770A288AF5}}{{1E460BD7-F1C3-4B2E-88BF-4E770A288AF5}}'), (ALL, 0.2, CMD, MSHTA, r'mshta.exe \\corp.example\netlogon\motd.hta'), (ALL, 0.05, EXPLORER, MSHTA, r'"{i}" "\\fs01\apps\phonebook.hta" {{1E460BD7-F1C3-4B2E-88BF-4E770A288AF5}}{{1E460BD7-F1C3-4B2E-88BF-4E770A288AF5}}'),
    (ALL, 0.02, r"C:\Windows\CCM\CcmExec.exe", MSHTA, r'"{i}" "C:\Windows\ccmcache\{n}\Notify.hta"'), (ALL, 0.01, CMD, MSHTA, "mshta vbscript:msgbox(\"Backup {n} finished\",64,\"IT\")(window.close)"), (ALL, 0.02, EXPLORER, MSHTA, r'"{i}" "H:\apps\orders\orders.hta" {{1E460BD7-F1C3-4B2E-88BF-4E770A288AF5}}{{1E460BD7-F1C3-4B2E-88BF-4E770A288AF5}}'),
    ("helpdesk", 1, MSHTA, S + r"\mstsc.exe", "mstsc.exe /v:WKS-{n}"), ("helpdesk", 1, MSHTA, CMD, "cmd /k ping WKS-{n}"), (ALL, 0.02, MSHTA, EDGE, '"{i}" --single-argument https://support.hp.com/'),
    # What mail brings: documents with macros, pages, certificates, archives; what documents start.
    (ALL, 0.05, OUTLOOK, OFFICE + r"\EXCEL.EXE", '"{i}" "' + CO + r'\Forecast {n}.xlsm"'), (ALL, 0.03, OUTLOOK, EDGE, '"{i}" --single-argument ' + CO + r'\securedoc_20260303T{n}.html'), (ALL, 0.02, OUTLOOK, EDGE, '"{i}" --single-argument ' + CO + r'\report{n}.html'), (ALL, 0.2, OUTLOOK, PF + r"\7-Zip\7zFM.exe", '"{i}" "' + CO + r'\docs{n}.zip"'),
    (ALL, 0.01, OUTLOOK, RUN, r'"{i}" cryptext.dll,CryptExtOpenCER ' + CO + r'\root{n}.cer'), (ALL, 0.1, OUTLOOK, EDGE, '"{i}" --single-argument https://files.supplier{n}.example/catalog.zip'), (ALL, 0.05, OUTLOOK, EDGE, '"{i}" --single-argument https://zoom.us/client/latest/ZoomInstaller.exe'), (ALL, 0.03, OUTLOOK, S + r"\regsvr32.exe", r'"{i}" /s /n /i:user "C:\Users\{u}\AppData\Local\Microsoft\TeamsMeetingAddin\1.24.14501\x64\Microsoft.Teams.AddinLoader.dll"'),
    ("engineer", 0.05, OFFICE + r"\EXCEL.EXE", CMD, r"cmd /c net use R: \\fs01\reports"), ("engineer", 0.05, OFFICE + r"\EXCEL.EXE", CMD, r'cmd.exe /c copy "\\fs01\reports\m{n}.csv" "C:\Data\m{n}.csv"'), (ALL, 0.1, OUTLOOK, r"C:\Users\{u}\AppData\Roaming\Zoom\bin\Zoom.exe", '"{i}" "--url=zoommtg://acme.zoom.us/start"'),
    (ALL, 0.2, PX + r"\NVDA\nvda.exe", PX + r"\NVDA\nvda_dmp.exe", '"{i}"'), (ALL, 0.1, PF + r"\KeePass Password Safe 2\KeePass.exe", CHROME, '"{i}" --single-argument https://intranet.corp.example/'),
    (ALL, 0.05, PX + r"\SAP\FrontEnd\SAPgui\saplogon.exe", S + r"\cscript.exe", r'{i} //nologo "' + T + r'\sap{n}.vbs"'), (ALL, 0.1, OFFICE + r"\EXCEL.EXE", r"C:\Windows\Microsoft.NET\Framework64\v4.0.30319\csc.exe", r'"{i}" /noconfig /fullpaths @"' + T + r'\x{n}.cmdline"'),
    ("engineer", 0.3, OFFICE + r"\EXCEL.EXE", r"C:\Users\{u}\Anaconda3\pythonw.exe", r'"{i}" -B -c "import xlwings.server; xlwings.server.serve()"'), ("engineer", 1, EXPLORER, r"C:\Users\{u}\Anaconda3\pythonw.exe", r'"{i}" C:\Users\{u}\Anaconda3\Scripts\jupyter-notebook-script.py "C:\Users\{u}/"'), ("engineer", 0.5, EXPLORER, PF + r"\Java\jre1.8.0_411\bin\javaw.exe", r'"{i}" -jar "' + D + r'\ImageJ_{n}.jar" '),
    ("developer", 12, CODE, CMD, r'{i} /d /s /c "npm run build"'), ("developer", 8, CODE, PS, r'{i} -noexit -command "try {{ . \"c:\Users\{u}\AppData\Local\Programs\Microsoft VS Code\resources\app\out\vs\workbench\contrib\terminal\browser\media\shellIntegration.ps1\" }} catch {{}}"'), ("developer", 12, CODE, S + r"\conhost.exe", "{i} --headless --width 133 --height 12 --signal 0xd2c --server 0xd28"),
    ("developer", 10, CMD, NODE, r'"{i}" "C:\Program Files\nodejs\node_modules\npm\bin\npm-cli.js" run build'), ("developer", 3, NODE, CMD, r'{i} /d /s /c "start http://localhost:5173/"'), ("developer", 6, WT, PS, "{i}"), ("developer", 10, PS, PF + r"\Git\cmd\git.exe", "git pull --rebase"), ("developer", 1, PS, S + r"\curl.exe", "curl -s https://api.github.com/repos/acme/app/releases"),
    ("developer", 1, CMD, PS, r'powershell -NoProfile -Command "Invoke-WebRequest https://artifacts.corp.example/tool-{n}.zip -OutFile tool.zip"'), ("developer", 0.5, EXPLORER, CMD, r'"{i}" /k "C:\Program Files\Microsoft Visual Studio\2022\Professional\Common7\Tools\VsDevCmd.bat"'), ("developer", 1, EXPLORER, S + r"\wsl.exe", r'"{i}" --cd "C:\Users\{u}\source"'), ("developer", 2, CHROME, CODE, '"{i}" --open-url -- vscode://ms-vscode.live-server/{n}'),
    ("developer", 0.3, CHROME, r"C:\Users\{u}\AppData\Local\GitHubDesktop\GitHubDesktop.exe", '"{i}" --protocol-launcher "x-github-client://openRepo/https://github.com/acme/a{n}"'), ("developer", 0.3, PS, r"C:\Users\{u}\AppData\Local\Programs\Python\Python312\python.exe", "python -m pytest tests/test_verify_{n}.py"), ("developer", 0.5, CMD, NODE, r'"{i}" node_modules\wrangler\bin\wrangler.js deploy --env cloudflare'), ("developer", 0.1, EXPLORER, PS, '{i} -c "irm https://get.scoop.sh | iex"'),
    ("developer", 0.2, WT, CMD, "cmd.exe /k docker compose up"), ("developer", 0.5, PF + r"\JetBrains\IntelliJ IDEA 2024.1\bin\idea64.exe", CMD, '{i} /c gradlew.bat build'), ("developer", 0.3, EXPLORER, D + r"\ideaIU-2024.1.{n}.exe", '"{i}"'),
    ("administrator helpdesk", 3, EXPLORER, S + r"\mmc.exe", r'"{i}" C:\Windows\system32\dsa.msc'), ("administrator helpdesk", 1, EXPLORER, S + r"\mmc.exe", r'"{i}" "C:\Users\{u}\Desktop\Consoles.msc" '), ("administrator helpdesk", 1, EXPLORER, S + r"\mmc.exe", r'"{i}" C:\Windows\system32\compmgmt.msc /computer:\\ws{n}'), ("administrator helpdesk", 4, EXPLORER, S + r"\mstsc.exe", '"{i}" /v:srv{n}.corp.example'), ("administrator helpdesk", 1, EXPLORER, PS, "{i}"),
    ("administrator helpdesk", 1, EXPLORER, PS, r'"{i}" "-Command" "if((Get-ExecutionPolicy ) -ne \'AllSigned\') {{ Set-ExecutionPolicy -Scope Process Bypass }}; & \'C:\Scripts\user{n}.ps1\'"'), ("administrator helpdesk", 1, CMD, r"C:\Tools\PSTools\PsExec64.exe", r"PsExec64.exe \\ws{n} cmd"), ("administrator helpdesk", 0.5, CMD, MSI, r"msiexec /i \\fs01\Software\agent{n}.msi /qn"), ("administrator helpdesk", 0.3, EXPLORER, MSI, r'"{i}" /i "\\fs01.corp.example\Software\7z{n}-x64.msi" '),
    ("administrator helpdesk", 0.3, EXPLORER, D + r"\ProcessExplorer\procexp64.exe", '"{i}"'), ("administrator helpdesk", 0.2, EXPLORER, D + r"\putty.exe", '"{i}"'), ("administrator helpdesk", 0.3, FOX, PF + r"\Java\jre1.8.0_411\bin\javaws.exe", '"{i}" "' + D + r'\viewer({n}).jnlp"'), ("administrator helpdesk", 0.3, CMD, S + r"\certutil.exe", "certutil  -hashfile " + D + r"\win11_{n}.iso SHA256"), ("administrator helpdesk", 0.3, EXPLORER, PS, r'"{i}" -NoExit -ExecutionPolicy Bypass -Command "& {{Import-Module Az; Connect-AzAccount}}"'),
    (ALL, 0.005, EXPLORER, r"E:\Fotos\Viewer.exe", '"{i}"'), (ALL, 0.005, EXPLORER, S + r"\wscript.exe", r'"{i}" "C:\Users\{u}\Desktop\rename.vbs" '), ("administrator helpdesk", 0.1, EXPLORER, T + r"\Temp1_ProcessExplorer_{n}.zip\procexp64.exe", '"{i}"'), ("administrator helpdesk", 0.1, PS, PS, "powershell Mount-DiskImage -ImagePath " + D + r"\win11_{n}.iso"),
    ("administrator helpdesk", 0.1, PS, PS, r'powershell Mount-DiskImage -ImagePath \\fs01\iso\SQL{n}.iso'), ("helpdesk", 0.5, EXPLORER, D + r"\AnyDesk.exe", '"{i}"'), ("administrator", 0.2, EXPLORER, F"F:\\PortableApps\\WinSCPPortable\\WinSCPPortable.exe", '"{i}"'),
]
# (roles, times a day, program, file, address or "" for a file without a mark)
FILES = [
    (ALL, 1, OUTLOOK, CO + r"\Offer {n}.docx", ""), (ALL, 0.05, OUTLOOK, CO + r"\Forecast {n}.xlsm", ""), (ALL, 0.05, OUTLOOK, CO + r"\securedoc_20260303T{n}.html", ""), (ALL, 0.2, MSHTA, r"C:\Users\{u}\AppData\Local\Microsoft\Windows\INetCache\IE\8AB2KQ11\site{n}.css", ""), (ALL, 0.02, MSHTA, r"H:\apps\orders\orders.log", ""), (ALL, 0.1, OFFICE + r"\ONENOTE.EXE", r"C:\Users\{u}\AppData\Roaming\Microsoft\Windows\Start Menu\Programs\Startup\Send to OneNote.lnk", ""),
    (ALL, 2, CHROME, D + r"\Statement_{n}.pdf", "https://portal.vendor{n}.example/statement.pdf"), (ALL, 1, EDGE, D + r"\export_{n}.csv", "https://crm.acme.example/export"), (ALL, 0.6, EDGE, D + r"\documents_{n}.zip", "https://acme.sharepoint.com/sites/p/_layouts/15/download.aspx"), (ALL, 0.5, CHROME, D + r"\deck_{n}.pptx", "https://drive.usercontent.google.com/download?id={n}"),
    (ALL, 0.05, CHROME, D + r"\ZoomInstallerFull.exe", "https://cdn.zoom.us/prod/6.1.{n}/ZoomInstallerFull.exe"), (ALL, 0.03, EDGE, D + r"\TeamViewerQS.exe", "https://dl.teamviewer.com/download/TeamViewerQS.exe"), (ALL, 0.02, CHROME, D + r"\AcroRdrDC{n}_de_DE.msi", "https://ardownload2.adobe.com/pub/adobe/acrobat/win/AcrobatDC/{n}/AcroRdrDC.msi"), (ALL, 0.02, EDGE, D + r"\GoogleChromeStandaloneEnterprise64.msi", "https://dl.google.com/tag/s/GoogleChromeStandaloneEnterprise64.msi"),
    (ALL, 0.02, EDGE, D + r"\Company.theme", "https://intranet.corp.example/Company.theme"), (ALL, 0.05, EDGE, D + r"\cpub-SAPGUI-QuickSessionCollection-CmsRdsh ({n}).rdp", "https://rds.corp.example/RDWeb/Pages/rdp/x.rdp"), (ALL, 0.05, OUTLOOK, r"C:\Users\{u}\AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\A1B2C3D4\macro_{n}.xlsm", "about:internet-mail"),
    (ALL, 0.3, PF + r"\Microsoft OneDrive\OneDrive.exe", r"C:\Users\{u}\OneDrive - Acme\Desktop\Teams.lnk", ""), (ALL, 0.5, OFFICE + r"\WINWORD.EXE", r"C:\Users\{u}\Desktop\~WRD{n}.tmp", ""), (ALL, 0.1, PF + r"\7-Zip\7zG.exe", D + r"\files_{n}\setup\autorun.exe", ""),
    ("developer", 8, NODE, r"C:\Users\{u}\Desktop\shop\node_modules\pkg{n}\index.js", ""), ("developer", 1, PF + r"\Git\mingw64\bin\git.exe", r"C:\Users\{u}\Desktop\repo\scripts\build{n}.ps1", ""), ("developer", 0.5, S + r"\curl.exe", D + r"\kubectl.exe", ""), ("developer", 0.5, CHROME, D + r"\jquery-3.{n}.min.js", "https://code.jquery.com/jquery.min.js"), ("developer", 0.5, CHROME, D + r"\tool-{n}-windows-amd64.zip", "https://objects.githubusercontent.com/github-production-release-asset/{n}"), ("developer", 0.3, CHROME, D + r"\ideaIU-2024.1.{n}.exe", "https://download.jetbrains.com/idea/ideaIU.exe"), ("developer", 0.2, CHROME, D + r"\setup_env_{n}.ps1", "https://raw.githubusercontent.com/acme/dev/main/setup.ps1"),
    ("administrator helpdesk", 0.5, EDGE, D + r"\fw_{n}.bin.zip", "http://10.20.30.{n}/fw.zip"), ("administrator helpdesk", 0.3, EDGE, D + r"\win11_{n}.iso", "https://software.download.prss.microsoft.com/dbazure/Win11.iso"), ("administrator helpdesk", 0.3, FOX, D + r"\viewer({n}).jnlp", "https://10.1.1.{n}/viewer.jnlp"), ("administrator helpdesk", 0.2, EDGE, D + r"\putty.exe", "https://the.earth.li/~sgtatham/putty/latest/w64/putty.exe"), ("helpdesk", 0.5, EDGE, D + r"\AnyDesk.exe", "https://download.anydesk.com/AnyDesk.exe"),
]
# (roles, times a day, what was entered in the Run dialog)
RUNMRU = [(ALL, 0.2, r"\\fs01\projects"), (ALL, 0.1, "notepad"), ("administrator helpdesk developer", 1, "cmd"), ("administrator helpdesk", 2, "mstsc /v:srv01"), ("administrator helpdesk developer", 1, "powershell"), ("administrator helpdesk", 0.5, "services.msc"), ("administrator helpdesk", 0.5, r"\\ws12\c$"), ("developer", 0.3, "control sysdm.cpl")]

# What PowerShell is started for by agents, administrators and tools: (roles, times a day, parent, line). {e:TEXT} is TEXT encoded.
INTUNE = PX + r"\Microsoft Intune Management Extension\AgentExecutor.exe"; CCM = r"C:\Windows\CCM\CcmExec.exe"; WMI = S + r"\wbem\WmiPrvSE.exe"
LINES = [
    (ALL, 1, INTUNE, r'"powershell.exe" -NoProfile -executionPolicy bypass -file "C:\Windows\IMECache\HealthScripts\{n}_1\detect.ps1"'), (ALL, 0.5, CCM, "powershell.exe -NoLogo -NonInteractive -NoProfile -EncodedCommand {e:$v = (Get-ItemProperty 'HKLM:\\SOFTWARE\\Acme\\Agent').Version; if ($v -ge '4.2') {{ Write-Host 'Installed' }}}"),
    (ALL, 0.3, PF + r"\Windows Defender Advanced Threat Protection\SenseIR.exe", r"powershell.exe -ExecutionPolicy AllSigned -NoProfile -NonInteractive -Command " + '"& {{$OutputEncoding = [Console]::OutputEncoding =[System.Text.Encoding]::UTF8;$scriptFileStream = [System.IO.File]::Open(' + r"'C:\ProgramData\Microsoft\Windows Defender Advanced Threat Protection\DataCollection\{n}\1.ps1'" + ', [System.IO.FileMode]::Open); . ' + r"'C:\ProgramData\Microsoft\Windows Defender Advanced Threat Protection\DataCollection\{n}\1.ps1'" + ' }}"'),
    (ALL, 0.3, PF + r"\Tenable\Nessus Agent\nessus-agent-module.exe", "powershell.exe -NoProfile -NonInteractive -EncodedCommand {e:Get-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion' | Select-Object UBR}"), (ALL, 0.2, SVC, r'powershell.exe -ExecutionPolicy Bypass -WindowStyle Hidden -File "C:\ProgramData\Lenovo\ImController\Plugins\x64\maint{n}.ps1"'),
    (ALL, 0.1, S + r"\wscript.exe", r"powershell.exe -NoProfile -ExecutionPolicy Bypass -WindowStyle Hidden -File C:\IT\drives.ps1"), (ALL, 0.1, S + r"\gpscript.exe", r"powershell.exe -NoProfile -ExecutionPolicy Bypass -WindowStyle Hidden -File \\corp.example\NETLOGON\map.ps1"), (ALL, 0.02, PF + r"\Acme\setup.exe", r'''powershell.exe -Command "Add-MpPreference -ExclusionPath 'C:\Program Files\Acme'"'''),
    (ALL, 0.1, PF + r"\ScreenConnect Client (1a)\ScreenConnect.ClientService.exe", r'"powershell.exe" -NoProfile -NonInteractive -ExecutionPolicy Unrestricted -File "C:\Windows\TEMP\ScreenConnect\22.9\{n}run.ps1"'), (ALL, 0.05, PF + r"\Acme\Desk\Desk.exe", "powershell.exe -NoLogo -InputFormat Text -NoExit -ExecutionPolicy Unrestricted -Command -"),
    ("developer", 2, NODE, "powershell.exe -NoProfile -NonInteractive \u2013ExecutionPolicy Bypass -EncodedCommand {e:Start \"http://localhost:5173/\"}"), ("developer", 1, CODE, r'''powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -Command "Import-Module 'c:\Users\{u}\.vscode\extensions\ms-vscode.powershell\modules\PowerShellEditorServices\PowerShellEditorServices.psd1'; Start-EditorServices -HostName 'Visual Studio Code Host'"'''), ("developer", 0.5, CMD, "powershell -NoProfile -Command \"Expand-Archive -Path tool.zip -DestinationPath . -Force\""),
    ("developer", 0.02, WT, 'powershell -c "irm https://bun.sh/install.ps1 | iex"'), ("developer", 0.01, WT, 'powershell -c "irm https://devbox.corp.example/setup.ps1 | iex"'), ("developer", 0.5, PS, 'powershell -c "(Invoke-WebRequest -UseBasicParsing http://localhost:8080/health).StatusCode"'), ("developer", 0.1, CMD, "powershell -NoProfile -Command \"(gc version.txt) -replace 'dev','rel' | sc version.txt\""),
    ("administrator", 1, CMD, 'powershell -NoProfile -Command "Get-ADUser -Filter * | Export-Csv C:\\Temp\\u{n}.csv"'), ("administrator", 0.3, CMD, "PowerShell -NoProfile -NonInteractive -ExecutionPolicy Unrestricted -EncodedCommand {e:Get-Service | Select-Object -First 5}"), ("administrator", 0.1, CMD, r'powershell -c "Start-BitsTransfer https://download.microsoft.com/ssms{n}.exe D:\Install\ssms.exe"'), ("administrator", 0.1, CMD, "reg add HKLM\\SYSTEM\\CurrentControlSet\\Control\\Lsa /v RunAsPPL /t REG_DWORD /d 1 /f"), ("administrator helpdesk", 0.2, CMD, "tasklist /svc"),
    ("developer", 0.05, CMD, r"C:\Tools\procdump64.exe -accepteula -ma w3wp.exe C:\dumps"),
]
# Who opens lsass.exe: (roles, times a day, program, rights).
ACCESSES = [
    (ALL, 3, r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.24050.7-0\MsMpEng.exe", "0x1418"), (ALL, 2, PF + r"\Windows Defender Advanced Threat Protection\MsSense.exe", "0x1410"), (ALL, 3, WMI, "0x1410"), (ALL, 4, SVC, "0x1000"), (ALL, 0.5, SVC, "0x1478"), (ALL, 1, S + r"\csrss.exe", "0x1fffff"), (ALL, 1, S + r"\wininit.exe", "0x1fffff"), (ALL, 0.5, PX + r"\Google\Update\GoogleUpdate.exe", "0x1410"), (ALL, 0.5, PX + r"\Microsoft\EdgeUpdate\MicrosoftEdgeUpdate.exe", "0x1410"),
    (ALL, 1, PF + r"\SplunkUniversalForwarder\bin\splunkd.exe", "0x1410"), (ALL, 0.5, CCM, "0x1410"), (ALL, 0.3, S + r"\Taskmgr.exe", "0x1410"), (ALL, 0.2, S + r"\CompatTelRunner.exe", "0x1410"), (ALL, 0.2, PF + r"\Tenable\Nessus Agent\nessus-agent-module.exe", "0x1410"), ("administrator helpdesk", 0.2, D + r"\ProcessExplorer\procexp64.exe", "0x1410"), ("developer", 0.2, PF + r"\Microsoft Visual Studio\2022\Enterprise\Common7\IDE\devenv.exe", "0x1000"), ("administrator", 0.5, PS, "0x1400"),
]
# What PowerShell logs of the code that it runs: (roles, times a day, file, code).
BLOCKS = [
    (ALL, 1, r"C:\Windows\IMECache\HealthScripts\1_1\detect.ps1", "$app = Get-ItemProperty 'HKLM:\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\*' | ? DisplayName -like 'Acme*'; if ($app) {{ exit 0 }}"), (ALL, 0.5, "", "Get-CimInstance Win32_OperatingSystem | Select-Object Version"), ("developer", 2, r"C:\Users\{u}\Documents\PowerShell\Microsoft.PowerShell_profile.ps1", "oh-my-posh init pwsh --config ~/theme.json | Invoke-Expression"), ("developer", 1, "", "prompt"), ("developer", 0.2, r"C:\src\app\build.ps1", "Invoke-WebRequest https://artifacts.corp.example/tool.zip -OutFile tool.zip; Expand-Archive tool.zip"),
    ("administrator", 2, r"C:\Scripts\assets.ps1", "$r = Invoke-RestMethod -Uri https://api.corp.example/v1/assets -Headers @{{Authorization = \"Bearer $token\"}}; $r.items | Export-Csv assets.csv"), ("administrator", 0.5, r"C:\Scripts\gui.ps1", "[Reflection.Assembly]::LoadWithPartialName('System.Windows.Forms') | Out-Null; $f = New-Object Windows.Forms.Form"), ("administrator", 0.3, r"C:\Program Files\WindowsPowerShell\Modules\dbatools\2.1\dbatools.psm1", "Add-Type -Path $dll; $sb = [scriptblock]::Create($text); & $sb"),
]
# What is kept for the next logon: (roles, times a day, program that writes, key, value).
L = r"C:\Users\{u}\AppData\Local"; HKU = r"HKU\S-1-5-21-1-2-3-{h}\Software\Microsoft\Windows\CurrentVersion"; HKLM = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion"
KEPT = [
    (ALL, 0.3, L + r"\Microsoft\OneDrive\OneDrive.exe", HKU + r"\Run\OneDrive", '"' + L + r'\Microsoft\OneDrive\OneDrive.exe" /background'), (ALL, 0.1, L + r"\Microsoft\OneDrive\OneDriveSetup.exe", HKU + r"\RunOnce\Delete Cached Update Binary", r'C:\WINDOWS\system32\cmd.exe /q /c del /q "' + L + r'\Microsoft\OneDrive\Update\OneDriveSetup.exe"'), (ALL, 0.5, PX + r"\Microsoft\Edge\Application\msedge.exe", HKU + r"\Run\MicrosoftEdgeAutoLaunch_A1", '"' + PX + r'\Microsoft\Edge\Application\msedge.exe" --no-startup-window --win-session-start'),
    (ALL, 0.2, SLACK, HKU + r"\Run\com.squirrel.slack.slack", '"' + L + r'\slack\slack.exe" --process-start-args --startup'), (ALL, 0.2, r"C:\Users\{u}\AppData\Roaming\Spotify\Spotify.exe", HKU + r"\Run\Spotify", r"C:\Users\{u}\AppData\Roaming\Spotify\Spotify.exe --autostart --minimized"), (ALL, 0.05, L + r"\Discord\app-1.0.9\Discord.exe", HKU + r"\Run\Discord", L + r"\Discord\Update.exe --processStart Discord.exe"),
    (ALL, 0.05, S + r"\msiexec.exe", HKLM + r"\Run\Acme", '"' + PF + r'\Acme\tray.exe"'), (ALL, 0.05, r"C:\ProgramData\Package Cache\{{A1}}\VC_redist.x64.exe", HKLM + r"\RunOnce\{{A1}}", r'"C:\ProgramData\Package Cache\{{A1}}\VC_redist.x64.exe" /burn.runonce'), (ALL, 0.05, D + r"\setup_{n}.exe", r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\RunOnce\wextract_cleanup0", r'rundll32.exe C:\Windows\system32\advpack.dll,DelNodeRunDLL32 "' + T + r'\IXP000.TMP\"'),
    (ALL, 0.1, S + r"\csrss.exe", HKU + r"\RunOnce\Application Restart #0", '"' + CHROME + r'" --restore-last-session'), (ALL, 0.1, SVC, HKU + r"\RunOnce\Printers", r"wscript.exe \\corp.example\netlogon\printers.vbs"), ("developer", 0.02, EXPLORER, HKU + r"\Run\keys", PF + r"\AutoHotkey\AutoHotkey64.exe C:\Users\{u}\Documents\keys.ahk"), ("administrator", 0.1, S + r"\reg.exe", HKLM + r"\Run\Tray", '"' + PF + r'\Acme\tray.exe"'),
    ("developer", 0.01, L + r"\Temp\is-1A2B3.tmp\setup.tmp", HKU + r"\Run\Tool", L + r"\Programs\Tool\tool.exe"),
]
# What appears in Startup folders: (roles, times a day, program that writes, name).
STARTUP = [(ALL, 0.1, OFFICE + r"\ONENOTE.EXE", "Send to OneNote.lnk"), (ALL, 0.03, L + r"\slack\Update.exe", "Slack.lnk"), (ALL, 0.02, EXPLORER, "Outlook.lnk"), (ALL, 0.02, S + r"\msiexec.exe", "Agent.lnk"), ("administrator helpdesk", 0.01, EXPLORER, "drives.bat")]

def times(rng, rate):
    n = int(rate)
    return n + (rng.random() < rate - n)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--hosts", type=int, default=1000); ap.add_argument("--seed", type=int, default=1)
    args = ap.parse_args()
    rng, out, day = random.Random(args.seed), [], datetime.datetime(2026, 3, 3, 7, 30)
    for h in range(args.hosts):
        host, user = "WS-%04d.corp.example" % h, "u%04d" % h
        role = rng.choices(list(ROLES), ROLES.values())[0]
        security = rng.random() < 0.15  # no Sysmon, process creation auditing alone

        def say(text, image=""):
            return text.replace("{{", "\0").replace("}}", "\1").replace("{u}", user).replace("{n}", str(rng.randrange(10, 250))).replace("{x}", "%016x" % rng.getrandbits(64)).replace("{i}", image).replace("\0", "{").replace("\1", "}")

        def add(at, event):
            out.append((at, host, event))

        def sysmon(at, n, event):
            if not security:
                add(at, {"EventID": str(n), "Channel": "Microsoft-Windows-Sysmon/Operational", "Provider": "Microsoft-Windows-Sysmon", "Computer": host, "UtcTime": at.strftime("%Y-%m-%d %H:%M:%S.") + "%03d" % (at.microsecond // 1000), "User": "CORP\\" + user, **event})

        def when():
            return day + datetime.timedelta(seconds=rng.random() * 36000)

        for roles, rate, parent, image, line in PROCESSES:
            for _ in range(times(rng, rate) if role in roles.split() else 0):
                at, i, p = when(), say(image), say(parent)
                l = say(line, i)
                if security:
                    add(at, {"EventID": "4688", "Channel": "Security", "Provider": "Microsoft-Windows-Security-Auditing", "Computer": host, "TimeCreated": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "SubjectUserName": user, "NewProcessId": hex(rng.randrange(4096, 65536)), "NewProcessName": i, "ProcessId": "0x1018", "ParentProcessName": p, "CommandLine": l})
                else:
                    g = hashlib.md5(("%s%s%d" % (host, l, len(out))).encode()).hexdigest()
                    sysmon(at, 1, {"ProcessGuid": "{%s-%s-%s-%s-%s}" % (g[:8], g[8:12], g[12:16], g[16:20], g[20:]), "ProcessId": str(rng.randrange(4096, 65536)), "Image": i, "Company": COMPANY.get(i.split("\\")[-1].lower(), "-"), "OriginalFileName": i.split("\\")[-1], "CommandLine": l, "CurrentDirectory": "C:\\Users\\%s\\" % user, "IntegrityLevel": "Medium", "ParentProcessGuid": "{5b0b56f7-0000-0000-0000-000000000000}", "ParentProcessId": "4120", "ParentImage": p, "ParentCommandLine": '"%s"' % p})
        for roles, rate, program, name, address in FILES:
            for _ in range(times(rng, rate) if role in roles.split() else 0):
                at, f, p = when(), say(name), say(program)
                if address and ("chrome" in p or "msedge" in p):
                    folder = f.rsplit("\\", 1)[0]
                    sysmon(at, 11, {"Image": p, "TargetFilename": folder + "\\%032x.tmp" % rng.getrandbits(128)})
                    sysmon(at, 11, {"Image": p, "TargetFilename": folder + "\\Unconfirmed %d.crdownload" % rng.randrange(10**6)})
                sysmon(at, 11, {"Image": p, "TargetFilename": f + (":Zone.Identifier" if address else "")})
                if address:
                    sysmon(at, 15, {"Image": p, "TargetFilename": f + ":Zone.Identifier", "Hash": "SHA256=00", "Contents": "[ZoneTransfer]  ZoneId=3  " + ("" if address.startswith("about:") else "HostUrl=%s  " % say(address))})
        for roles, rate, text in RUNMRU:
            for _ in range(times(rng, rate) if role in roles.split() else 0):
                sysmon(when(), 13, {"EventType": "SetValue", "Image": EXPLORER, "TargetObject": r"HKU\S-1-5-21-1-2-3-%d\Software\Microsoft\Windows\CurrentVersion\Explorer\RunMRU\a" % (1000 + h), "Details": text + r"\1"})
        # Of an order of its own, so that what stands above stays the same day.
        also = random.Random("%d of %d" % (h, args.seed))

        def later():
            return day + datetime.timedelta(seconds=also.random() * 36000)

        def fill(text):
            text = re.sub(r"\{e:(.*)\}", lambda m: base64.b64encode(m[1].replace("{{", "{").replace("}}", "}").encode("utf-16le")).decode(), text)
            return text.replace("{u}", user).replace("{n}", str(also.randrange(10, 250))).replace("{{", "{").replace("}}", "}")

        for roles, rate, parent, line in LINES:
            for _ in range(times(also, rate) if role in roles.split() else 0):
                at, l = later(), fill(line)
                name = l.replace('"', "").split(" ")[0].lower()
                i = {"reg": S + r"\reg.exe", "tasklist": S + r"\tasklist.exe", "c:\\tools\\procdump64.exe": r"C:\Tools\procdump64.exe"}.get(name, PS)
                if security:
                    add(at, {"EventID": "4688", "Channel": "Security", "Provider": "Microsoft-Windows-Security-Auditing", "Computer": host, "TimeCreated": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "SubjectUserName": user, "NewProcessId": hex(also.randrange(4096, 65536)), "NewProcessName": i, "ProcessId": "0x1018", "ParentProcessName": fill(parent), "CommandLine": l})
                else:
                    sysmon(at, 1, {"ProcessGuid": "{5b0b56f7-0000-0000-0000-%012x}" % also.getrandbits(48), "ProcessId": str(also.randrange(4096, 65536)), "Image": i, "OriginalFileName": {PS: "PowerShell.EXE"}.get(i, "procdump" if "procdump" in i else i.split("\\")[-1]), "CommandLine": l, "ParentProcessId": "4120", "ParentImage": fill(parent), "ParentCommandLine": ""})
        for roles, rate, program, rights in ACCESSES:
            for _ in range(times(also, rate) if role in roles.split() else 0):
                p = fill(program)
                sysmon(later(), 10, {"SourceProcessGUID": "{5b0b56f7-0000-0000-0000-%012x}" % also.getrandbits(48), "SourceProcessId": str(also.randrange(4096, 65536)), "SourceImage": p, "TargetImage": S + r"\lsass.exe", "TargetProcessId": "704", "GrantedAccess": rights, "CallTrace": r"C:\Windows\SYSTEM32\ntdll.dll+9d4c4|C:\Windows\System32\KERNELBASE.dll+2c13e|" + p + "+3a1b2"})
        for roles, rate, program, key, value in KEPT:
            for _ in range(times(also, rate) if role in roles.split() else 0):
                sysmon(later(), 13, {"EventType": "SetValue", "ProcessGuid": "{5b0b56f7-0000-0000-0000-%012x}" % also.getrandbits(48), "Image": fill(program), "TargetObject": fill(key.replace("{h}", str(1000 + h))), "Details": fill(value)})
        for roles, rate, program, name in STARTUP:
            for _ in range(times(also, rate) if role in roles.split() else 0):
                sysmon(later(), 11, {"ProcessGuid": "{5b0b56f7-0000-0000-0000-%012x}" % also.getrandbits(48), "Image": fill(program), "TargetFilename": r"C:\Users\%s\AppData\Roaming\Microsoft\Windows\Start Menu\Programs\Startup\%s" % (user, name)})
        for roles, rate, name, code in BLOCKS:
            for _ in range(times(also, rate) if role in roles.split() else 0):
                at = later()
                add(at, {"EventID": "4104", "Channel": "Microsoft-Windows-PowerShell/Operational", "Provider": "Microsoft-Windows-PowerShell", "Computer": host, "TimeCreated": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "Level": "5", "ExecutionProcessID": str(also.randrange(4096, 65536)), "MessageNumber": "1", "MessageTotal": "1", "ScriptBlockText": fill(code), "ScriptBlockId": "%032x" % also.getrandbits(128), "Path": fill(name)})
    out.sort(key=lambda x: (x[0], x[1]))
    for n, (_, _, event) in enumerate(out):
        event["EventRecordID"] = str(n + 1)
        print(json.dumps(event))


if __name__ == "__main__":
    main()
