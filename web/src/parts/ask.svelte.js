// What a part of a page asks the server for: the answer stays while it is asked again, so
// that a part never turns from rows to a spinner.
import { get } from '../api.js';

export class Ask {
  data = $state.raw(null);
  error = $state(null);
  loading = $state(false);
  #path = '';
  #asked = null;

  /** Asks for a path; the same one again keeps what is shown. */
  async load(path) {
    if (path !== this.#path) this.data = this.error = null;
    this.#path = path;
    this.#asked?.abort();
    const asked = (this.#asked = new AbortController());
    this.loading = true;
    try {
      const data = await get(path, { signal: asked.signal });
      if (asked.signal.aborted) return;
      this.data = data;
      this.error = null;
    } catch (e) {
      if (!asked.signal.aborted) this.error = e;
    } finally {
      if (!asked.signal.aborted) this.loading = false;
    }
  }

  again() {
    if (this.#path) return this.load(this.#path);
  }

  stop() {
    this.#asked?.abort();
    this.loading = false;
  }
}
