package mapping

import (
	"maps"
	"slices"
	"strings"
)

// paddedFields are fields in which Windows writes blanks at the ends of a value that
// mean nothing: names of fixed width (LogonProcessName is "NtLmSsp "), and what was
// handed over as a program or a person wrote it, such as command lines and the
// strings of a file's version.
// Source: recorded events of the Security, System and Sysmon logs; hayabusa trims
// the values that its rules compare.
var paddedFields = fieldSet("LogonProcessName AuthenticationPackageName LmPackageName PackageName TransmittedServices " +
	"WorkstationName Workstation TargetUserName SubjectUserName ServiceName ServiceFileName ImagePath TaskName " +
	"CommandLine ParentCommandLine ProcessCommandLine HostApplication Details NewValue " +
	"Description Product Company OriginalFileName FileVersion " +
	"AccessList PrivilegeList AccessReason")

func fieldSet(names string) map[string]bool {
	m := map[string]bool{}
	for _, n := range words(names) {
		m[strings.ToLower(n)] = true
	}
	return m
}

// Padded reports whether a field's values may have blanks at their ends that mean
// nothing. A test of a Sigma rule is also met by the value without them.
func Padded(field string) bool { return paddedFields[strings.ToLower(field)] }

// PaddedFields lists the fields of Padded, in small letters.
func PaddedFields() []string { return slices.Sorted(maps.Keys(paddedFields)) }
