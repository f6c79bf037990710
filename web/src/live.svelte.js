// The event stream: insight, signal, health, content, entity, clock. What was missed while it
// was cut is sent again (last=ID), or `reset` says that lists are to be read again.
//
// A browser has six connections to a server, and a stream holds one: of all tabs one has the
// stream, and tells the others. When it is closed, the next goes on after what was heard.
import { clock } from './parts/time.svelte.js';
import { session } from './session.svelte.js';

const address = '/api/gyoji/v1/events';
const kinds = ['hello', 'insight', 'signal', 'health', 'content', 'entity', 'clock', 'reset'];
const shared = 'gyoji-events';

class Live {
  /** 'starting', 'on' or 'off'. */
  state = $state('starting');
  /** Since when it is off, and when the next try is, in ms. */
  since = $state(0);
  next = $state(0);
  #source = null;
  #timer = 0;
  #wait = 1000;
  #last = '';
  #hearers = new Map();
  #channel = null;
  #leads = false;
  #leave = null;

  /** Hears events of a kind, or 'on' for a stream that is back; gives what ends it. */
  on(kind, hear) {
    if (!this.#hearers.has(kind)) this.#hearers.set(kind, new Set());
    this.#hearers.get(kind).add(hear);
    return () => this.#hearers.get(kind).delete(hear);
  }

  #tell(kind, data) {
    for (const hear of [...(this.#hearers.get(kind) ?? [])]) hear(data);
  }

  #heard(kind, data, id) {
    if (id) this.#last = id;
    if (kind === 'clock' || kind === 'hello') clock.set(data);
    this.#tell(kind, data);
  }

  #is(state, since = 0, next = 0) {
    const was = this.state;
    this.state = state;
    this.since = since;
    this.next = next;
    if (this.#leads) this.#say({ state, since, next });
    if (was === 'off' && state === 'on') this.#tell('on');
  }

  #say(message) {
    this.#channel?.postMessage(message);
  }

  start() {
    this.stop();
    // Without locks, which an address without TLS that is not this machine's has not, each
    // tab has a stream of its own.
    if (!navigator.locks || typeof BroadcastChannel === 'undefined') {
      this.#open();
      return;
    }
    this.#channel = new BroadcastChannel(shared);
    this.#channel.onmessage = ({ data: m }) => {
      if (this.#leads) {
        if (m.ask) this.#say({ state: this.state, since: this.since, next: this.next });
        if (m.now) this.now();
        return;
      }
      if (m.state) this.#is(m.state, m.since, m.next);
      if (m.kind) this.#heard(m.kind, m.data, m.id);
    };
    this.#say({ ask: true });
    const leave = new AbortController();
    navigator.locks
      .request(shared, { signal: leave.signal }, () => {
        if (leave.signal.aborted) return;
        this.#leads = true;
        this.#open();
        return new Promise((end) => leave.signal.addEventListener('abort', end));
      })
      .catch(() => {}); // the tab has left before its turn
    this.#leave = () => leave.abort();
  }

  #open() {
    clearTimeout(this.#timer);
    this.#source?.close();
    const source = new EventSource(address + (this.#last ? `?last=${encodeURIComponent(this.#last)}` : ''));
    this.#source = source;
    source.onopen = () => {
      this.#wait = 1000;
      this.#is('on');
    };
    source.onerror = () => {
      if (source !== this.#source) return;
      const refused = source.readyState === EventSource.CLOSED; // an answer that is no stream
      source.close();
      this.#is('off', this.state === 'off' ? this.since : clock.now, Date.now() + this.#wait);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#open(), this.#wait);
      this.#wait = Math.min(this.#wait * 2, 15000);
      if (refused) session.check();
    };
    for (const kind of kinds) {
      source.addEventListener(kind, (e) => {
        let data = null;
        try {
          data = JSON.parse(e.data);
        } catch {
          return;
        }
        this.#heard(kind, data, e.lastEventId);
        if (this.#leads) this.#say({ kind, data, id: e.lastEventId });
      });
    }
  }

  /** Tries at once. */
  now() {
    if (this.#channel && !this.#leads) {
      this.#say({ now: true });
      return;
    }
    this.#wait = 1000;
    this.#open();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
    this.#leave?.();
    this.#leave = null;
    this.#leads = false;
    this.#channel?.close();
    this.#channel = null;
  }
}

export const live = new Live();
