// Inline marks of a package's words: `code`, **bold**, [text](#step). Nothing else is a mark.
const marks = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)\s]*)\)/g;

/** Pieces of a text: {text}, {code}, {bold}, or {text, step} for a link to a step. */
export function prose(text) {
  const out = [];
  let from = 0;
  for (const m of String(text ?? '').matchAll(marks)) {
    if (m.index > from) out.push({ text: text.slice(from, m.index) });
    if (m[1] !== undefined) out.push({ code: m[1] });
    else if (m[2] !== undefined) out.push({ bold: m[2] });
    else if (/^#[\w-]+$/.test(m[4])) out.push({ text: m[3], step: m[4].slice(1) });
    else out.push({ text: m[3] });
    from = m.index + m[0].length;
  }
  if (from < (text ?? '').length) out.push({ text: text.slice(from) });
  return out;
}

/** The same without marks, for copies. */
export const words = (text) =>
  prose(text)
    .map((p) => p.text ?? p.code ?? p.bold)
    .join('');

/** What the server says, as a sentence: with a capital and an end. */
export const sentence = (text) => (text ? text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.') : '');
