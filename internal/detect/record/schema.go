// Package record makes Cloud SIEM records of events: which mapper an event is for,
// what its attributes are, and what is derived of them. Rules and queries over
// records read attributes as they read fields.
// Source: Cloud SIEM as ../shared/spec/cloud-siem.md describes it, sections 2 and 3;
// numbers in comments are sections of it.
package record

import (
	_ "embed"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Attribute is an attribute of the schema (2.1).
type Attribute struct {
	Name   string
	Type   string // string, int, long, float, double, boolean, array[string], map[string]string, ...
	Entity string // the type of entity that it names, or ""
	// Enrichment says what is derived of it: ip, domain, url_domain, severity, or
	// the way its name is normalised; "" is nothing.
	Enrichment string
	Mappable   bool // a mapper may set it
	Enriched   bool // it is derived
	Deprecated bool
}

//go:embed schema.tsv
var schemaText string

var schema = sync.OnceValue(func() map[string]*Attribute {
	m := map[string]*Attribute{}
	for line := range strings.Lines(schemaText) {
		c := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		m[c[0]] = &Attribute{
			Name: c[0], Type: c[1], Entity: c[2], Enrichment: c[3],
			Mappable: strings.Contains(c[4], "m"), Enriched: strings.Contains(c[4], "e"), Deprecated: strings.Contains(c[4], "d"),
		}
	}
	return m
})

// Schema are all attributes by name. It is not to be changed.
func Schema() map[string]*Attribute { return schema() }

// Types are the types of records that mappers make (2.1).
var Types = []string{
	"Audit", "AuditChange", "AuditFile", "AuditResourceAccess", "Authentication", "AuthenticationPrivilegeEscalation", "Email",
	"Endpoint", "EndpointModuleLoad", "EndpointProcess", "Network", "NetworkDHCP", "NetworkDNS", "NetworkFlow", "NetworkHTTP",
	"NetworkProxy", "Notification", "NotificationVulnerability",
}

// Values are the values that an attribute has, by name; nil for one that may have any.
func Values(name string) []string {
	return slices.Sorted(maps.Keys(enforced[name]))
}

// enforced are the attributes that have certain values and no others (2.8).
var enforced = func() map[string]map[string]bool {
	m := map[string]map[string]bool{}
	for name, values := range map[string]string{
		"normalizedAction":   "allow,abort,access,deny,bypass,change,clean,create,decrypt,delete,disable,domainLogon,enable,execute,ignore,inspect,install,load,lock,logoff,logon,quarantine,receive,reset,restore,scan,send,start,stop,uninstall",
		"normalizedResource": "account,application,backup,bucket,database,directory,email,file,group,instance,key,malware,network,operating system,process,role,scheduled task,service",
		"normalizedCause":    "incorrect password,incorrect username,failed challenge,system error,allow list,deny list",
		"threat_ruleType":    "intrusion,malware,direct",
	} {
		m[name] = map[string]bool{}
		for v := range strings.SplitSeq(values, ",") {
			m[name][v] = true
		}
	}
	return m
}()

// Convert makes a value of the attribute's type of a text; one that does not
// convert, or that the attribute cannot have, is null (2.1, 2.8).
func (a *Attribute) Convert(s string) event.Value {
	if allowed := enforced[a.Name]; allowed != nil && !allowed[s] {
		return event.Value{}
	}
	switch a.Type {
	case "int", "long":
		f, ok := event.ParseNumber(s)
		if !ok || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
			return event.Value{}
		}
		if a.Type == "int" && (f < math.MinInt32 || f > math.MaxUint32) {
			return event.Value{} // Windows' process ids are unsigned
		}
		if a.Name == "normalizedSeverity" && (f < 0 || f > 10) {
			return event.Value{}
		}
		return event.Int(int64(f))
	case "float", "double":
		if f, ok := event.ParseNumber(s); ok {
			return event.Float(f)
		}
		return event.Value{}
	case "boolean":
		switch strings.ToLower(s) {
		case "true":
			return event.Bool(true)
		case "false":
			return event.Bool(false)
		}
		return event.Value{}
	}
	return event.Text(s)
}
