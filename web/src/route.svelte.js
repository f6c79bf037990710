// The address is the state: what a page shows is in its path and query, so that reload, back
// and a pasted link show the same. Opening pushes an entry of the browser's history;
// selecting within a page replaces it.

const patterns = [
  ['triage', /^\/(?:triage)?$/],
  ['insight', /^\/insight\/([^/]+)$/],
  ['search', /^\/search$/],
  ['entities', /^\/entities$/],
  ['entity', /^\/entity\/(.+)$/],
  ['content', /^\/content(?:\/(.+))?$/],
  ['coverage', /^\/coverage$/],
  ['health', /^\/health$/],
  ['signin', /^\/signin$/],
];

/** What an address names: {name, id, query}; name is '' for no page of ours. */
export function parse(path, search = '') {
  if (path.length > 1) path = path.replace(/\/+$/, '');
  for (const [name, re] of patterns) {
    const m = re.exec(path);
    if (!m) continue;
    let id = m[1] ?? '';
    try {
      id = decodeURIComponent(id);
    } catch {
      // a % that stands for itself
    }
    return { name, id, query: Object.fromEntries(new URLSearchParams(search)) };
  }
  return { name: '', id: '', query: {} };
}

/** The address of a page: href('insight', 'INSIGHT-2', {side: 'guide'}). Empty values are left out. */
export function href(name, id = '', query = {}) {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(query)) if (v !== undefined && v !== null && v !== '') q.set(k, String(v));
  const text = q.toString();
  return `/${name}${id ? '/' + encodeURIComponent(id) : ''}${text ? '?' + text : ''}`;
}

const here = () => (typeof location === 'undefined' ? parse('/') : parse(location.pathname, location.search));

/** Where one is: {name, id, query, from}. from is the page before it, for the way back. */
export const route = $state({ ...here(), from: null });

function arrive() {
  const next = here();
  if (next.name !== route.name || next.id !== route.id) route.from = { name: route.name, id: route.id, query: { ...route.query } };
  route.name = next.name;
  route.id = next.id;
  route.query = next.query;
}

/** Opens an address of ours. */
export function open(url, { replace = false } = {}) {
  if (url === location.pathname + location.search) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', url);
  arrive();
}

/** Opens a page. */
export const go = (name, id, query, how) => open(href(name, id, query), how);

/** Changes the query of the page one is at: null takes a value away. */
export function set(changes, { push = false } = {}) {
  const query = { ...route.query };
  for (const [k, v] of Object.entries(changes)) {
    if (v === null || v === undefined || v === '') delete query[k];
    else query[k] = String(v);
  }
  open(href(route.name, route.id, query), { replace: !push });
}

/** Makes links within the page open without loading it again. */
export function follow() {
  addEventListener('popstate', arrive);
  document.addEventListener('click', (e) => {
    const a = e.target.closest?.('a[href]');
    if (!a || e.defaultPrevented || e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey || a.target || a.download) return;
    const url = new URL(a.href, location.href);
    if (url.origin !== location.origin || !parse(url.pathname).name) return;
    e.preventDefault();
    open(url.pathname + url.search);
  });
}
