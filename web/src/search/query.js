// What the page does with the text of a query without asking the server.

/** The search expression of a query: what stands before its first |, quotes and comments aside. */
export function scope(text) {
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quote) {
      if (c === '\\') i++;
      else if (c === quote) quote = '';
    } else if (c === '"') quote = c;
    else if (c === '/' && text[i + 1] === '/' && (i === 0 || /\s/.test(text[i - 1]))) {
      const end = text.indexOf('\n', i);
      if (end < 0) return text.trim();
      i = end;
    } else if (c === '/' && text[i + 1] === '*' && (i === 0 || /\s/.test(text[i - 1]))) {
      const end = text.indexOf('*/', i + 2);
      if (end < 0) return text.trim();
      i = end + 1;
    } else if (c === '|') return text.slice(0, i).trim() || '*';
  }
  return text.trim() || '*';
}

/** A query with a stage added at its end, on a line of its own. */
export const piped = (text, stage) => `${text.trimEnd() || '*'}\n| ${stage}`;

/** Makes edits of a text: [{from, to, text}], which do not overlap. */
export function edited(text, edits) {
  let out = text;
  for (const e of [...edits].sort((a, b) => b.from - a.from)) out = out.slice(0, e.from) + e.text + out.slice(e.to);
  return out;
}
