// The event stream: insight, signal, health, content, clock. What was missed while it was
// cut is sent again (Last-Event-ID), or `reset` says that lists are to be read again.
import { clock } from './parts/time.svelte.js';

const address = '/api/gyoji/v1/events';
const kinds = ['hello', 'insight', 'signal', 'health', 'content', 'clock', 'reset'];

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

  /** Hears events of a kind, or 'on' for a stream that is back; gives what ends it. */
  on(kind, hear) {
    if (!this.#hearers.has(kind)) this.#hearers.set(kind, new Set());
    this.#hearers.get(kind).add(hear);
    return () => this.#hearers.get(kind).delete(hear);
  }

  #tell(kind, data) {
    for (const hear of [...(this.#hearers.get(kind) ?? [])]) hear(data);
  }

  start() {
    clearTimeout(this.#timer);
    this.#source?.close();
    const source = new EventSource(address + (this.#last ? `?last=${encodeURIComponent(this.#last)}` : ''));
    this.#source = source;
    source.onopen = () => {
      const again = this.state === 'off';
      this.state = 'on';
      this.#wait = 1000;
      if (again) this.#tell('on');
    };
    source.onerror = () => {
      if (source !== this.#source) return;
      source.close();
      if (this.state !== 'off') this.since = clock.now;
      this.state = 'off';
      this.next = Date.now() + this.#wait;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.start(), this.#wait);
      this.#wait = Math.min(this.#wait * 2, 15000);
    };
    for (const kind of kinds) {
      source.addEventListener(kind, (e) => {
        if (e.lastEventId) this.#last = e.lastEventId;
        let data = null;
        try {
          data = JSON.parse(e.data);
        } catch {
          return;
        }
        if (kind === 'clock' || kind === 'hello') clock.set(data);
        this.#tell(kind, data);
      });
    }
  }

  /** Tries at once. */
  now() {
    this.#wait = 1000;
    this.start();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }
}

export const live = new Live();
