// Colours queries with a grammar and compares with what they have to be.
// node colours.mjs textmate|codemirror EDITORS <items.json
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [, , kind, editors] = process.argv;
const items = JSON.parse(fs.readFileSync(0, "utf8"));

async function textmate() {
  const where = process.env.GYOJI_TEST_NODE_MODULES;
  const require = createRequire(where ? pathToFileURL(path.join(path.resolve(where), "x.js")) : import.meta.url);
  let vsctm, oniguruma, wasm;
  try {
    vsctm = require("vscode-textmate");
    oniguruma = require("vscode-oniguruma");
    wasm = fs.readFileSync(path.join(path.dirname(require.resolve("vscode-oniguruma")), "onig.wasm")).buffer;
  } catch (e) {
    console.error("not installed: " + e.message);
    process.exit(3);
  }
  await oniguruma.loadWASM(wasm);
  const registry = new vsctm.Registry({
    onigLib: Promise.resolve({ createOnigScanner: (p) => new oniguruma.OnigScanner(p), createOnigString: (s) => new oniguruma.OnigString(s) }),
    loadGrammar: async () => vsctm.parseRawGrammar(fs.readFileSync(path.join(editors, "vscode/syntaxes/sumo.tmLanguage.json"), "utf8"), "sumo.json"),
  });
  const grammar = await registry.loadGrammar("source.sumo");
  return (text) => {
    const spans = [];
    let at = 0, stack = vsctm.INITIAL;
    for (const line of text.split("\n")) {
      const r = grammar.tokenizeLine(line, stack);
      stack = r.ruleStack;
      for (const t of r.tokens) spans.push([at + t.startIndex, at + t.endIndex, t.scopes.join(" ")]);
      at += line.length + 1;
    }
    return spans;
  };
}

async function codemirror() {
  const { sumo } = await import(pathToFileURL(path.resolve(editors, "codemirror/sumo.js")));
  // StringStream of @codemirror/language, as far as the grammar uses it.
  class Stream {
    constructor(s) { this.string = s; this.pos = 0; this.start = 0; }
    next() { return this.pos < this.string.length ? this.string[this.pos++] : undefined; }
    eatSpace() { const s = this.pos; while (/[\s\u00a0]/.test(this.string[this.pos] ?? "x")) this.pos++; return this.pos > s; }
    skipToEnd() { this.pos = this.string.length; }
    skipTo(c) { const i = this.string.indexOf(c, this.pos); if (i < 0) return false; this.pos = i; return true; }
    match(p, consume = true) {
      if (typeof p === "string") { const ok = this.string.startsWith(p, this.pos); if (ok && consume) this.pos += p.length; return ok || null; }
      const m = this.string.slice(this.pos).match(p);
      if (m && m.index > 0) return null;
      if (m && consume) this.pos += m[0].length;
      return m;
    }
  }
  const names = { keyword: "keyword", "variableName.function": "function keyword", string: "string", comment: "comment", number: "numeric", operatorKeyword: "operator keyword", variableName: "string variable" };
  return (text) => {
    const spans = [], state = sumo.startState();
    let at = 0;
    for (const line of text.split("\n")) {
      const s = new Stream(line);
      while (s.pos < line.length) {
        s.start = s.pos;
        const style = sumo.token(s, state);
        if (s.pos === s.start) throw new Error("the grammar does not go on in " + line);
        spans.push([at + s.start, at + s.pos, names[style] ?? String(style)]);
      }
      at += line.length + 1;
    }
    return spans;
  };
}

const colour = await (kind === "textmate" ? textmate() : codemirror());
let checked = 0;
const wrong = [];
for (const item of items) {
  const spans = colour(item.Text);
  for (const t of item.Tokens ?? []) {
    checked++;
    // The middle of it: where marks begin and end is a matter of taste.
    const middle = (t.Start + t.End) >> 1;
    const scopes = spans.find(([a, b]) => a <= middle && middle < b)?.[2] ?? "nothing";
    const fine = scopes.includes(t.Kind) || (t.Kind === "function" && scopes.includes("keyword")) || (t.Kind === "string" && /meta|parameter|escape/.test(scopes));
    if (!fine) {
      const line = item.Text.slice(item.Text.lastIndexOf("\n", t.Start) + 1).split("\n")[0];
      wrong.push({ ID: item.ID, Text: item.Text.slice(t.Start, t.End), Kind: t.Kind, Scopes: scopes, Line: line.slice(0, 200) });
    }
  }
}
console.log(JSON.stringify({ Checked: checked, Wrong: wrong }));
