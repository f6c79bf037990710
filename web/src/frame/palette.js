// What the command palette finds: insights, entities and rules of the server, pages and
// commands. An item is {text, kind, severity?, run}.
import { get, own, sec } from '../api.js';
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
  const asked = async (path, list, each) => {
    try {
      return (list(await get(path, { signal })) ?? []).map(each);
    } catch (e) {
      if (e.name === 'AbortError') throw e;
      return []; // what cannot be read is left out: pages and commands are still found
    }
  };
  const insight = (i) => ({ text: `${i.readableId} ${string(i.strongest?.name ?? i.name)}`, kind: string(i.entity?.shown || i.entity?.value), severity: i.level, run: () => go('insight', i.readableId) });
  const q = encodeURIComponent(words.map(quoted).join(' '));
  const [open, closed, entities, rules] = await Promise.all([
    asked(`${own}/triage?view=open&limit=500`, (x) => x.rows, insight),
    words.length ? asked(`${own}/triage?view=closed&limit=500`, (x) => x.rows, insight) : [],
    words.length ? asked(`${sec}/entities?limit=50&q=${q}`, (x) => x.objects, (e) => ({ text: string(e.shown || e.value), kind: 'entity', run: () => go('entity', e.id) })) : [],
    words.length ? asked(`${sec}/rules?limit=50&q=${q}`, (x) => x.objects, (r) => ({ text: string(r.name), kind: 'rule', run: () => go('content', r.id) })) : [],
  ]);
  // Of each kind a few: a host with many insights does not hide itself.
  const some = (list, most) => list.filter(fits).slice(0, most);
  const list = [...some(open, 6), ...some(entities, 4), ...some(closed, 2), ...some(rules, 4), ...some(commands(), words.length ? 4 : 8)];
  if (text.trim()) list.push({ text: `Search all messages for “${text.trim()}”`, kind: 'search', run: () => go('search', '', { q: quoted(text.trim()) }) });
  return list;
}
