// The one place from which the page asks the server. A failure is an Error whose message is
// a sentence for people.
import { session } from './session.svelte.js';

/** What a call that failed says. */
export class Failure extends Error {
  constructor(status, message, code = '') {
    super(message);
    this.status = status; // 0: the server could not be reached
    this.code = code;
  }
  /** The server could not be reached, or is stopping: the same call may succeed later. */
  get later() {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

function sentence(status, body) {
  const said = body?.message || body?.errors?.[0]?.message;
  if (said) return said[0].toUpperCase() + said.slice(1) + (/[.!?]$/.test(said) ? '' : '.');
  if (status === 0) return 'The server cannot be reached.';
  return `The server answered ${status} and did not say why; its log may.`;
}

/** A key that makes a call that is sent twice count once. */
export const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');

/**
 * Makes a call: {body, match, key, signal}. match is the revision that a change is based on
 * (If-Match), key its idempotency key. Gives {data, etag, status}. A session that has
 * ended is asked for again, and the call goes on with the new one.
 */
export async function call(method, path, { body, match, key, signal, text = false } = {}) {
  for (;;) {
    const headers = { 'X-Requested-With': 'gyoji' };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (match) headers['If-Match'] = match;
    if (key) headers['Idempotency-Key'] = key;
    let answer;
    try {
      answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal, credentials: 'same-origin', cache: 'no-store' });
    } catch (e) {
      if (e.name === 'AbortError') throw e;
      throw new Failure(0, sentence(0));
    }
    if (answer.status === 401) {
      await session.again();
      continue;
    }
    const raw = await answer.text();
    let data = raw;
    if (!text) {
      try {
        data = raw ? JSON.parse(raw) : null;
      } catch {
        data = null;
      }
    }
    if (!answer.ok) {
      let said = data;
      if (text) {
        try {
          said = JSON.parse(raw);
        } catch {
          said = null;
        }
      }
      throw new Failure(answer.status, sentence(answer.status, said), said?.code || said?.errors?.[0]?.code || '');
    }
    return { data, etag: answer.headers.get('ETag') || '', status: answer.status };
  }
}

/** Reads: the data alone. Cloud SIEM's calls wrap theirs in {data}, which is taken off. */
export async function get(path, how) {
  const { data } = await call('GET', path, how);
  return data && typeof data === 'object' && 'data' in data && 'errors' in data ? data.data : data;
}

/** The list of a page that Cloud SIEM's calls give. */
export const sec = '/api/sec/v1';
/** gyoji's own calls. */
export const own = '/api/gyoji/v1';
