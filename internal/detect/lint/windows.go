package lint

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

// pathFields are the fields of Windows events that hold paths and command lines,
// without what separates words. Windows keeps their letter case and ignores it.
var pathFields = map[string]bool{
	"image": true, "parentimage": true, "commandline": true, "parentcommandline": true, "originalfilename": true,
	"targetfilename": true, "imageloaded": true, "currentdirectory": true, "sourceimage": true, "targetimage": true,
	"targetobject": true, "newprocessname": true, "parentprocessname": true, "processname": true, "processpath": true,
	"imagepath": true, "servicefilename": true, "callerprocessname": true, "pipename": true, "processcommandline": true,
	"scriptblocktext": true, "objectname": true, "relativetargetname": true,
}

// isPathField reports whether a field is one of pathFields, also as Event.Image
// or parent_image.
func isPathField(name string) bool {
	name = name[strings.LastIndexByte(name, '.')+1:]
	return pathFields[strings.ToLower(strings.ReplaceAll(name, "_", ""))]
}

// windowsPath recognises a path or file name of Windows in a text or pattern.
var windowsPath = match.Lazy(`(?i)\\[a-z]|[a-z0-9]\.(?:exe|dll|sys|bat|cmd|ps1|vbs|hta|scr|msi|lnk)\b`)

// executable is a program's name at the end of a wildcard pattern that starts
// with *. Of names in .com those that Windows has are meant: others are domains.
var executable = match.Lazy(`(?i)^\*([a-z0-9][a-z0-9_.-]*\.(?:exe|bat|cmd|ps1|scr|dll)|(?:chcp|command|diskcomp|diskcopy|edit|format|mode|more|tree|win)\.com)$`)

// fieldOf is the field that a comparison is about, nil when it is computed.
func fieldOf(x syntax.Expr) *syntax.Field {
	f, _ := unparen(x).(*syntax.Field)
	return f
}

func hasLetter(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }) >= 0
}

// windowsFile recognises a file name of Windows in a regular expression, where a
// backslash says nothing.
var windowsFile = match.Lazy(`(?i)[a-z0-9]\\?\.(?:exe|dll|sys|bat|cmd|ps1|vbs|hta|scr|msi|lnk)\b`)
