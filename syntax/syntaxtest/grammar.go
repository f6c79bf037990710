// Package syntaxtest holds the grammar of the whole language as data, and what
// tests need to read published queries with it.
package syntaxtest

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/syntax"
)

// Operator is a word of the pipe with its usage line.
type Operator struct {
	Name    string
	Aliases []string
	Usage   string
}

// Operators are all operators of the language, by the chapters of its
// documentation. Slot names are what the reference shows.
var Operators = []Operator{
	// Filtering and shaping.
	{Name: "where", Usage: "where <cond:expr>"},
	{Name: "fields", Usage: "fields [-] <names:field,...>"},
	{Name: "limit", Usage: "limit <n:int>"},
	{Name: "sort", Aliases: []string{"order"}, Usage: "(sort|order) [[by] <keys:sortkey,...>]"},
	{Name: "top", Usage: "top <n:int> <names:field,...> [by <keys:sortkey,...>]"},
	{Name: "topk", Usage: "topk(<n:int>, <keys:field,...>) [[group] by <groups:field,...>]"},
	{Name: "dedup", Usage: "dedup [consecutive] [<n:int>] [[by] <keys:field,...>]"},
	{Name: "filter", Usage: "filter <names:field,...> in <child:query>"},
	{Name: "timeslice", Usage: "timeslice [by] [<n:int> buckets|<every:duration>] [as <out:field>]"},
	{Name: "bin", Usage: "bin <of:field> width=<width:number> {[,] min=<min:number>|[,] max=<max:number>}"},
	{Name: "transpose", Usage: "transpose row <rows:field,...> column <columns:field,...> [as <names:column,...>]"},
	{Name: "fillmissing", Usage: "fillmissing <keys:(timeslice['('<every:duration>')'] [in <field:field>]|values all in <field:field>|values(<values:literal,...>) in <field:field>),...>" +
		" [with <fills:(<value:literal> for <field:field>),...>] [takeLast]"},

	// Parsing.
	{Name: "parse", Usage: "parse {field=<from:field>|nodrop} <rules:(<pattern:string> as <names:field,...>),...> {nodrop}"},
	{Name: "parse regex", Aliases: []string{"extract"}, Usage: "(parse regex|extract) {field=<from:field>|multi|nodrop} <patterns:regex,...> {multi|nodrop}"},
	{Name: "parse xml", Usage: "parse xml {field=<from:field>} <paths:string,...> [as <names:field,...>] {nodrop}"},
	{Name: "json", Usage: "json {field=<from:field>|keys|nodrop|[,] <paths:string,...>} [as <names:field,...>] {nodrop}"},
	{Name: "json auto", Usage: "(json auto) {field=<from:field>|maxdepth <depth:int>|extractarrays|refonly|keys|nodrop|<paths:string,...>} [as <names:field,...>] {nodrop|refonly}"},
	{Name: "keyvalue", Aliases: []string{"kv"}, Usage: "(keyvalue|kv) {infer|auto|regex <regex:regex>|field=<from:field>|delim [=] <delim:option>|keys|refonly|nodrop|<keys:string,...>} [as <names:field,...>] {nodrop|refonly}"},
	{Name: "csv", Usage: "csv <from:field> extract <columns:(<n:int> as <name:field>|<name:field>),...> {nodrop}"},
	{Name: "split", Usage: "split <from:field> {[,] delim=<delim:option>|[,] escape=<escape:option>|[,] quote=<quote:option>} extract <columns:(<n:int> as <name:field>|<name:field>),...> {nodrop}"},

	// Running and windowed.
	{Name: "accum", Usage: "accum <of:field> {as <out:field>|by <groups:field,...>}"},
	{Name: "total", Usage: "total <of:field> {as <out:field>|by <groups:field,...>}"},
	{Name: "diff", Usage: "diff <of:field> {as <out:field>|by <groups:field,...>}"},
	{Name: "backshift", Usage: "backshift <of:field> [, <n:int>] {as <out:field>|by <groups:field,...>}"},
	{Name: "smooth", Usage: "smooth <of:field> [, <n:int>] {as <out:field>|by <groups:field,...>}"},
	{Name: "rollingstd", Usage: "rollingstd <of:field> [, <n:int>] {as <out:field>|by <groups:field,...>}"},
	{Name: "outlier", Usage: "outlier <of:field> {[,] window=<window:int>|[,] threshold=<threshold:number>|[,] consecutive=<consecutive:int>|[,] direction=<direction:direction>|by <groups:field,...>}"},
	{Name: "predict", Usage: "predict <of:field> by <every:duration> {[,] model=<model:word>|[,] ar.window=<window:int>|[,] forecast=(<points:int>|<until:duration>)}"},
	{Name: "compare", Usage: "compare [with] <shifts:(timeshift <by:duration> [<n:int>] [avg|min|max] [as <name:field>]),...>"},

	// Group functions with a form of their own.
	{Name: "count_frequent", Usage: "count_frequent <names:field,...>"},
	{Name: "withtime", Usage: "withtime <of:field>"},
	{Name: "merge", Usage: "merge [<fields:(<of:field> [takeFirst|takeLast|takeDistinct|join [with <sep:string>]] [as <out:field>]),...>]"},

	// Joining and correlating.
	{Name: "join", Usage: "join <tables:(<child:query> as <name:name>),...> on <on:expr> [timewindow <within:duration>]"},
	{Name: "lookup", Usage: "lookup (*|<outs:rename,...>) from <table:path> on <on:expr,...>"},
	{Name: "cat", Usage: "cat <table:path>"},
	{Name: "save", Usage: "save [append] <table:path>"},
	{Name: "transaction", Usage: "transaction on <ids:field,...> [fringe=<fringe:duration>]" +
		" (with states <names:(<state:field> [as <name:field>]),...> [in <of:field>]|<states:(with <pattern:string> [in <field:field>] as <name:field>),...>)" +
		" [showing <aggs:(<agg:agg> [for <state:field>] [as <out:field>]),...>] [results by (transactions|transaction|states|flow)]"},
	{Name: "transactionize", Usage: "transactionize <keys:field,...> [as <prefix:field>]" +
		" {[,] maxSpan=<span:duration>|[,] maxPause=<pause:duration>|[,] maxLogs=<logs:int>|[,] startsWith=<starts:string> [; strict]|[,] endsWith=<ends:string> [; strict]|[,] keepOrphans=(true|false)} [<child:query>]"},
	{Name: "trace", Usage: "trace [+|-] <pattern:regex> <start:string>"},
	{Name: "sessionize", Usage: "sessionize <anchors:(<pattern:string> as <names:field,...>),...>"},

	// Enrichment.
	{Name: "geoip", Usage: "geoip <ip:field> [[,] <more:field,...>]"},
	{Name: "threatip", Usage: "threatip <ip:field>"},
	{Name: "threatlookup", Usage: "threatlookup {singleIndicator|source=<source:string>} <of:field,...>"},

	// Behaviour insights.
	{Name: "logreduce", Aliases: []string{"summarize"}, Usage: "(logreduce|summarize) {[,] field=<from:field>|<of:field>|by <groups:field,...>|[,] limit=<limit:int>|[,] criteria=(mostcommon|leastcommon)|optimize}"},
	{Name: "logreduce keys", Usage: "(logreduce keys) {[,] parser=(json|keyvalue)|[,] maxdepth=<depth:int>|[,] field=<from:field>|noaggregate}"},
	{Name: "logreduce values", Usage: "(logreduce values) on <of:field,...> [[,] output_threshold=<threshold:number>]"},
	{Name: "logcompare", Usage: "logcompare {timeshift <by:duration>|start_time [=] <start:literal>|end_time [=] <end:literal>|baseline <baseline:query>}"},
	{Name: "logexplain", Usage: "logexplain <test:expr> [against <control:expr>] on <of:field,...>"},
	{Name: "details", Usage: "details <id:word>"},
	{Name: "infer", Usage: "infer <options:(<name:word>=(<value:word>|<value:string>))...>"},
	{Name: "benchmark", Usage: "benchmark <outs:rename,...> from <model:word> on <on:expr,...>"},
}

// Aggregates are the names of the group functions.
var Aggregates = strings.Fields(`
	count count_distinct sum avg min max stddev pct pct_sampling first last
	most_recent least_recent values median`)

// Functions are the names of the scalar functions.
var Functions = strings.Fields(`
	abs acos asin atan asciiToHex atan2 base64Decode base64Encode cbrt ceil floor compareCIDRPrefix concat contains
	cos cosh sin sinh tan tanh decToHex double num number toDouble toFloat float toNumber exp expm1 log log10 log1p
	format formatDate fromMillis toMillis getCIDRPrefix hash haversine hexToAscii hexToDec hypot if ipv4ToNumber
	isBlank isEmpty isNull isInfinity isNaN isNumeric isPrivateIP isPublicIP isReservedIP isValidIP isValidIPv4
	isValidIPv6 jsonArrayContains jsonArraySize length lookupContains luhn maskFromCIDR max min now parseDate parseHex
	pow queryStartTime queryEndTime queryTimeRange replace round sqrt substring toDegrees toRadians toInt int toLong
	long toLowerCase toUpperCase toString tourl trim urlencode urldecode`)

type grammar struct {
	usage   map[string]*syntax.Usage
	agg, fn map[string]bool
	names   []string
}

// Grammar is the grammar of the whole language. It panics when a usage line is
// wrong, which is a mistake in this package.
func Grammar() syntax.Grammar {
	g := &grammar{usage: map[string]*syntax.Usage{}, agg: map[string]bool{}, fn: map[string]bool{}}
	for _, o := range Operators {
		u, err := syntax.ParseUsage(o.Usage)
		if err != nil {
			panic(fmt.Sprintf("bug: syntaxtest: %v", err))
		}
		for _, n := range append([]string{o.Name}, o.Aliases...) {
			g.usage[strings.ToLower(n)] = u
			g.names = append(g.names, n)
		}
	}
	for _, a := range Aggregates {
		g.agg[strings.ToLower(a)] = true
		g.names = append(g.names, a)
	}
	for _, f := range Functions {
		g.fn[strings.ToLower(f)] = true
		g.names = append(g.names, f)
	}
	return g
}

func (g *grammar) Usage(op string) (*syntax.Usage, bool) {
	u, ok := g.usage[strings.ToLower(op)]
	return u, ok
}
func (g *grammar) Aggregate(name string) bool { return g.agg[strings.ToLower(name)] }
func (g *grammar) Function(name string) bool  { return g.fn[strings.ToLower(name)] }
func (g *grammar) Names() []string            { return g.names }
