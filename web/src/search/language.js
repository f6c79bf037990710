// The language service of the server: one request each, and answers to an older text are
// dropped.
import { call, own } from '../api.js';

async function ask(what, body, signal) {
  const { data } = await call('POST', `${own}/language/${what}`, { body, signal });
  return data;
}

/** What is wrong with a text; with fixes, what mends it. */
export const diagnostics = (text, version, fixes, signal) => ask('diagnostics', { text, version, fixes }, signal);
export const complete = (text, position, version, signal) => ask('complete', { text, position, version }, signal);
export const hover = (text, position, version, signal) => ask('hover', { text, position, version }, signal);
export const signature = (text, position, version, signal) => ask('signature', { text, position, version }, signal);
export const format = (text, version) => ask('format', { text, version });
export const filter = (query, field, value, without, number) => ask('filter', { query, field, value, without, number });
