// Keys. A part binds what it does while it is shown; the newest binding of a key comes first.
// Single letters do nothing in fields and dialogs, and can be switched off.
import { settings } from './settings.svelte.js';

const bound = []; // {keys, run}

/** Binds {'j': run, 'g g': run, 'Ctrl+Enter': run}; gives what unbinds. run may return false: not taken. */
export function bind(map) {
  const list = Object.entries(map).map(([keys, run]) => ({ keys, run }));
  bound.unshift(...list);
  return () => {
    for (const b of list) bound.splice(bound.indexOf(b), 1);
  };
}

/** The name of a pressed key: 'a', '?', 'Enter', 'Ctrl+k'. */
export function name(e) {
  const key = e.key.length === 1 ? e.key : e.key.replace('Esc', 'Escape').replace('Escapeape', 'Escape');
  return (e.ctrlKey || e.metaKey ? 'Ctrl+' : '') + (e.altKey ? 'Alt+' : '') + key;
}

const typing = (t) => t.closest?.('input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]');

let first = '';
let timer = 0;

/** Hears all keys of the window. */
export function hear(e) {
  if (e.defaultPrevented || e.isComposing) return;
  const key = name(e);
  const plain = !e.ctrlKey && !e.metaKey && !e.altKey;
  if (plain && (typing(e.target) || e.target.closest?.('dialog'))) return;
  if (plain && key.length === 1 && !settings.letters) return;
  if (plain && (key === 'Enter' || key === ' ') && e.target.closest?.('button, a, summary, input, select, [role=button]')) return;
  const tries = first ? [`${first} ${key}`, key] : [key];
  first = '';
  for (const k of tries) {
    for (const b of [...bound]) {
      if (b.keys === k && b.run(e) !== false) {
        e.preventDefault();
        return;
      }
    }
  }
  if (plain && bound.some((b) => b.keys.startsWith(key + ' '))) {
    first = key;
    clearTimeout(timer);
    timer = setTimeout(() => (first = ''), 1000);
  }
}

/** The table that `?` shows. */
export const table = [
  ['Find anything', 'Ctrl K'],
  ['This list', '?'],
  ['Triage, Search, Entities', 'g t, g s, g e'],
  ['Content, Coverage, Health', 'g c, g v, g h'],
  ['Next, previous', 'j, k'],
  ['Open', 'Enter'],
  ['Pick', 'x'],
  ['Take (assign to me)', 'a'],
  ['Close with a resolution', 'c'],
  ['Resolution in the dialog', '1 to 4'],
  ['Show what is new', '.'],
  ['Filter; editor of Search', '/'],
  ['Run the next guide step', 'g g'],
  ['Run, confirm, send', 'Ctrl Enter'],
  ['Complete', 'Ctrl Space'],
  ['Save a rule', 'Ctrl S'],
  ['UTC or local time', 'u'],
  ['Close, back', 'Esc'],
];
