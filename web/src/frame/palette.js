// What the command palette finds: insights, entities and rules of the server, pages and
// commands. An item is {text, kind, severity?, run}.
import { get, sec } from '../api.js';
import { string } from '../parts/text.js';
import { go } from '../route.svelte.js';
import { settings } from '../settings.svelte.js';
import { session } from '../session.svelte.js';
import { entries } from './pages.js';

const commands = () => [
  ...entries.map(([name, label]) => ({ text: `Go to ${label}`, kind: 'page', run: () => go(name) })),
  { text: 'Switch UTC and local time', kind: 'command', run: () => (settings.zone = settings.zone === 'UTC' ? 'local' : 'UTC') },
  { text: 'Use light or dark colours', kind: 'command', run: () => (settings.theme = settings.dark ? 'light' : 'dark') },
  { text: 'Sign out', kind: 'command', run: () => session.end() },
];

/** Text as one word of q: quoted, without what would end the quotes. */
const quoted = (word) => `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** Everything whose text has all words of a question, at most 12, and a search for it. */
export async function find(text, signal) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (item) => words.every((w) => `${item.text} ${item.kind}`.toLowerCase().includes(w));
  const asked = async (path, each) => {
    try {
      const page = await get(path, { signal });
      return (page?.objects ?? []).map(each);
    } catch (e) {
      if (e.name === 'AbortError') throw e;
      return []; // what cannot be read is left out: pages and commands are still found
    }
  };
  const q = words.length ? encodeURIComponent(words.map(quoted).join(' ')) : '';
  const [insights, entities, rules] = await Promise.all([
    asked(`${sec}/insights?limit=200&exclude=signals.allRecords`, (i) => {
      const top = [...(i.signals ?? [])].sort((a, b) => b.severity - a.severity)[0];
      return { text: `${i.readableId} ${string(top?.name ?? i.name)}`, kind: string(i.entity?.value), severity: i.severity, run: () => go('insight', i.readableId) };
    }),
    asked(`${sec}/entities?limit=50&q=${q}`, (e) => ({ text: string(e.shown || e.value), kind: 'entity', run: () => go('entity', e.id) })),
    words.length ? asked(`${sec}/rules?limit=50&q=${q}`, (r) => ({ text: string(r.name), kind: 'rule', run: () => go('content', r.id) })) : [],
  ]);
  const list = [...insights, ...entities, ...rules, ...commands()].filter(fits).slice(0, 12);
  if (text.trim()) list.push({ text: `Search all messages for “${text.trim()}”`, kind: 'search', run: () => go('search', '', { q: quoted(text.trim()) }) });
  return list;
}
