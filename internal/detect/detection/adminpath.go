package detection

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A path is under an administrator's folder when Windows, having resolved it, opens a
// file that only administrators could put there. That is a matter of the whole path and
// not of how it begins: "..", a forward slash, an alternate stream, an 8.3 name or a
// variable leads elsewhere. The one definition of it is here; the ledger, tune and the
// lint of packages read it.
//
// In a ledger entry <admin-path> stands for such a path without its extension,
// <system-path> for the folder of a program of Windows, with the backslash, and
// <install-code> for PowerShell code by which a package manager is installed.
const (
	adminRoots  = `c:\\(program files|program files \(x86\)|windows\\ccmcache)`
	systemRoots = `c:\\windows\\(system32|syswow64)\\`
	// pathPart is one name of a path. Windows drops dots and blanks at a name's end, so
	// that ".. " is ".."; a name that begins or ends with one is none of ours. Without
	// ~ there is no 8.3 name, without : no stream, without % ! $ no variable.
	pathPart      = `[^\\/:*?"<>|%!$~^. ]([^\\/:*?"<>|%!$~^]*[^\\/:*?"<>|%!$~^. ])?`
	adminPath     = adminRoots + `(\\` + pathPart + `)+`
	systemProgram = systemRoots + `(windowspowershell\\v1\.0\\|wbem\\|openssh\\)?` + pathPart
)

// The code that the makers of package managers tell one to paste: settings, in words that call
// nothing, and then the evaluation of one script of a maker's own host. Each address is that of
// the maker's page: chocolatey.org/install, scoop.sh, bun.sh, pnpm.io/installation,
// docs.astral.sh/uv, deno.com, ohmyposh.dev, learn.microsoft.com/dotnet/core/tools/dotnet-install-script
// and learn.microsoft.com/powershell/scripting/install.
const (
	installFirst = `((set-executionpolicy|\[(system\.)?net\.servicepointmanager\]::securityprotocol|\$progresspreference)[a-z0-9 =.:'\[\]-]+; ?)*`
	installFetch = `(irm|iwr|invoke-restmethod|invoke-webrequest|new-object (system\.)?net\.webclient\)\.downloadstring\()( -useb| -usebasicparsing| -uri)*`
	installFrom  = ` ?(\\?["'])?(https://((community\.)?chocolatey\.org|bun\.sh|get\.pnpm\.io|astral\.sh/(uv|ruff)(/[0-9.]+)?|deno\.land|ohmyposh\.dev)/install\.ps1|https://dot\.net/v1/dotnet-install\.ps1|https://aka\.ms/install-powershell\.ps1|(https://)?get\.scoop\.sh|bun\.sh/install\.ps1)(\\?["'])?( -useb| -usebasicparsing)?`
	installCode  = installFirst + `((iex|invoke-expression) ?(\\?"& ?\{ ?\$)?|& ?\(?\[scriptblock\]::create)?\({0,2}` + installFetch + installFrom + `\){0,3}( ?\})?( ?\| ?(iex|invoke-expression))?( -[a-z]+( [a-z0-9.]+)?)*(\\?")?`
)

// pathWords are the words of a ledger entry and the patterns they stand for.
var pathWords = strings.NewReplacer("<admin-path>", adminPath, "<system-path>", systemRoots, "<install-code>", installCode)

var wholeAdminPath = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(` + adminPath + `|` + systemProgram + `)$`)
})

// IsAdminPath reports whether a path, as a command line or an event writes it, can only
// be a file that administrators put there: under Program Files or a deployment agent's
// cache, or a program of Windows.
func IsAdminPath(path string) bool { return wholeAdminPath().MatchString(path) }

// pathText finds what a command line names by a drive, a share, a device, a variable or
// a folder: in quotes up to the quote, else up to a blank.
var pathText = sync.OnceValue(func() *regexp.Regexp {
	const start = `([a-z]:[\\/]|\\\\|//[^\s/\\"']+[/\\]|%[a-z_()0-9]+%|\$env:|!|\.{1,2}[\\/]|~[\\/])`
	return regexp.MustCompile(`(?i)"` + start + `[^"]*"|'` + start + `[^']*'|` + start + `[^\s"',;&|<>]*`)
})

// pathsOf lists the paths of a command line, without quotes. Pipes of Windows are no
// files.
func pathsOf(line string) (out []string) {
	for _, p := range pathText().FindAllString(line, -1) {
		if p = strings.Trim(p, `"'`); !strings.HasPrefix(strings.ToLower(p), `\\.\pipe\`) {
			out = append(out, p)
		}
	}
	return out
}

// looseFile finds, after the paths of a line, a file that Windows or a program of a script
// language runs or loads, named without a full path; looseRoot a path without its drive.
var looseFile = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)[^\s"'=:,;<>|]+\.(?:exe|com|scr|pif|dll|ocx|cpl|ax|drv|sys|xll|wll|bat|cmd|ps1|psm1|psd1|vb[se]|jse?|mjs|cjs|ws[fhc]|sct|hta|html?|chm|ms[ipt]|msix|appx|appref-ms|application|jar|pyw?|pyc|rb|pl|lua|php|ahk|au3|tcl|sh|inf|reg|xml|xsl|xaml|proj|csproj|targets|job|lnk|url|rdp|iqy|slk|library-ms|searchconnector-ms|settingcontent-ms|msc)(?:$|[^\w.-])`)
})

var looseRoot = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?:^|[\s"'=:,])(\\[\w$~.-][^\s"',;]*)`) })

// firstWord is a line's program, in quotes or up to a blank.
var firstWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\s*(?:"[^"]*"|\S+)`) })

// looseOf is what a line names without a full path and Windows then looks for where the
// process was started or along PATH, so that whoever puts a file there decides what it is;
// "" for nothing. Of programs that run or load whatever they are given (runners), it is their
// first argument, whatever it is called.
func looseOf(program, line string) string {
	rest := firstWord().ReplaceAllString(line, "")
	if first := givenTo(program, rest); first != "" && !IsAdminPath(first) {
		return first
	}
	rest = pathText().ReplaceAllString(rest, " ")
	if m := looseFile().FindString(rest); m != "" {
		return strings.TrimRight(m, ` "',;)`)
	}
	if m := looseRoot().FindStringSubmatch(rest); m != nil {
		return m[1]
	}
	return ""
}

// givenTo is the file that a runner is given: rundll32's and regsvr32's library, cmd's command;
// "" where it is none, or is given nothing.
func givenTo(program, args string) string {
	words := argument().FindAllString(args, -1)
	switch strings.ToLower(baseName(program)) {
	case "rundll32.exe", "regsvr32.exe":
		for _, w := range words {
			if !strings.HasPrefix(w, "/") && !strings.HasPrefix(w, "-") {
				if strings.HasPrefix(w, `"`) {
					return strings.Trim(firstWord().FindString(w), `"`)
				}
				name, _, _ := strings.Cut(w, ",")
				return name
			}
		}
	case "cmd.exe":
		for i, w := range words {
			if strings.EqualFold(w, "/c") || strings.EqualFold(w, "/k") {
				if i+1 < len(words) && !slices.Contains(builtins, strings.ToLower(words[i+1])) {
					return strings.Trim(words[i+1], `"`)
				}
				return ""
			}
		}
	}
	return ""
}

// builtins are commands of cmd itself, which come before any file, and start none
// (Microsoft, "Windows commands").
var builtins = strings.Fields("assoc break cd chdir cls color date dir echo exit ftype path pause popd prompt pushd rem set time title type ver verify vol")

// argument is one argument of a line, with its quotes and what is written to them.
var argument = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"[^"]*"\S*|[^\s"]+`) })

// inAdminPath finds the paths of a text that are under an administrator's folder.
var inAdminPath = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)` + adminPath) })

// Escape is a way to write a path so that it reads like one under an administrator's
// folder and is another.
type Escape struct {
	Name string
	To   func(path string) string // path is an admin path
}

// Escapes lists them. Each is what Windows' own path handling allows (Microsoft, "Naming
// Files, Paths, and Namespaces" and "File path formats on Windows systems").
var Escapes = []Escape{
	{"traversal", func(p string) string { return `C:\Program Files\..\Users\Public\` + baseName(p) }},
	{"deep-traversal", func(p string) string { return folderOf(p) + `\..\..\..\..\..\Users\Public\` + baseName(p) }},
	{"late-traversal", func(p string) string { return folderOf(p) + `\x\..\..\..\..\Users\Public\` + baseName(p) }},
	{"traversal-with-blank", func(p string) string { return `C:\Program Files\.. \Users\Public\` + baseName(p) }},
	{"forward-slashes", func(p string) string { return `C:\Program Files/../Users/Public/` + baseName(p) }},
	{"stream", func(p string) string { return p + `:` + baseName(p) }},
	{"short-name", func(p string) string { return `C:\PROGRA~1\..\Users\Public\` + baseName(p) }},
	{"variable", func(p string) string { return `C:\Program Files\%OLDPWD%\` + baseName(p) }},
	{"variable-alone", func(p string) string { return `%ProgramFiles%\..\Users\Public\` + baseName(p) }},
	{"delayed-variable", func(p string) string { return `C:\Program Files\!x!\` + baseName(p) }},
	{"other-drive", func(p string) string { return `D` + p[1:] }},
	{"below-a-user", func(p string) string { return `C:\Users\Public\` + p[3:] }},
	{"share", func(p string) string { return `\\localhost\c$\Users\Public\` + baseName(p) }},
	{"device", func(p string) string { return `\\?\C:\Users\Public\` + baseName(p) }},
	{"folder-with-blank", func(p string) string { return `C:\Program Files \` + baseName(p) }},
	{"folder-alike", func(p string) string { return `C:\Program Filеs\` + baseName(p) }}, // a Cyrillic е
	{"longer-folder", func(p string) string { return `C:\Program Files2\` + baseName(p) }},
	{"second-argument", func(p string) string { return p + `" "C:\Users\Public\` + baseName(p) }},
	{"second-command", func(p string) string { return p + `" & "C:\Users\Public\` + baseName(p) }},
}

func folderOf(path string) string {
	if i := strings.LastIndexAny(path, `\/`); i > 0 {
		return path[:i]
	}
	return path
}
