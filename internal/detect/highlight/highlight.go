// Package highlight writes grammars of the query language for editors: TextMate's for
// VS Code and GitHub, a stream language for CodeMirror, word lists for tree-sitter. All
// are made of one list of words, and that of the vocabulary, so that a new word needs no
// change here. They colour; what is right or wrong the language server says.
package highlight

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Words are the words of the language by what they are, in lower case, sorted.
type Words struct {
	Operators  []string `json:"operators"`  // behind a pipe
	Aggregates []string `json:"aggregates"` // behind a pipe too, and in lists
	Functions  []string `json:"functions"`  // before a parenthesis
	Keywords   []string `json:"keywords"`   // of operators' usage lines
	Infix      []string `json:"infix"`      // between operands
	Constants  []string `json:"constants"`
	Metadata   []string `json:"metadata"` // fields of every message
	Units      []string `json:"units"`    // of time
}

// Of lists the words of a vocabulary.
func Of(v *lang.Vocabulary) Words {
	var w Words
	keywords := map[string]bool{"as": true, "by": true, "group": true, "asc": true, "desc": true, "eval": true, "compose": true, "keywords": true, "maxresults": true, "subquery": true, "from": true, "to": true}
	for _, n := range v.Names() {
		k := strings.ToLower(n)
		if o := v.Operator(n); o != nil && o.Status != "planned" {
			w.Operators = append(w.Operators, k)
			u, _ := v.Usage(n)
			for _, word := range u.Keywords() {
				if isWord(word) {
					keywords[strings.ToLower(word)] = true
				}
			}
		}
		if v.Aggregate(n) {
			w.Aggregates = append(w.Aggregates, k)
		}
		if v.Function(n) {
			w.Functions = append(w.Functions, k)
		}
	}
	for _, n := range syntax.InfixWords() {
		w.Infix = append(w.Infix, strings.TrimPrefix(n, "not "))
	}
	w.Infix = append(w.Infix, "not")
	for k := range keywords {
		w.Keywords = append(w.Keywords, k)
	}
	for _, n := range mapping.MetadataNames() {
		w.Metadata = append(w.Metadata, strings.ToLower(n))
	}
	w.Constants, w.Units = []string{"true", "false", "null"}, append([]string{"ns", "us", "ms"}, syntax.Units()...)
	for _, list := range []*[]string{&w.Operators, &w.Aggregates, &w.Functions, &w.Keywords, &w.Infix, &w.Constants, &w.Metadata} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return w
}

func isWord(s string) bool {
	return s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// oneOf is a regular expression for one of some words, the longest first, since one may
// begin another.
func oneOf(words []string) string {
	words = slices.Clone(words)
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	for i, w := range words {
		words[i] = strings.ReplaceAll(regexp.QuoteMeta(w), " ", `\s+`)
	}
	return strings.Join(words, "|")
}

// written is JSON for people to read.
func written(v any) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic("bug: highlight: " + err.Error())
	}
	return []byte(b.String())
}

type (
	object = map[string]any
	list   = []any
)

// TextMate is the grammar in TextMate's form, as JSON: source.sumo. A pipe opens a
// stage, in which operators, functions and keywords are; before the first there are
// words to search for, where they are nothing special.
func TextMate(w Words) []byte {
	match := func(name, pattern string) object { return object{"name": name + ".sumo", "match": pattern} }
	include := func(names ...string) list {
		var l list
		for _, n := range names {
			l = append(l, object{"include": n})
		}
		return l
	}
	// A // inside a word, as in http://, is no comment.
	const before = `(?<![^\s|)\],;"])`
	escape := object{"name": "constant.character.escape.sumo", "match": `\\.`}
	operators := append(slices.Clone(w.Operators), w.Aggregates...)
	return written(object{
		"$schema":     "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
		"information": "Made of gyoji's vocabulary by package highlight; do not change it by hand.",
		"name":        "Sumo Logic query",
		"scopeName":   "source.sumo",
		"fileTypes":   []string{"sumo"},
		"patterns":    include("#comment", "#template", "#stage", "#subquery", "#string", "#group", "#search"),
		"repository": object{
			"comment": object{"patterns": list{
				match("comment.line.double-slash", before+`//.*$`),
				object{"name": "comment.block.sumo", "begin": before + `/\*`, "end": `\*/`},
			}},
			"template": match("variable.parameter.template", `\{\{\{?[^{}\n]+\}?\}\}`),
			"string": object{"patterns": list{
				object{"name": "variable.other.field.sumo", "begin": `%"`, "end": `"`, "patterns": list{escape}},
				object{"name": "string.quoted.double.sumo", "begin": `["\x{201c}\x{201d}]`, "end": `["\x{201c}\x{201d}]`, "patterns": append(include("#template"), escape)},
			}},
			"search": object{"patterns": list{
				match("keyword.operator.word", `(?i)(?<![\w./-])(?:and|or|not)(?![\w./-])`),
				object{"match": `(?i)(?<![\w./-])(` + oneOf(w.Metadata) + `)(?=\s*(?:=|!=|<>))`, "captures": object{"1": object{"name": "variable.language.metadata.sumo"}}},
				object{"match": `(?<![\w./-])([A-Za-z_][\w.-]*)(?=\s*(?:!=|<>|=))`, "captures": object{"1": object{"name": "variable.other.field.sumo"}}},
				match("keyword.operator.comparison", `!=|<>|==|=`),
				match("constant.character.wildcard", `\*`),
			}},
			"group": object{"begin": `\(`, "end": `\)`, "patterns": include("#comment", "#template", "#stage", "#subquery", "#string", "#group", "#search")},
			"stage": object{
				"name":          "meta.stage.sumo",
				"begin":         `(?i)(?<!\|)(\|)(?!\|)\s*(?:(` + oneOf(operators) + `)(?![\w.]))?`,
				"beginCaptures": object{"1": object{"name": "punctuation.separator.pipe.sumo"}, "2": object{"name": "keyword.control.operator.sumo"}},
				"end":           `(?=(?<!\|)\|(?!\|)|[)\]])`,
				"patterns":      include("#comment", "#inside"),
			},
			"inside": object{"patterns": append(include("#comment", "#template", "#subquery", "#regex", "#parens", "#string"), list{
				object{"name": "string.quoted.single.sumo", "begin": `'`, "end": `'|$`},
				object{"match": `(?i)\b(as)\s+([A-Za-z_][\w.]*)`, "captures": object{"1": object{"name": "keyword.other.sumo"}, "2": object{"name": "variable.other.definition.sumo"}}},
				match("support.function", `(?i)(?<![\w.])(?:`+oneOf(w.Functions)+`)(?=\s*\()`),
				match("support.function.aggregate", `(?i)(?<![\w.])(?:`+oneOf(w.Aggregates)+`)(?=\s*\()`),
				match("keyword.operator.word", `(?i)(?<![\w.])(?:`+oneOf(w.Infix)+`)(?![\w.])`),
				match("constant.language", `(?i)(?<![\w.])(?:`+oneOf(w.Constants)+`)(?![\w.])`),
				match("variable.language.metadata", `(?i)(?<![\w.])(?:`+oneOf(w.Metadata)+`)(?![\w.])`),
				match("keyword.other", `(?i)(?<![\w.])(?:`+oneOf(w.Keywords)+`)(?![\w.])(?!\s*(?:!=|<>|<|>|\())`),
				match("constant.numeric", `(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?:`+oneOf(append(slices.Clone(w.Units), "K", "M", "G", "T", "P", "B", "Ki", "Mi", "Gi", "Ti", "Pi"))+`)?(?![\w.])`),
				match("keyword.operator", `\|\||&&|==|!=|<>|<=|>=|=~|[=<>!+\-*/%?:]`),
			}...)},
			"parens": object{"begin": `\(`, "end": `\)`, "patterns": append(list{object{
				// A child query begins with its operator.
				"match":    `(?i)\G\s*(` + oneOf(operators) + `)(?![\w.(])(?=\s+["\w%])(?!\s+(?:` + oneOf(w.Infix) + `)\b)`,
				"captures": object{"1": object{"name": "keyword.control.operator.sumo"}},
			}}, include("#stage", "#inside")...)},
			"subquery": object{"name": "meta.subquery.sumo", "begin": `(?i)\[\s*(subquery)\b([^:\]]*):`, "beginCaptures": object{"1": object{"name": "keyword.control.subquery.sumo"}}, "end": `\]`,
				"patterns": include("#comment", "#template", "#stage", "#subquery", "#string", "#group", "#search")},
			"regex": object{"match": `(?i)\b(matches)\s+(/(?:\\.|[^/\\\n])+/[imsu]*)|(?<=[(,])\s*(/(?:\\.|[^/\\\n])+/[imsu]*)(?=\s*[,)])`,
				"captures": object{"1": object{"name": "keyword.operator.word.sumo"}, "2": object{"name": "string.regexp.sumo"}, "3": object{"name": "string.regexp.sumo"}}},
		},
	})
}

// CodeMirror is a module of JavaScript with the word lists and a StreamLanguage over
// them, for CodeMirror 6. It wants no package itself: StreamLanguage.define takes sumo.
func CodeMirror(w Words) []byte {
	return fmt.Appendf(nil, `// Made of gyoji's vocabulary by package highlight; do not change it by hand.
// import { StreamLanguage } from "@codemirror/language"
// import { sumo } from "./sumo.js"
// const language = StreamLanguage.define(sumo)

export const words = %s

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
    if (stream.match(/^%%"/)) { state.string = "variableName"; return "variableName"; }
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
`, strings.TrimSpace(string(written(w))))
}

// TreeSitter is a module with the word lists, for a grammar.js of tree-sitter, which
// makes tokens of them.
func TreeSitter(w Words) []byte {
	return fmt.Appendf(nil, `// Made of gyoji's vocabulary by package highlight; do not change it by hand.
// A grammar.js says, for example:
//   const words = require("./words.js");
//   operator: ($) => words.token(words.operators),
const words = %s;

// token is a choice of words in any letter case, those of several words first.
function token(list) {
  const any = (w) => w.split(" ").map((p) => p.replace(/[a-z]/g, (c) => "[" + c + c.toUpperCase() + "]")).join("\\s+");
  return new RegExp([...list].sort((a, b) => b.length - a.length).map(any).join("|"));
}

module.exports = { ...words, token };
`, strings.TrimSpace(string(written(w))))
}
