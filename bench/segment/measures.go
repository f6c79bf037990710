package main

import (
	"fmt"
	"strings"
)

// measure is one query, how DuckDB says it, and what is aimed at.
type measure struct {
	name   string
	sumo   string
	fields []string // of the rows, as DuckDB has them
	sql    string   // FILE is the segment
	unpack bool     // against unpacking and a scan of the lines

	aim, duckAim string
}

func (b *bench) measures(seed string) []measure {
	return []measure{
		{name: "seed", sumo: seed, sql: seedSQL(), aim: "<= 0.3", duckAim: "<= 2.5",
			fields: []string{"Computer", "User", "Image", "CommandLine", "ParentImage", "ParentCommandLine", "is_encoded_ps", "is_download_cradle", "is_script_engine", "is_lolbin", "suspicion_score"}},
		{name: "count by two columns", sumo: `* | json auto | count by EventID, Image`, aim: "", duckAim: "<= 2",
			sql: `SELECT "f.EventID", "f.Image", count(*) FROM FILE GROUP BY ALL`, fields: []string{"EventID", "Image", "_count"}},
		{name: "one value of a column, count by", sumo: `* | json auto | where EventID = "3" | count by DestinationIp`, duckAim: "",
			sql: `SELECT "f.DestinationIp", count(*) FROM FILE WHERE "f.EventID" = '3' GROUP BY ALL`, fields: []string{"DestinationIp", "_count"}},
		{name: "needle: a field without a column", sumo: fmt.Sprintf(`* | json auto | where ProcessGuid = "%s" | count by Image`, b.needle), aim: "<= 0.1", fields: []string{"Image", "_count"}},
		{name: "needle: a keyword", sumo: fmt.Sprintf(`"%s" | count by Image`, strings.Trim(b.needle, "{}")), aim: "<= 0.1", fields: []string{"Image", "_count"}},
		{name: "parse regex of the text, against unpacking and a scan", sumo: `* | parse regex "\"TargetImage\":\"(?<image>[^\"]+)\"" | count by image`, unpack: true, aim: "<= 1.1", fields: []string{"image", "_count"}},
		{name: "parse regex of the text where a column decides", sumo: `* | json auto | where EventID = "22" | parse regex "QueryName\":\"(?<name>[^\"]+)" | count by name`, fields: []string{"name", "_count"}},
	}
}

var (
	browsers = strings.Fields("chrome msedge firefox iexplore opera brave vivaldi")
	children = strings.Fields("powershell pwsh cmd wscript cscript mshta rundll32 regsvr32 certutil bitsadmin msiexec wmic msbuild csc installutil regasm regsvcs odbcconf")
	lolbins  = strings.Fields("rundll32 regsvr32 certutil msbuild installutil regasm regsvcs")
	engines  = strings.Fields("wscript cscript mshta")
	encoded  = []string{"-encodedcommand", "-enc ", "-ec "}
	cradles  = []string{"invoke-webrequest", "net.webclient", "downloadfile", "downloadstring", "iex(", "invoke-expression"}
)

// seedSQL is the seed query over a segment's columns, as ../cases.go has it over JSON.
func seedSQL() string {
	like := func(field, before string, words []string, after string) string {
		var tests []string
		for _, w := range words {
			tests = append(tests, fmt.Sprintf("%s LIKE '%s%s%s'", field, before, w, after))
		}
		return "(" + strings.Join(tests, " OR ") + ")"
	}
	flag := func(cond, name string) string { return fmt.Sprintf("CASE WHEN %s THEN 1 ELSE 0 END AS %s", cond, name) }
	return fmt.Sprintf(`SELECT "f.Computer", "f.User", "f.Image", "f.CommandLine", "f.ParentImage", "f.ParentCommandLine",
  is_encoded_ps, is_download_cradle, is_script_engine, is_lolbin,
  greatest(1, is_encoded_ps + is_download_cradle + is_script_engine + is_lolbin)
FROM (SELECT *, %s, %s, %s, %s
  FROM (SELECT *, lower("f.ParentImage") AS p, lower("f.Image") AS i, lower("f.CommandLine") AS c FROM FILE WHERE "f.EventID" = '1')
  WHERE %s AND %s)
ORDER BY _messagetime DESC`,
		flag(like("c", "%", encoded, "%"), "is_encoded_ps"), flag(like("c", "%", cradles, "%"), "is_download_cradle"),
		flag(like("i", "%", engines, ".exe"), "is_script_engine"), flag(like("i", "%", lolbins, ".exe"), "is_lolbin"),
		like("p", "%", browsers, ".exe"), like("i", "%", children, ".exe"))
}
