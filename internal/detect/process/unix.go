package process

// What logs of Linux and macOS say of processes, as queries whose rows have Sysmon's names. Sysmon for
// Linux needs none: its events are Sysmon's. Each query names words that stand in its logs alone, so
// that no other log is decoded for it.

// jsonRecords reads exec, exit and changes of files of Apple's Endpoint Security as eslogger writes
// them (ESMessage.h; the program that exec replaces is the parent's), and exec and connect of auditd
// as LAUREL writes them (all records of a call in one event).
const jsonRecords = `("audit_token" OR "ARGV" OR "SOCKADDR")
| json field=_raw "event.exec.target.executable.path", "event.exec.args", "event.exec.target.audit_token.pid", "event.exec.target.audit_token.euid", "process.executable.path", "process.audit_token.pid", "process.audit_token.euid", "process.ppid" as es_image, es_args, es_pid, es_user, from_image, from_pid, from_user, es_ppid nodrop
| json field=_raw "event.exit.stat", "event.close.target.path", "event.close.modified", "event.create.destination.existing_file.path", "event.create.destination.new_path.dir.path", "event.create.destination.new_path.filename", "event.unlink.target.path" as exit_stat, closed, modified, created, created_dir, created_name, unlinked nodrop
| json field=_raw "SYSCALL.exe", "SYSCALL.pid", "SYSCALL.ppid", "SYSCALL.UID", "SYSCALL.uid", "SYSCALL.PPID.exe", "PARENT_INFO.exe", "EXECVE.ARGV", "EXECVE.ARGV_STR", "SOCKADDR.SADDR.addr", "SOCKADDR.SADDR.port", "NODE" as au_image, au_pid, au_ppid, au_user, au_uid, au_parent, au_parent_info, au_args, au_line, DestinationIp, DestinationPort, au_node nodrop
| if (isNull(au_args), au_line, au_args) as au_args
| if (isNull(created) AND !isNull(created_dir), concat(created_dir, "/", created_name), created) as created
| if (!isNull(es_image) OR !isNull(au_args), "1", if (!isNull(exit_stat), "5", if (!isNull(created), "11", if (!isNull(closed) AND toLowerCase(modified) = "true", "11", if (!isNull(unlinked), "23", if (!isNull(DestinationIp), "3", "")))))) as EventID
| where EventID != ""
| if (isNull(es_image), if (isNull(au_image), from_image, au_image), es_image) as Image
| if (!isNull(es_image), from_image, if (isNull(au_parent), au_parent_info, au_parent)) as ParentImage
| if (!isNull(es_pid), es_pid, if (isNull(au_pid), from_pid, au_pid)) as ProcessId
| if (isNull(au_ppid), es_ppid, au_ppid) as ParentProcessId
| if (isNull(au_user), if (isNull(au_uid), if (isNull(es_user), from_user, es_user), au_uid), au_user) as User
| if (isNull(es_args), au_args, es_args) as args
| replace(replace(replace(replace(args, /^\[ *"|" *\]$/, ""), /([^\\])", *"/, "$1 "), /\\"/, "\""), /\\\\/, "\\") as CommandLine
| if (isNull(created), if (isNull(closed), unlinked, closed), created) as TargetFilename
| if (isNull(au_node), _sourceHost, au_node) as Computer`

// auditRecords reads execve out of audit.log, where one call is several records: those of one serial
// are put together. The kernel writes a word with blanks, quotes or control characters as hexadecimal
// digits (audit-userspace, audit_encode_nv_string). No record names the parent's program.
const auditRecords = `("type=SYSCALL" OR "type=EXECVE")
| parse regex "msg=audit\((?<stamp>[0-9.]+):(?<serial>[0-9]+)\)"
| parse regex "\bnode=(?<node>[^ ]+)" nodrop
| parse regex "type=SYSCALL .* ppid=(?<ppid>[0-9]+) pid=(?<pid>[0-9]+) auid=(?<auid>[0-9]+) .* exe=(?<exe>[^ ]+)" nodrop
| parse regex "\bAUID=\"(?<account>[^\"]+)\"" nodrop
| parse regex "argc=[0-9]+ (?<argv>a0=.*)$" nodrop
| where !isNull(argv) OR !isNull(exe)
| if (isNull(node) OR node = "", _sourceHost, node) as Computer
| if (isNull(account), auid, account) as account
| count as records, min(_messagetime) as _messagetime, values(argv) as argv, values(exe) as exe, values(pid) as ProcessId, values(ppid) as ParentProcessId, values(account) as User by Computer, stamp, serial
| where !isNull(argv) AND argv != ""
| parse regex field=argv "^a0=(?<w0>\S+)(?: a1(?:_len=[0-9]+ a1\[0\])?=(?<w1>\S+))?(?: a2(?:_len=[0-9]+ a2\[0\])?=(?<w2>\S+))?(?: a3(?:_len=[0-9]+ a3\[0\])?=(?<w3>\S+))?(?: a4(?:_len=[0-9]+ a4\[0\])?=(?<w4>\S+))?(?<rest> .*)?$"
| if (w0 matches /^([0-9A-F]{2})+$/, hexToAscii(w0), replace(w0, /^"|"$/, "")) as w0
| if (w1 matches /^([0-9A-F]{2})+$/, hexToAscii(w1), replace(w1, /^"|"$/, "")) as w1
| if (w2 matches /^([0-9A-F]{2})+$/, hexToAscii(w2), replace(w2, /^"|"$/, "")) as w2
| if (w3 matches /^([0-9A-F]{2})+$/, hexToAscii(w3), replace(w3, /^"|"$/, "")) as w3
| if (w4 matches /^([0-9A-F]{2})+$/, hexToAscii(w4), replace(w4, /^"|"$/, "")) as w4
| concat(w0, if (isNull(w1), "", " "), if (isNull(w1), "", w1), if (isNull(w2), "", " "), if (isNull(w2), "", w2), if (isNull(w3), "", " "), if (isNull(w3), "", w3), if (isNull(w4), "", " "), if (isNull(w4), "", w4), if (isNull(rest), "", replace(rest, /\ba[0-9]+=/, ""))) as CommandLine
| if (isNull(exe) OR exe = "", w0, if (exe matches /^([0-9A-F]{2})+$/, hexToAscii(exe), replace(exe, /^"|"$/, ""))) as Image
| "1" as EventID`
