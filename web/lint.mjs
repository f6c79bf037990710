// Refuses what could make elements or code of log text, or what the page's content security
// policy would stop: log text enters the page as text nodes alone, by src/parts/text.js.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export const forbidden = [
  [/\b(inner|outer)HTML\b/, 'innerHTML makes elements of text'],
  [/\{@html\b/, '{@html} makes elements of text'],
  [/\binsertAdjacentHTML\b/, 'insertAdjacentHTML makes elements of text'],
  [/\bdocument\s*\.\s*write(ln)?\b/, 'document.write makes elements of text'],
  [/\b(setHTMLUnsafe|parseHTMLUnsafe|createContextualFragment|DOMParser|srcdoc)\b/, 'this makes elements of text'],
  [/\b(eval|new\s+Function)\s*\(/, 'the policy stops code that is made of text'],
  [/\sstyle=/, "a style attribute is stopped by the policy; use a class or Svelte's style: directive"],
  [/setAttribute\(\s*['"](style|on\w+|srcdoc)['"]/, 'the policy stops this attribute'],
  [/\bhref=\{(?!["'`/]|href\(|to\(|link)/, 'a link goes to a page of gyoji: use href() of src/route.svelte.js; addresses of log text are never links'],
  [/https?:\/\/(?!www\.w3\.org\/)[a-z]/i, 'the page asks for nothing elsewhere'],
];

export function check(name, text) {
  const found = [];
  text.split('\n').forEach((line, n) => {
    for (const [what, why] of forbidden) {
      if (what.test(line) && !line.includes('lint: ')) found.push(`${name}:${n + 1}: ${why}`);
    }
  });
  return found;
}

function files(dir) {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name);
    return statSync(path).isDirectory() ? files(path) : /\.(js|mjs|svelte|html|css)$/.test(name) && !/\.test\.js$/.test(name) ? [path] : [];
  });
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const list = [...files('src'), 'index.html'];
  const found = list.flatMap((path) => check(path, readFileSync(path, 'utf8')));
  if (found.length || list.length < 10) {
    console.error(found.join('\n') || `only ${list.length} files were looked at`);
    process.exit(1);
  }
}
