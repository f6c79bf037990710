// The editor: CodeMirror with the grammar that gyoji makes of its vocabulary and the
// server's language service. It stands in a shadow root, where its styles are constructed
// sheets: the page's policy allows no style elements.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap, completionStatus, startCompletion } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { HighlightStyle, StreamLanguage, bracketMatching, syntaxHighlighting } from '@codemirror/language';
import { Annotation, Compartment, EditorSelection, EditorState, Prec, StateEffect, StateField } from '@codemirror/state';
import { Decoration, EditorView, drawSelection, hoverTooltip, keymap, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { sumo } from '../../../editors/codemirror/sumo.js';
import { pieces } from '../parts/text.js';


const theme = EditorView.theme({
  '&': { fontSize: '13px', color: 'var(--ink)', backgroundColor: 'transparent', maxHeight: 'calc(12 * 20px + 20px)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--m)', lineHeight: '20px', overflow: 'auto', minHeight: 'calc(3 * 20px + 16px)' },
  '.cm-content': { padding: '8px 0', caretColor: 'var(--ink)' },
  '.cm-line': { padding: '0 10px' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)', borderLeftWidth: '2px' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': { backgroundColor: 'var(--sel)' },
  '.cm-matchingBracket': { backgroundColor: 'var(--sel)', color: 'inherit', outline: '1px solid var(--line2)' },
  '.cm-nonmatchingBracket': { color: 'inherit', backgroundColor: 'var(--badbg)' },
  '.cm-placeholder': { color: 'var(--mute)' },
  '.cm-error': { textDecoration: 'underline wavy var(--bad) 1px', textUnderlineOffset: '3px', textDecorationSkipInk: 'none' },
  '.cm-warning': { textDecoration: 'underline wavy var(--warn) 1px', textUnderlineOffset: '3px', textDecorationSkipInk: 'none' },
  '.cm-note': { textDecoration: 'underline dotted var(--line2) 1px', textUnderlineOffset: '3px' },
  '.cm-tooltip': { backgroundColor: 'var(--surf)', color: 'var(--ink)', border: '1px solid var(--line2)', borderRadius: '6px', boxShadow: 'var(--shadow)', zIndex: 40 },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--m)', fontSize: '12px', maxHeight: '220px', minWidth: '220px', maxWidth: 'min(420px, 92vw)' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '3px 10px', lineHeight: '20px', color: 'var(--ink)', display: 'flex', gap: '12px', justifyContent: 'space-between' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--sel)', color: 'var(--ink)' },
  '.cm-completionLabel': { overflow: 'hidden', textOverflow: 'ellipsis' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700' },
  '.cm-completionDetail': { color: 'var(--mute)', fontStyle: 'normal', marginLeft: 'auto' },
  '.cm-tooltip.cm-completionInfo': { padding: '8px 12px', maxWidth: 'min(420px, 80vw)', maxHeight: '260px', overflow: 'auto', fontSize: '13px' },
  '.doc': { padding: '8px 12px', maxWidth: 'min(520px, 88vw)', maxHeight: '260px', overflow: 'auto', fontSize: '13px', lineHeight: '1.45' },
  '.doc p, .cm-completionInfo p': { margin: '0 0 6px' },
  '.doc pre, .cm-completionInfo pre': { margin: '0 0 6px', padding: '5px 8px', backgroundColor: 'var(--sunk)', borderRadius: '4px', font: '12px/1.45 var(--m)', whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' },
  '.doc code, .cm-completionInfo code': { font: '12px var(--m)', overflowWrap: 'anywhere' },
  '.doc ul, .cm-completionInfo ul': { margin: '0 0 6px', padding: '0 0 0 16px' },
  '.hidden-char': { color: 'var(--bad)', backgroundColor: 'var(--badbg)', borderRadius: '2px' },
  '.usage b': { color: 'var(--acc)' },
});

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword, tags.definitionKeyword, tags.function(tags.variableName), tags.standard(tags.variableName), tags.bool, tags.null, tags.atom], color: 'var(--kw)' },
  { tag: [tags.string, tags.regexp, tags.special(tags.string), tags.escape], color: 'var(--st)' },
  { tag: tags.number, color: 'var(--nu)' },
  { tag: tags.comment, color: 'var(--cm)' },
]);

/** Text of the server as nodes: paragraphs, lists and code of a little Markdown. */
export function marked(text) {
  const box = document.createDocumentFragment();
  const inline = (to, s) => {
    for (const part of s.split(/(`[^`\n]*`|\*\*[^*\n]+\*\*)/)) {
      if (!part) continue;
      const code = /^`.*`$/.test(part);
      const bold = /^\*\*.*\*\*$/.test(part);
      const el = code ? document.createElement('code') : bold ? document.createElement('b') : to;
      const raw = code ? part.slice(1, -1) : (bold ? part.slice(2, -2) : part).replace(/\\([\\`*_{}[\]<>()#+!|~])/g, '$1');
      safe(el, raw);
      if (el !== to) to.append(el);
    }
  };
  let list = null;
  let code = null;
  let para = null;
  for (const line of text.split('\n')) {
    if (/^```/.test(line)) {
      if (code) code = null;
      else {
        code = document.createElement('pre');
        box.append(code);
      }
      list = para = null;
    } else if (code) safe(code, (code.childNodes.length ? '\n' : '') + line);
    else if (/^- /.test(line)) {
      if (!list) box.append((list = document.createElement('ul')));
      const li = document.createElement('li');
      inline(li, line.slice(2));
      list.append(li);
      para = null;
    } else if (!line.trim() || /^---+$/.test(line)) list = para = null;
    else {
      if (!para) box.append((para = document.createElement('p')));
      else para.append(' ');
      inline(para, line);
      list = null;
    }
  }
  return box;
}

function safe(el, text, max = 400) {
  const p = pieces(text, max);
  for (const x of p.pieces) {
    if (x.text !== undefined) el.append(x.text);
    else {
      const mark = document.createElement('span');
      mark.className = 'hidden-char';
      mark.append(x.mark);
      el.append(mark);
    }
  }
  if (p.more) el.append('…');
}

const setMarks = StateEffect.define();
const marks = StateField.define({
  create: () => Decoration.none,
  update(now, tr) {
    now = now.map(tr.changes);
    for (const e of tr.effects) {
      if (!e.is(setMarks)) continue;
      const end = tr.state.doc.length;
      now = Decoration.set(
        e.value
          .map((d) => {
            const from = Math.min(d.from, end);
            const to = Math.min(Math.max(d.to, d.from), end);
            // What has no length is shown at the character before it.
            const [a, b] = to > from ? [from, to] : from > 0 ? [from - 1, from] : [0, Math.min(1, end)];
            return b > a ? Decoration.mark({ class: `cm-${d.severity}`, attributes: { title: d.message } }).range(a, b) : null;
          })
          .filter(Boolean),
        true,
      );
    }
    return now;
  },
  provide: (f) => EditorView.decorations.from(f),
});

const fromOutside = Annotation.define();

/**
 * Makes an editor in an element: {text, label, describedby, language, change(text), run(),
 * leave(), saidError(e)}. Gives {text, set(text), marks(list), focus(), version(), destroy()}.
 */
export function make(host, o) {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  root.replaceChildren();
  let version = 0;
  const asked = { complete: null, hover: null };
  const once = (what) => {
    asked[what]?.abort();
    asked[what] = new AbortController();
    return asked[what].signal;
  };

  async function completions(context) {
    const text = context.state.doc.toString();
    const before = text.slice(0, context.pos);
    // Nothing is offered unasked where nothing has begun.
    if (!context.explicit && !/[\w%._*-]$/.test(before) && !/\|\s*$/.test(before) && !/[=(,]\s*"?$/.test(before)) return null;
    const at = version;
    let said;
    try {
      said = await o.language.complete(text, context.pos, at, once('complete'));
    } catch (e) {
      if (e.name !== 'AbortError') o.saidError?.(e);
      return null;
    }
    if (context.aborted || said.version !== version || !said.items.length) return null;
    const first = said.items[0];
    if (said.items.length === 1 && text.slice(first.from, first.to) === first.insert) return null;
    return {
      from: first.from,
      to: first.to,
      filter: false,
      options: said.items.slice(0, 100).map((c) => ({
        label: c.label,
        displayLabel: pieces(c.label, 80).pieces.map((x) => x.text ?? x.mark).join(''),
        detail: c.kind,
        type: c.kind,
        info: () => {
          const el = document.createElement('div');
          if (c.kind !== 'field' && c.doc) {
            const short = c.doc.split(/\n(?:Examples|Our reading|Also written)/)[0];
            el.append(marked(short));
          } else if (c.detail || c.example) {
            const p = document.createElement('p');
            safe(p, c.kind === 'field' && /^in \d/.test(c.detail) ? `A field ${c.detail}.` : c.detail || '');
            el.append(p);
          }
          if (c.example) {
            const p = document.createElement('p');
            p.append('e.g. ');
            const code = document.createElement('code');
            safe(code, c.example, 100);
            p.append(code);
            el.append(p);
          }
          return el.childNodes.length ? el : null;
        },
        apply: (view, _, from, to) => {
          view.dispatch({ changes: { from: c.from, to: Math.max(c.to, to), insert: c.insert }, selection: { anchor: c.from + c.cursor }, userEvent: 'input.complete' });
        },
      })),
    };
  }

  const hovering = hoverTooltip(
    async (view, pos) => {
      let said;
      try {
        said = await o.language.hover(view.state.doc.toString(), pos, version, once('hover'));
      } catch {
        return null;
      }
      if (!said.hover || said.version !== version) return null;
      return {
        pos: said.hover.from,
        end: said.hover.to,
        above: true,
        create: () => {
          const dom = document.createElement('div');
          dom.className = 'doc';
          dom.append(marked(said.hover.text));
          return { dom };
        },
      };
    },
    { hoverTime: 350 },
  );

  const readOnly = new Compartment();
  const state = EditorState.create({
    doc: o.text,
    extensions: [
      history(),
      drawSelection(),
      bracketMatching(),
      closeBrackets(),
      StreamLanguage.define(sumo),
      syntaxHighlighting(colours),
      theme,
      marks,
      hovering,
      readOnly.of([]),
      EditorView.lineWrapping,
      placeholder(o.placeholder ?? ''),
      autocompletion({ override: [completions], activateOnTyping: true, activateOnTypingDelay: 30, icons: false, maxRenderedOptions: 60, defaultKeymap: false, closeOnBlur: true, tooltipClass: () => 'choices' }),
      EditorView.contentAttributes.of({ 'aria-label': o.label, 'aria-multiline': 'true', spellcheck: 'false', autocapitalize: 'off', autocorrect: 'off', ...(o.describedby ? { 'aria-description': o.describedby } : {}) }),
      Prec.highest(
        keymap.of([
          { key: 'Mod-Enter', run: () => (o.run(), true) },
          { key: 'Tab', run: (v) => completionStatus(v.state) === 'active' && acceptCompletion(v) },
          { key: 'Mod-Space', run: startCompletion },
          { key: 'Ctrl-Space', run: startCompletion },
          {
            key: 'Escape',
            run: (v) => {
              if (completionStatus(v.state)) return closeCompletion(v);
              o.leave();
              return true;
            },
          },
        ]),
      ),
      Prec.high(keymap.of(completionKeymap)),
      keymap.of([...closeBracketsKeymap, ...historyKeymap, ...defaultKeymap]),
      EditorView.updateListener.of((u) => {
        if (!u.docChanged) return;
        version++;
        if (!u.transactions.some((t) => t.annotation(fromOutside))) o.change(u.state.doc.toString());
      }),
    ],
  });
  const view = new EditorView({ state, parent: root, root });
  // The list of completions scrolls, so it can be reached.
  const lists = new MutationObserver(() => root.querySelector('.cm-tooltip-autocomplete > ul:not([tabindex])')?.setAttribute('tabindex', '0'));
  lists.observe(view.dom, { childList: true, subtree: true });
  // Single letters that are typed here are no keys of the page.
  const keep = (e) => {
    if (!e.ctrlKey && !e.metaKey && !e.altKey) e.stopPropagation();
  };
  host.addEventListener('keydown', keep);
  return {
    get text() {
      return view.state.doc.toString();
    },
    get version() {
      return version;
    },
    get has() {
      return view.hasFocus;
    },
    set(text, { cursor = text.length } = {}) {
      if (text === view.state.doc.toString()) return;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: EditorSelection.cursor(Math.min(cursor, text.length)), annotations: fromOutside.of(true) });
    },
    edit(edits) {
      view.dispatch({ changes: edits.map((e) => ({ from: e.from, to: e.to, insert: e.text })) });
      view.focus();
    },
    marks(list) {
      view.dispatch({ effects: setMarks.of(list) });
    },
    focus() {
      view.focus();
    },
    destroy() {
      host.removeEventListener('keydown', keep);
      lists.disconnect();
      asked.complete?.abort();
      asked.hover?.abort();
      view.destroy();
    },
  };
}
