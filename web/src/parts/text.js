// The one way of log text into the page: control, bidirectional and zero-width characters
// are shown and not obeyed, and what is long is cut. Everything else is text nodes.

// Characters that a reader cannot see, or that change what is around them. Tab and line end
// are left: they are layout.
// Source: Unicode, UAX 9 (bidirectional controls), general categories Cc and Cf, and UTS 36.
// eslint-disable-next-line no-control-regex
const hidden =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udfff]/g;

const named = (c) => {
  const n = c.codePointAt(0);
  return n > 0xffff ? `\\u{${n.toString(16)}}` : '\\u' + n.toString(16).padStart(4, '0');
};

/** A value as text. */
export const string = (v) => (v === null || v === undefined ? '' : typeof v === 'string' ? v : typeof v === 'object' ? JSON.stringify(v) : String(v));

/**
 * The pieces of a text: {pieces: [{text} or {mark, title}], more}. more is how many
 * characters were cut off after max.
 */
export function pieces(value, max = Infinity) {
  let text = string(value);
  let more = 0;
  if (text.length > max) {
    let at = max;
    if (/[\ud800-\udbff]/.test(text[at - 1])) at--; // not within a character
    more = text.length - at;
    text = text.slice(0, at);
  }
  const out = [];
  let from = 0;
  for (const m of text.matchAll(hidden)) {
    if (m.index > from) out.push({ text: text.slice(from, m.index) });
    out.push({ mark: named(m[0]), title: `character U+${m[0].codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}, shown and not obeyed` });
    from = m.index + m[0].length;
  }
  if (from < text.length) out.push({ text: text.slice(from) });
  return { pieces: out, more };
}

/** The same as one string, for names, titles and labels, where no element can stand. */
export function plain(value, max = 300) {
  const p = pieces(value, max);
  return p.pieces.map((x) => x.text ?? x.mark).join('') + (p.more ? '…' : '');
}

/** Whether a text has characters that are not seen. */
export const hasHidden = (value) => pieces(value).pieces.some((p) => p.mark);

/** A cell of a CSV file: quoted, and no formula of a spreadsheet. */
export function csv(value) {
  let text = string(value);
  if (/^[=+\-@\t\r]/.test(text)) text = "'" + text;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
