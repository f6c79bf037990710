package main

import (
	"fmt"
	"strings"
)

// measure is one query, how a peer says it, and what is aimed at.
type measure struct {
	name string
	hits bool   // over the corpus with many hits
	sumo string // the query; "" is the seed query
	sql  func(file string) string
	rg   string // or a pattern that ripgrep counts the lines of
	word bool   // which are those of the query, as many as it counts
	ag   string // or the query in angle-grinder's language
	// ratio is the most of the peer's time that is aimed at; rate the least of
	// bytes a second.
	ratio float64
	rate  float64
}

var measures = []measure{
	{name: "seed", sql: seedSQL, ratio: 0.40},
	{name: "seed, 20 % hits", hits: true, sql: seedSQL, ratio: 0.40},
	{name: "seed against rg -j1 -c -i", rg: browsersPattern(), ratio: 1.3},
	{name: "seed, 20 % hits, against rg -j1 -c -i", hits: true, rg: browsersPattern(), ratio: 1.3},
	{name: "count by, nothing to search for", rate: 1e9, ratio: 0.7,
		sumo: `* | json auto | where EventID = "1" | count by Image`,
		sql: func(file string) string {
			return `SELECT Image, count(*) AS _count FROM ` + read(file, "EventID", "Image") + ` WHERE EventID = '1' GROUP BY Image`
		}},
	{name: "parse regex of a field, count by", ratio: 1,
		sumo: `* | parse regex field=Image "(?<exe>[^\\]+)$" | count by exe`,
		sql: func(file string) string {
			return `SELECT regexp_extract(Image, '([^\\]+)$', 1) AS exe, count(*) AS _count FROM ` + read(file, "Image") +
				` WHERE regexp_matches(Image, '[^\\]+$') GROUP BY exe`
		}},
	{name: "parse regex of the text, count by", ratio: 1,
		sumo: `* | parse regex "\"TargetImage\":\"(?<image>[^\"]+)\"" | count by image`,
		sql: func(file string) string {
			return `SELECT regexp_extract(line, '"TargetImage":"([^"]+)"', 1) AS image, count(*) AS _count FROM read_csv('` + file +
				`', columns = {line: 'VARCHAR'}, header = false, delim = chr(1), quote = '', escape = '', auto_detect = false)` +
				` WHERE regexp_matches(line, '"TargetImage":"[^"]+"') GROUP BY image`
		}},
	{name: "json, timeslice 1m, count by", ratio: 1,
		sumo: `* | json "EventID" as id | timeslice 1m | count by _timeslice, id`,
		sql: func(file string) string {
			return `SELECT epoch_ms(time_bucket(INTERVAL 1 minute, UtcTime)) AS _timeslice, EventID AS id, count(*) AS _count FROM read_ndjson('` +
				file + `', columns = {UtcTime: 'TIMESTAMP', EventID: 'VARCHAR'}) WHERE EventID IS NOT NULL GROUP BY ALL`
		}},
	{name: "count_distinct by", ratio: 1,
		sumo: `* | count_distinct(Image) as images by Computer`,
		sql: func(file string) string {
			return `SELECT Computer, count(DISTINCT Image) AS images FROM ` + read(file, "Image", "Computer") + ` GROUP BY Computer`
		}},
	{name: "sort by, limit 100", ratio: 1,
		sumo: `* | sort by CommandLine, EventRecordID | limit 100 | fields CommandLine, EventRecordID, Computer`,
		sql: func(file string) string {
			return `SELECT CommandLine, EventRecordID, Computer FROM ` + read(file, "CommandLine", "EventRecordID", "Computer") +
				` ORDER BY CommandLine DESC NULLS LAST, EventRecordID DESC LIMIT 100`
		}},
	{name: "count", ratio: 1,
		sumo: `* | count`,
		sql:  func(file string) string { return `SELECT count(*) AS _count FROM ` + read(file, "EventID") }},
	{name: "count by, a key for nearly each event", ratio: 1,
		sumo: `* | json auto | count by EventRecordID`,
		sql: func(file string) string {
			return `SELECT EventRecordID, count(*) AS _count FROM ` + read(file, "EventRecordID") + ` WHERE EventRecordID IS NOT NULL GROUP BY EventRecordID`
		}},
	{name: "join", ratio: 1,
		sumo: `* | join (* | json auto | where EventID = "15") as a, (* | json auto | where EventID = "8") as b on a.Computer = b.Computer | fields a_EventRecordID, b_EventRecordID`,
		sql: func(file string) string {
			events := read(file, "EventID", "Computer", "EventRecordID")
			return `SELECT a.EventRecordID AS a_EventRecordID, b.EventRecordID AS b_EventRecordID FROM ` + events + ` a JOIN ` + events +
				` b ON a.Computer = b.Computer WHERE a.EventID = '15' AND b.EventID = '8'`
		}},
	{name: "keyword against rg -j1 -c -i", ratio: 1.3, sumo: `"explorer.exe" | count`, rg: `explorer\.exe`, word: true},
	{name: "keyword that is nowhere, against rg -j1 -c -i", ratio: 1.3, sumo: `"xylophone" | count`, rg: `xylophone`, word: true},
	{name: "count against angle-grinder", ratio: 0.33, sumo: `* | count`, ag: `* | count as _count`},
	{name: "where, count by, against angle-grinder", ratio: 0.33,
		sumo: `* | json auto | where EventID = "1" | count by Image`,
		ag:   `* | json | where EventID == "1" | count as _count by Image`},
	{name: "parse regex, count by, against angle-grinder", ratio: 0.33,
		sumo: `* | parse regex "\"TargetImage\":\"(?<image>[^\"]+)\"" | count by image`,
		ag:   `* | parse regex "\"TargetImage\":\"(?P<image>[^\"]+)\"" | count as _count by image`},
}

// read is DuckDB's reader of JSON lines for text columns.
func read(file string, columns ...string) string {
	var cols []string
	for _, c := range columns {
		cols = append(cols, fmt.Sprintf(`"%s": 'VARCHAR'`, c))
	}
	return fmt.Sprintf(`read_ndjson('%s', columns = {%s})`, file, strings.Join(cols, ", "))
}

var (
	browsers = strings.Fields("chrome msedge firefox iexplore opera brave vivaldi")
	children = strings.Fields("powershell pwsh cmd wscript cscript mshta rundll32 regsvr32 certutil bitsadmin msiexec wmic msbuild csc installutil regasm regsvcs odbcconf")
	lolbins  = strings.Fields("rundll32 regsvr32 certutil msbuild installutil regasm regsvcs")
	engines  = strings.Fields("wscript cscript mshta")
	encoded  = []string{"-encodedcommand", "-enc ", "-ec "}
	cradles  = []string{"invoke-webrequest", "net.webclient", "downloadfile", "downloadstring", "iex(", "invoke-expression"}
)

func browsersPattern() string {
	return strings.Join(browsers, `\.exe|`) + `\.exe`
}

// seedSQL is the seed query for flat events.
func seedSQL(file string) string {
	like := func(field, before string, words []string, after string) string {
		var tests []string
		for _, w := range words {
			tests = append(tests, fmt.Sprintf("%s LIKE '%s%s%s'", field, before, w, after))
		}
		return "(" + strings.Join(tests, " OR ") + ")"
	}
	flag := func(cond, name string) string { return fmt.Sprintf("CASE WHEN %s THEN 1 ELSE 0 END AS %s", cond, name) }
	from := read(file, "EventID", "UtcTime", "Computer", "User", "Image", "CommandLine", "ParentImage", "ParentCommandLine")
	return fmt.Sprintf(`SELECT epoch_ms(CAST(UtcTime AS TIMESTAMP)) AS _messagetime, Computer, "User", Image, CommandLine, ParentImage, ParentCommandLine,
  is_encoded_ps, is_download_cradle, is_script_engine, is_lolbin,
  greatest(1, is_encoded_ps + is_download_cradle + is_script_engine + is_lolbin) AS suspicion_score
FROM (SELECT *, %s, %s, %s, %s
  FROM (SELECT *, lower(ParentImage) AS p, lower(Image) AS i, lower(CommandLine) AS c FROM %s WHERE EventID = '1')
  WHERE %s AND %s)
ORDER BY _messagetime DESC`,
		flag(like("c", "%", encoded, "%"), "is_encoded_ps"), flag(like("c", "%", cradles, "%"), "is_download_cradle"),
		flag(like("i", "%", engines, ".exe"), "is_script_engine"), flag(like("i", "%", lolbins, ".exe"), "is_lolbin"),
		from, like("p", "%", browsers, ".exe"), like("i", "%", children, ".exe"))
}
