// Made of gyoji's vocabulary by package highlight; do not change it by hand.
// import { StreamLanguage } from "@codemirror/language"
// import { sumo } from "./sumo.js"
// const language = StreamLanguage.define(sumo)

export const words = {
  "operators": [
    "accum",
    "backshift",
    "benchmark",
    "bin",
    "cat",
    "compare",
    "count_frequent",
    "csv",
    "dedup",
    "details",
    "diff",
    "extract",
    "fields",
    "fillmissing",
    "filter",
    "geoip",
    "infer",
    "join",
    "json",
    "json auto",
    "keyvalue",
    "kv",
    "limit",
    "logcompare",
    "logexplain",
    "logreduce",
    "logreduce keys",
    "logreduce values",
    "lookup",
    "merge",
    "order",
    "outlier",
    "parse",
    "parse regex",
    "parse xml",
    "predict",
    "rename",
    "rollingstd",
    "save",
    "sessionize",
    "smooth",
    "sort",
    "split",
    "summarize",
    "threatip",
    "threatlookup",
    "timeslice",
    "top",
    "topk",
    "total",
    "trace",
    "transaction",
    "transactionize",
    "transpose",
    "where",
    "withtime"
  ],
  "aggregates": [
    "avg",
    "count",
    "count_distinct",
    "first",
    "last",
    "least_recent",
    "max",
    "median",
    "min",
    "most_recent",
    "pct",
    "pct_sampling",
    "stddev",
    "sum",
    "values"
  ],
  "functions": [
    "abs",
    "acos",
    "asciitohex",
    "asin",
    "atan",
    "atan2",
    "base64decode",
    "base64encode",
    "cbrt",
    "ceil",
    "coalesce",
    "comparecidrprefix",
    "concat",
    "contains",
    "cos",
    "cosh",
    "dectohex",
    "double",
    "exp",
    "expm1",
    "float",
    "floor",
    "format",
    "formatdate",
    "frommillis",
    "fromseconds",
    "getcidrprefix",
    "hash",
    "haversine",
    "hextoascii",
    "hextodec",
    "hypot",
    "if",
    "int",
    "ipv4tonumber",
    "isblank",
    "isempty",
    "isinfinity",
    "isnan",
    "isnotnull",
    "isnull",
    "isnumeric",
    "isprivateip",
    "ispublicip",
    "isreservedip",
    "isvalidip",
    "isvalidipv4",
    "isvalidipv6",
    "jsonarraycontains",
    "jsonarraysize",
    "length",
    "log",
    "log10",
    "log1p",
    "long",
    "lookupcontains",
    "lower",
    "luhn",
    "maskfromcidr",
    "max",
    "min",
    "now",
    "num",
    "number",
    "nvl",
    "parsedate",
    "parsehex",
    "pow",
    "queryendtime",
    "querystarttime",
    "querytimerange",
    "replace",
    "round",
    "sin",
    "sinh",
    "sqrt",
    "strlen",
    "substring",
    "tan",
    "tanh",
    "todegrees",
    "todouble",
    "tofloat",
    "toint",
    "tolong",
    "tolower",
    "tolowercase",
    "tomillis",
    "tonumber",
    "toradians",
    "tostring",
    "toupper",
    "touppercase",
    "tourl",
    "trim",
    "upper",
    "urldecode",
    "urlencode"
  ],
  "keywords": [
    "against",
    "all",
    "append",
    "as",
    "asc",
    "auto",
    "avg",
    "baseline",
    "buckets",
    "by",
    "column",
    "compose",
    "consecutive",
    "criteria",
    "delim",
    "desc",
    "details",
    "direction",
    "end_time",
    "endswith",
    "escape",
    "eval",
    "extract",
    "extractarrays",
    "false",
    "field",
    "for",
    "forecast",
    "fringe",
    "from",
    "group",
    "in",
    "infer",
    "join",
    "json",
    "keeporphans",
    "keys",
    "keyvalue",
    "keywords",
    "leastcommon",
    "limit",
    "max",
    "maxdepth",
    "maxlogs",
    "maxpause",
    "maxresults",
    "maxspan",
    "min",
    "model",
    "mostcommon",
    "multi",
    "noaggregate",
    "nodrop",
    "on",
    "optimize",
    "output_threshold",
    "parser",
    "quote",
    "refonly",
    "regex",
    "results",
    "row",
    "showing",
    "singleindicator",
    "source",
    "start_time",
    "startswith",
    "states",
    "strict",
    "subquery",
    "takedistinct",
    "takefirst",
    "takelast",
    "threshold",
    "timeshift",
    "timeslice",
    "timewindow",
    "to",
    "true",
    "values",
    "width",
    "window",
    "with"
  ],
  "infix": [
    "and",
    "contains",
    "in",
    "matches",
    "not",
    "or"
  ],
  "constants": [
    "false",
    "null",
    "true"
  ],
  "metadata": [
    "_collector",
    "_messagetime",
    "_raw",
    "_receipttime",
    "_size",
    "_source",
    "_sourcecategory",
    "_sourcehost",
    "_sourcename"
  ],
  "units": [
    "ns",
    "us",
    "ms",
    "s",
    "m",
    "h",
    "d",
    "w"
  ]
}

const set = Object.fromEntries(Object.entries(words).map(([k, list]) => [k, new Set(list)]));
const first = new Set(words.operators.flatMap((w) => (w.includes(" ") ? [w.split(" ")[0]] : [])));

export const sumo = {
  name: "sumo",
  startState: () => ({ stage: false, start: false, string: "", comment: false, depth: 0 }),
  copyState: (s) => ({ ...s }),
  token(stream, state) {
    if (state.comment) {
      if (stream.skipTo("*/")) { stream.match("*/"); state.comment = false; } else stream.skipToEnd();
      return "comment";
    }
    if (state.string) {
      let c;
      while ((c = stream.next()) != null) {
        if (c === "\\") stream.next();
        else if (c === '"') { const kind = state.string; state.string = ""; return kind; }
      }
      return state.string;
    }
    if (stream.eatSpace()) return null;
    const before = stream.start === 0 ? " " : stream.string[stream.start - 1];
    if (/[\s|)\],;"]/.test(before)) {
      if (stream.match("//")) { stream.skipToEnd(); return "comment"; }
      if (stream.match("/*")) { state.comment = true; return "comment"; }
    }
    if (stream.match(/^\{\{\{?[^{}]+\}?\}\}/)) return "meta";
    if (stream.match(/^%"/)) { state.string = "variableName"; return "variableName"; }
    if (stream.match(/^["\u201c\u201d]/)) { state.string = "string"; return "string"; }
    if (stream.match("||")) return "operator";
    if (stream.match("|")) { state.stage = true; state.start = true; return "punctuation"; }
    if (stream.match(/^\[\s*subquery\b[^:\]]*:/i)) { state.stage = false; return "keyword"; }
    if (!state.stage) {
      if (stream.match(/^(?:and|or|not)(?![\w.\/-])/i)) return "operatorKeyword";
      const field = stream.match(/^[A-Za-z_][\w.-]*(?=\s*(?:!=|<>|=))/);
      if (field) return set.metadata.has(field[0].toLowerCase()) ? "variableName.special" : "variableName";
      if (stream.match(/^(?:!=|<>|==|=)/)) return "operator";
      if (stream.match(/^[^\s|()"\]=]+/)) return null;
      stream.next();
      return null;
    }
    if (stream.match(/^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\w*/)) { state.start = false; return "number"; }
    const word = stream.match(/^[A-Za-z_][\w.]*/);
    if (word) {
      const w = word[0].toLowerCase();
      const start = state.start;
      state.start = false;
      if (start) {
        if (first.has(w)) {
          const two = stream.match(/^\s+[A-Za-z_]\w*/, false);
          if (two && set.operators.has(w + " " + two[0].trim().toLowerCase())) { stream.match(/^\s+[A-Za-z_]\w*/); return "keyword"; }
        }
        if (set.operators.has(w) || set.aggregates.has(w)) return "keyword";
      }
      if (/^\s*\(/.test(stream.string.slice(stream.pos)) && (set.functions.has(w) || set.aggregates.has(w))) return "variableName.function";
      if (set.infix.has(w)) return "operatorKeyword";
      if (set.constants.has(w)) return "atom";
      if (set.metadata.has(w)) return "variableName.special";
      if (set.keywords.has(w)) return "keyword";
      return "variableName";
    }
    state.start = false;
    stream.next();
    return "operator";
  },
  languageData: { commentTokens: { line: "//", block: { open: "/*", close: "*/" } }, closeBrackets: { brackets: ["(", "[", '"'] } },
};
