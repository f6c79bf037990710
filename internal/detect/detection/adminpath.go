package detection

import (
	"regexp"
	"strings"
	"sync"
)

// A path is under an administrator's folder when Windows, having resolved it, opens a
// file that only administrators could put there. That is a matter of the whole path and
// not of how it begins: "..", a forward slash, an alternate stream, an 8.3 name or a
// variable leads elsewhere. The one definition of it is here; the ledger, tune and the
// lint of packages read it.
//
// In a ledger entry <admin-path> stands for such a path without its extension, and
// <system-path> for the folder of a program of Windows, with the backslash.
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

// pathWords are the words of a ledger entry and the patterns they stand for.
var pathWords = strings.NewReplacer("<admin-path>", adminPath, "<system-path>", systemRoots)

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
	const start = `([a-z]:[\\/]|\\\\|//|%[a-z_()0-9]+%|\$env:|!|\.{1,2}[\\/])`
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
