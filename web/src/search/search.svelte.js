// The search that the page shows: a job of the server, which is started, polled and read in
// pages. It outlives the page, so that who comes back finds the same rows.
import { call, get, newKey, own } from '../api.js';
import { clock } from '../parts/time.svelte.js';
import { resolve } from './range.js';

const jobs = '/api/v1/search/jobs';
const pageRows = 100;
const cut = 400; // bytes of a value in a list
const pagesMost = 60; // that are kept
const keepAlive = 100_000; // ms; the server lets go of a job that nobody asks about

class Search {
  /** '' for none yet, 'starting', 'gathering', 'done', 'stopped', 'failed'. */
  state = $state('');
  /** What runs: {q, from, to, tz, receipt, raw} as the address has it; key tells two apart. */
  asked = $state.raw(null);
  range = $state.raw({ from: 0, to: 0 });
  id = $state('');
  messages = $state(0);
  records = $state(0);
  /** Whether rows are records; null until it is known. */
  aggregate = $state(null);
  buckets = $state.raw([]);
  warnings = $state.raw([]);
  error = $state.raw(null);
  bytes = $state(0);
  took = $state(0);
  columns = $state.raw([]);
  fixed = $state(false);
  /** Counts pages that came: who reads rows in a template reads it, too. */
  came = $state(0);
  fields = $state.raw(null); // {over, total, fields}
  signals = $state.raw([]);
  whyNot = $state.raw(null);
  /** The results that a link named are gone. */
  lost = $state(false);
  #pages = new Map(); // number -> {rows, at}
  #asking = new Map();
  #began = 0;
  #run = 0;
  #shared = false; // the job is of a link, and somebody else's to end
  #as = newKey().slice(0, 12); // tells this page from others that look at the same job

  /** How many rows the list has. */
  get count() {
    return this.aggregate && !this.asked?.raw ? this.records : this.messages;
  }
  get running() {
    return this.state === 'starting' || this.state === 'gathering';
  }
  static key = (a) => (a ? JSON.stringify([a.q, a.from ?? '', a.to ?? '', a.tz ?? '', Boolean(a.receipt), Boolean(a.raw)]) : '');
  is(asked) {
    return this.state !== '' && Search.key(asked) === Search.key(this.asked);
  }

  get shared() {
    return this.#shared;
  }
  /** Where it is asked how the job stands. */
  get #path() {
    return this.#shared ? `${own}/jobs/${encodeURIComponent(this.id)}?as=${this.#as}` : `${jobs}/${this.id}`;
  }

  /**
   * Starts a search. job is one that a link names: it is shown, and where it is no longer
   * there, the same is searched again.
   */
  async start(asked, job = '') {
    const run = ++this.#run;
    this.#drop();
    this.#shared = false;
    this.asked = asked;
    Object.assign(this, { state: 'starting', id: '', messages: 0, records: 0, aggregate: null, buckets: [], warnings: [], error: null, bytes: 0, took: 0, columns: [], fixed: false, fields: null, signals: [], whyNot: null, lost: false });
    this.#pages.clear();
    this.#asking.clear();
    this.came++;
    const range = resolve(asked.from, asked.to, clock.now, asked.tz || 'UTC');
    this.range = range;
    this.#began = performance.now();
    if (range.wrong) return this.#fail(run, new Error(range.wrong));
    try {
      if (job && (await this.#join(job, run))) {
        this.#signals(run);
        return await this.#poll(run);
      }
      if (run !== this.#run) return;
      this.lost = Boolean(job);
      const { data } = await call('POST', jobs, {
        body: { query: asked.q.trim() || '*', from: Math.floor(range.from), to: Math.ceil(range.to), timeZone: asked.tz || 'UTC', byReceiptTime: Boolean(asked.receipt), requiresRawMessages: Boolean(asked.raw) },
      });
      if (run !== this.#run) {
        call('DELETE', `${jobs}/${data.id}`).catch(() => {});
        return;
      }
      this.id = data.id;
      this.state = 'gathering';
      this.#signals(run);
      await this.#poll(run);
    } catch (e) {
      this.#fail(run, e);
    }
  }

  // Takes up the job of a link, if it is there.
  async #join(job, run) {
    let said;
    try {
      ({ data: said } = await call('GET', `${own}/jobs/${encodeURIComponent(job)}?as=${this.#as}`));
    } catch (e) {
      if (e.status === 404) return false;
      throw e;
    }
    if (run !== this.#run || said.query.trim() !== this.asked.q.trim()) return false; // a link whose query is another's is not believed
    if (said.from || said.to) this.range = { from: said.from, to: said.to };
    this.id = job;
    this.#shared = true;
    this.state = 'gathering';
    this.#take(said);
    return true;
  }

  #fail(run, e) {
    if (run !== this.#run) return;
    this.error = e;
    this.state = 'failed';
  }

  async #poll(run) {
    let wait = 40;
    let counted = 0;
    let fieldsAt = performance.now();
    for (;;) {
      const { data: s } = await call('GET', this.#path);
      if (run !== this.#run) return;
      this.#take(s);
      const over = !/^(NOT STARTED|GATHERING)/.test(s.state);
      if (this.aggregate === null && (s.messageCount || s.recordCount || over)) await this.#page(0, run);
      if (run !== this.#run) return;
      if (over) {
        this.took = performance.now() - this.#began;
        if (s.state === 'CANCELLED') {
          this.error ??= new Error('The search was ended by the server.');
          this.state = 'failed';
        } else this.state = 'done';
        this.#pages.forEach((p, n) => p.rows.length < pageRows && p.rows.length < this.count - n * pageRows && this.#pages.delete(n));
        this.came++;
        this.#readFields(run);
        this.#keep(run);
        return;
      }
      if (s.messageCount > counted && performance.now() - fieldsAt > 1500) {
        counted = s.messageCount;
        fieldsAt = performance.now();
        this.#readFields(run);
      }
      await new Promise((go) => setTimeout(go, wait));
      if (run !== this.#run) return;
      wait = Math.min(wait * 1.5, 700);
    }
  }

  #take(s) {
    if (s.histogramBuckets.length) this.buckets = [...this.buckets, ...s.histogramBuckets];
    if (s.pendingWarnings.length) this.warnings = [...this.warnings, ...s.pendingWarnings];
    if (s.pendingErrors.length) this.error = new Error(s.pendingErrors.join(' '));
    this.messages = s.messageCount;
    this.records = s.recordCount;
    this.bytes = s.usageDetails?.dataScannedInBytes ?? 0;
  }

  /** Ends the gathering; what is there stays. */
  async stop() {
    if (!this.running) return;
    this.#run++;
    this.took = performance.now() - this.#began;
    this.state = 'stopped';
    if (!this.id) return;
    const run = this.#run;
    try {
      if (!this.#shared) await call('POST', `${own}/jobs/${this.id}/stop`);
      const { data: s } = await call('GET', this.#path);
      if (run !== this.#run) return;
      this.#take({ ...s, pendingErrors: [] });
    } catch (e) {
      if (run === this.#run) this.error = e;
      return;
    }
    this.#readFields(run);
    this.#keep(run);
  }

  #keep(run) {
    const again = setInterval(async () => {
      if (run !== this.#run) return clearInterval(again);
      if (document.hidden) return;
      try {
        await call('GET', this.#path);
      } catch (e) {
        if (e.status === 404) clearInterval(again);
      }
    }, keepAlive);
  }

  #drop() {
    if (this.id && !this.#shared) call('DELETE', `${jobs}/${this.id}`).catch(() => {});
  }

  /** The row of a number: {n, get(name), long(name)}; undefined while it is not here. */
  row(n) {
    this.came;
    return this.#pages.get(Math.floor(n / pageRows))?.rows[n % pageRows];
  }

  /** Says which rows are seen, so that they are read. */
  need(first, last) {
    const run = this.#run;
    for (let p = Math.floor(first / pageRows); p <= Math.floor(Math.max(first, last - 1) / pageRows); p++) {
      const have = this.#pages.get(p);
      const there = Math.min(pageRows, this.count - p * pageRows);
      if (there > 0 && (!have || have.rows.length < there)) this.#page(p, run);
    }
  }

  async #page(n, run) {
    const asking = this.#asking.get(n);
    if (asking) return asking;
    const ask = (async () => {
      const of = this.asked.raw ? '&of=messages' : '';
      const page = await get(`${own}/jobs/${this.id}/rows?offset=${n * pageRows}&limit=${pageRows}&cut=${cut}${of}`);
      if (run !== this.#run) return;
      this.aggregate ??= !page.messages;
      this.fixed = page.fixed;
      if (page.columns.length > this.columns.length || !this.columns.length) this.columns = page.columns;
      this.#pages.delete(n);
      this.#pages.set(n, { rows: page.rows.map((cells, i) => new Row(n * pageRows + i, cells, page.columns)) });
      while (this.#pages.size > pagesMost) this.#pages.delete(this.#pages.keys().next().value);
      this.came++;
    })();
    this.#asking.set(n, ask);
    try {
      await ask;
    } catch (e) {
      if (run === this.#run && e.name !== 'AbortError') {
        this.error = e.status === 404 ? new Error('The server has let go of this search, as nobody asked about it for a while. Run it again.') : e;
      }
    } finally {
      if (this.#asking.get(n) === ask) this.#asking.delete(n);
    }
  }

  /** A row with its values whole. */
  async whole(n) {
    const of = this.asked.raw ? '&of=messages' : '';
    const page = await get(`${own}/jobs/${this.id}/rows?offset=${n}&limit=1${of}`);
    return page.rows[0] ? new Row(n, page.rows[0], page.columns) : undefined;
  }

  /** The records, at most so many: {columns, rows, total}. */
  async all(most) {
    const rows = [];
    let columns = [];
    const { id } = this; // of one search, whatever is asked meanwhile
    for (;;) {
      const page = await get(`${own}/jobs/${id}/rows?offset=${rows.length}&limit=${Math.min(1000, most - rows.length)}`);
      columns = page.columns;
      rows.push(...page.rows.map((cells, i) => new Row(rows.length + i, cells, page.columns)));
      if (!page.rows.length || rows.length >= most || rows.length >= page.total) return { columns, rows, total: page.total };
    }
  }

  async #readFields(run) {
    const of = this.asked.raw ? '?of=messages' : '';
    try {
      const said = await get(`${own}/jobs/${this.id}/fields${of}`);
      if (run === this.#run) this.fields = said;
    } catch {
      // rows are shown without their fields; the next try may bring them
    }
  }

  async #signals(run) {
    try {
      const { signals } = await get(`${own}/signals?from=${Math.floor(this.range.from)}&to=${Math.ceil(this.range.to)}`);
      if (run === this.#run) this.signals = signals;
    } catch {
      // marks are left out
    }
  }
}

/** A row of a page. */
class Row {
  #cells;
  #index;
  constructor(n, cells, columns) {
    this.n = n;
    this.columns = columns;
    this.#cells = cells;
    this.#index = index(columns);
  }
  #cell(name) {
    const at = this.#index.get(name.toLowerCase());
    if (!at) return undefined;
    for (const c of this.#cells) if (at.includes(c[0])) return c;
    return undefined;
  }
  /** A field's text, '' for none. */
  get = (name) => this.#cell(name)?.[1] ?? '';
  /** The time of a message, in ms. */
  get time() {
    const t = this.get('_messageTime');
    return t === '' ? NaN : Number(t);
  }
  /** All fields that have a value: [{name, text, long, own}]; long is its length where it is cut. */
  get list() {
    return this.#cells.map(([c, text, long]) => ({ ...this.columns[c], text, long }));
  }
  /** The text of a column by its place; undefined for null. */
  at(column) {
    return this.#cells.find((c) => c[0] === column)?.[1];
  }
}

const indexes = new WeakMap();
function index(columns) {
  let m = indexes.get(columns);
  if (!m) {
    m = new Map();
    columns.forEach((c, i) => {
      const k = c.name.toLowerCase();
      if (m.has(k)) m.get(k).push(i);
      else m.set(k, [i]);
    });
    indexes.set(columns, m);
  }
  return m;
}

export const search = new Search();
export const sameSearch = (a, b) => Search.key(a) === Search.key(b);
