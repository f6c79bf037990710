// Saved searches: items of the library of the content API, which other clients see as well.
import { call, get } from '../api.js';

const base = '/api/v2/content';

/** A task of the content API, to its end. */
async function task(at, id) {
  for (let i = 0; i < 100; i++) {
    const s = await get(`${at}/${id}/status`);
    if (s.status === 'Success') return;
    if (s.status === 'Failed') throw new Error(s.error?.message || s.statusMessage || 'The server could not do it.');
    await new Promise((go) => setTimeout(go, 50));
  }
  throw new Error('The server did not end this in time.');
}

/** All saved searches: [{id, name, folder}]. */
export async function list() {
  const out = [];
  async function read(folder, path) {
    for (const c of folder.children) {
      if (c.itemType === 'Search') out.push({ id: c.id, name: c.name, folder: path });
      else if (c.itemType === 'Folder') await read(await get(`${base}/folders/${c.id}`), path ? `${path} / ${c.name}` : c.name);
    }
  }
  await read(await get(`${base}/folders/personal`), '');
  return out;
}

/** What a saved search asks: {q, from, to, receipt}. */
export async function load(id) {
  const { data } = await call('POST', `${base}/${id}/export`);
  await task(`${base}/${id}/export`, data.id);
  const def = await get(`${base}/${id}/export/${data.id}/result`);
  const range = def.search?.defaultTimeRange ?? '';
  const m = /^-\d+[smhdw]$/.exec(range);
  return { q: def.search?.queryText ?? '', from: m ? range : '', to: '', receipt: Boolean(def.search?.byReceiptTime) };
}

/** Saves a search under a name; one of the name is replaced if replace is set. */
export async function save(name, { q, from, receipt }, replace = false) {
  const personal = await get(`${base}/folders/personal`);
  const body = {
    type: 'SavedSearchWithScheduleSyncDefinition',
    name,
    description: 'Saved from the web page.',
    search: { queryText: q, defaultTimeRange: /^-\d+[smhdw]$/.test(from ?? '') ? from : '', byReceiptTime: Boolean(receipt) },
  };
  const { data } = await call('POST', `${base}/folders/${personal.id}/import${replace ? '?overwrite=true' : ''}`, { body });
  await task(`${base}/folders/${personal.id}/import`, data.id);
}
