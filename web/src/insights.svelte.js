// Insights that the page knows: rows of GET triage, kept up to date by the event stream, and
// the acts that change them. Rows on screen change in place; new ones wait until they are
// asked for.
import { call, Failure, get, newKey, own, sec } from './api.js';
import { frame } from './frame.svelte.js';
import { live } from './live.svelte.js';
import { level, rank, words } from './parts/severity.js';
import { plain } from './parts/text.js';
import { clock } from './parts/time.svelte.js';
import { say, toast } from './parts/toasts.svelte.js';
import { route } from './route.svelte.js';
import { session } from './session.svelte.js';
import { settings } from './settings.svelte.js';

export const resolutions = [
  ['Resolved', 'Resolved', 'It was real and has been dealt with'],
  ['False Positive', 'False positive', 'The rule is wrong about this; propose a tuning'],
  ['No Action', 'No action', 'It was real, and nothing needs doing'],
  ['Duplicate', 'Duplicate', 'Another insight covers it'],
];
export const resolutionWord = (name) => resolutions.find(([n]) => n === name)?.[1] ?? name;

export const statusWord = (s) => ({ new: 'New', inprogress: 'In progress', closed: 'Closed' })[s] ?? s;

/** The name that people read an insight by: its strongest signal's. */
export const title = (row) => row.strongest?.name || row.name;

/** Whether an insight is the signed-in person's: by the name or the id of the key. */
export const isMine = (row) => Boolean(row.assignee) && (row.assignee === session.me || row.assignee === session.who?.id);

/** The name of a person that an id stands for. */
export const personOf = (id) => insights.people[id] ?? id;

/** A text for a list, with paths cut to their last part: the whole one is a click away. */
export const shortened = (text) => String(text ?? '').replace(/\b[A-Za-z]:\\(?:[^\\/:*?"<>|\n]+\\)+/g, '…\\');

/** 0 for the most severe of the insight and its strongest signal. */
export const urgencyRank = (row) => Math.min(rank(row.level), row.strongest ? rank(row.strongest.level) : 9);

/** Orders of the list, first what needs a person first. */
export const sorts = {
  urgency: (a, b) =>
    urgencyRank(a) - urgencyRank(b) || Number(Boolean(a.assignee)) - Number(Boolean(b.assignee)) || rank(a.level) - rank(b.level) || b.score - a.score || a.created - b.created,
  score: (a, b) => b.score - a.score || a.created - b.created,
  age: (a, b) => a.created - b.created,
};

/** Whether a row fits a filter: words, and severity:high, status:new, entity:ws-, assignee:nobody. */
export function fits(row, filter) {
  const text = [row.readableId, row.entity?.value, row.entity?.shown, row.user, row.host, row.name, row.summary, ...(row.terms ?? []).map((t) => t.name), ...(row.tactics ?? []), ...(row.tags ?? [])]
    .join('\n')
    .toLowerCase();
  const fields = {
    severity: [level(row.level), words[level(row.level)]],
    status: [row.status, statusWord(row.status)],
    entity: [row.entity?.value, row.entity?.shown],
    assignee: row.assignee ? [row.assignee] : ['nobody'],
    tag: row.tags ?? [],
  };
  return filter
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .every((w) => {
      const [, field, value] = /^(\w+):(.+)$/.exec(w) ?? [];
      if (field && fields[field]) return fields[field].some((v) => String(v ?? '').toLowerCase().includes(value));
      return text.includes(w);
    });
}

const belongs = {
  open: (r) => r.status !== 'closed',
  mine: (r) => r.status !== 'closed' && isMine(r),
  free: (r) => r.status !== 'closed' && !r.assignee,
  closed: (r) => r.status === 'closed',
};

// How many insights are in the list at once; people work on the first of them.
const most = 500;

const etag = (rev) => `"${rev}"`;

class Insights {
  /** Rows by id. */
  rows = $state.raw({});
  /** Ids of the view in their order, and which view that is; null before the first answer. */
  order = $state.raw(null);
  view = $state('open');
  sort = 'urgency';
  counts = $state.raw(null);
  oldest = $state(null);
  /** Whether the view has more than the list, which is of the most urgent. */
  more = $state(false);
  threshold = $state(12);
  /** Names of people by the ids of their keys. */
  people = $state.raw({});
  /** Ids that came since, not yet in the list. */
  fresh = $state.raw([]);
  error = $state(null);
  loading = $state(false);
  picked = $state.raw(new Set());
  /** Acts that wait for the server: [{row, steps, done}]. */
  outbox = $state.raw([]);
  #asked = 0;
  #counting = 0;
  #counted = 0;
  #doing = new Set(); // acts that the server has not answered yet
  #last = new Map(); // by id the last of them, after which the next one goes
  #own = new Map(); // by id what this page's acts made of a revision: Map(before, after)
  #flushing = false;
  #listeners = new Set();

  constructor() {
    live.on('insight', (e) => this.#event(e));
    live.on('reset', () => this.#again(true));
    live.on('hello', (e) => {
      if (e?.reset) this.#again(true);
    });
    live.on('on', async () => {
      await this.flush();
      this.#again();
    });
  }

  /** Is told {id, readableId, row} of each insight that has changed; gives what ends it. */
  heard(f) {
    this.#listeners.add(f);
    return () => this.#listeners.delete(f);
  }

  // afresh: the server may be another, whose revisions say nothing of those known here.
  #again(afresh = false) {
    if (afresh) this.rows = Object.fromEntries(Object.entries(this.rows).map(([id, r]) => [id, { ...r, rev: -1 }]));
    this.load(this.view, { keep: true });
  }

  /** Loads a view. keep leaves the order of what is shown as it is; what is new waits. */
  async load(view, { keep = false } = {}) {
    const asked = ++this.#asked;
    const counted = ++this.#counted;
    this.loading = true;
    try {
      const said = await get(`${own}/triage?view=${view}&limit=${most}`);
      if (asked !== this.#asked) return;
      clock.set(said.now);
      if (counted === this.#counted || !this.counts) this.#counts(said);
      const rows = { ...this.rows };
      for (const r of said.rows) rows[r.id] = this.#newest(r);
      const known = new Set(this.order ?? []);
      this.rows = rows;
      if (keep && this.order && view === this.view) {
        for (const r of said.rows) if (!known.has(r.id)) this.#arrived(r);
      } else {
        this.view = view;
        this.fresh = [];
        frame.alert = '';
        this.order = said.rows.map((r) => r.id);
        this.more = said.rows.length >= most && said.counts[view] > said.rows.length;
        this.arrange();
      }
      this.error = null;
    } catch (e) {
      if (asked === this.#asked) this.error = e;
    } finally {
      if (asked === this.#asked) this.loading = false;
    }
  }

  #counts(said) {
    this.counts = said.counts;
    this.people = said.people ?? this.people;
    this.oldest = said.oldest;
    this.threshold = said.threshold ?? this.threshold;
    frame.open = said.counts.open;
  }

  /** Reads the counts alone, for the frame. */
  count() {
    clearTimeout(this.#counting);
    this.#counting = setTimeout(async () => {
      const counted = ++this.#counted;
      try {
        const said = await get(`${own}/triage?view=open&limit=1`);
        if (counted === this.#counted) this.#counts(said);
      } catch {
        // the counts stay as they were; the list says what is wrong
      }
    }, 300);
  }

  /** Sorts the list again, and leaves out what belongs to the view no more. */
  arrange() {
    if (!this.order) return;
    const compare = this.view === 'closed' && this.sort === 'urgency' ? (a, b) => b.closed - a.closed : sorts[this.sort];
    this.order = this.order
      .map((id) => this.rows[id])
      .filter((r) => r && belongs[this.view](r))
      .sort(compare)
      .map((r) => r.id);
  }

  #event({ id, readableId, new: isNew, row }) {
    if (row) {
      this.rows = { ...this.rows, [id]: this.#newest(row) };
      if (!this.order?.includes(id) && (isNew || this.order)) this.#arrived(row, isNew);
    }
    this.count();
    for (const f of this.#listeners) f({ id, readableId, row });
  }

  #arrived(row, loud = false) {
    if (this.order && !this.order.length) {
      // An empty list has nothing that could jump.
      this.order = [row.id];
      return;
    }
    if (this.fresh.includes(row.id) || !belongs[this.view](row)) return;
    this.fresh = [...this.fresh, row.id];
    frame.alert = `${this.fresh.length} new`;
    say(`${this.fresh.length} new insight${this.fresh.length > 1 ? 's' : ''}: ${words[level(row.level)]}, ${plain(row.entity?.shown || row.entity?.value)}`);
    if (loud && settings.sound && urgencyRank(row) === 0) chime();
  }

  // Puts what an Undo has brought back into the list again.
  #restore(rows) {
    const ids = rows.map((r) => r.id);
    this.fresh = this.fresh.filter((id) => !ids.includes(id));
    if (!this.fresh.length) frame.alert = '';
    this.order = [...new Set([...(this.order ?? []), ...ids])];
    this.arrange();
  }

  /** Puts what is new into the list; gives the id of the first. */
  showFresh() {
    const ids = this.fresh;
    this.fresh = [];
    frame.alert = '';
    this.order = [...new Set([...(this.order ?? []), ...ids])];
    this.arrange();
    return this.order.find((id) => ids.includes(id)) ?? '';
  }

  // What a row is with the acts that the server has not answered yet. An answer that is
  // older than what is known, since it was long under way, tells nothing.
  #newest(row) {
    const known = this.rows[row.id];
    if (known?.rev > row.rev) row = known;
    for (const a of this.#doing) if (a.row.id === row.id) row = { ...row, ...a.shown };
    for (const o of this.outbox) if (o.row.id === row.id) row = { ...row, ...o.shown, waiting: true };
    return row;
  }

  #patch(row, shown) {
    this.rows = { ...this.rows, [row.id]: { ...(this.rows[row.id] ?? row), ...shown } };
  }

  /**
   * Does steps [{method, path, body}] to an insight, each on the revision that the one
   * before gave; the first on the one that the caller saw, so that what somebody else did
   * since is never overwritten. shown is how the row looks at once. Acts on one insight go
   * one after the other, and one's own are no change of somebody else. Gives 'done', 'waits' where the
   * server cannot be reached, and throws a Failure else, with the row as it was.
   */
  async change(row, steps, shown) {
    const { id } = row;
    const act = { row: this.rows[id] ?? row, steps: steps.map((s) => ({ ...s, key: newKey() })), rev: row.rev, shown };
    if (this.outbox.some((o) => o.row.id === id)) return this.#waits(act);
    this.#patch(row, shown);
    this.#doing.add(act);
    const sent = (this.#last.get(id) ?? Promise.resolve()).then(() => this.#send(act));
    const over = sent.catch(() => {});
    this.#last.set(id, over);
    try {
      await sent;
      return 'done';
    } catch (e) {
      if (e instanceof Failure && e.later) return this.#waits(act);
      this.#doing.delete(act);
      await this.#takeBack(act, act.steps.length < steps.length);
      throw e;
    } finally {
      this.#doing.delete(act);
      if (this.#last.get(id) === over) this.#last.delete(id);
    }
  }

  #waits(act) {
    this.outbox = [...this.outbox, act];
    this.#patch(act.row, { ...act.shown, waiting: true });
    setTimeout(() => this.flush(), 5000); // where the stream stays, nothing else tells that the server is back
    return 'waits';
  }

  // Takes back what an act showed, and nothing that came since.
  async #takeBack({ row, shown }, part = false) {
    const now = this.rows[row.id] ?? row;
    this.#patch(row, Object.fromEntries(Object.keys(shown).filter((k) => now[k] === shown[k]).map((k) => [k, row[k]])));
    if (!part) return;
    try {
      const said = await get(`${own}/insights/${row.id}`);
      this.rows = { ...this.rows, [row.id]: this.#newest(said) };
    } catch {
      // the event stream tells it
    }
  }

  // The revision that an act is on: the one that was seen, or what one's own acts made of it.
  #rev(act) {
    const after = this.#own.get(act.row.id);
    let { rev } = act;
    while (after?.has(rev)) rev = after.get(rev);
    return rev;
  }

  async #send(act) {
    const { id } = act.row;
    while (act.steps.length) {
      const s = act.steps[0];
      const before = this.#rev(act);
      const { etag: tag } = await call(s.method, `${sec}/insights/${id}/${s.path}`, { body: s.body, match: etag(before), key: s.key });
      act.steps.shift();
      const rev = Number(/\d+/.exec(tag)?.[0] ?? NaN);
      if (!Number.isFinite(rev) || rev <= before) continue;
      if (!this.#own.has(id)) this.#own.set(id, new Map());
      this.#own.get(id).set(before, rev);
      act.rev = rev;
      if (!(this.rows[id]?.rev > rev)) this.#patch(act.row, { rev });
    }
    this.count();
  }

  /** Sends what waits, in its order. What meets a change of somebody else is said and left. */
  async flush() {
    if (this.#flushing) return;
    this.#flushing = true;
    try {
      while (this.outbox.length) {
        const act = this.outbox[0];
        act.sending = true;
        let problem;
        try {
          await this.#send(act);
        } catch (e) {
          if (e instanceof Failure && e.later) {
            setTimeout(() => this.flush(), 5000);
            return;
          }
          problem = e;
        } finally {
          act.sending = false;
        }
        this.outbox = this.outbox.filter((o) => o !== act);
        if (problem) await this.#takeBack(act, true);
        if (!this.outbox.some((o) => o.row.id === act.row.id)) this.#patch(act.row, { waiting: false });
        if (!problem) toast(`${act.row.readableId}: what you did while the server was away is done`);
        else if (problem.status === 412 || problem.status === 409) toast(`${act.row.readableId} was changed by somebody else meanwhile; what you did was not done`, { keep: 10000 });
        else toast(`${act.row.readableId}: what you did was not done: ${problem.message}`, { keep: 10000 });
      }
    } finally {
      this.#flushing = false;
    }
  }

  /** Says who did what to an insight, for who was a moment too late. */
  async meanwhile(row) {
    let who = 'Somebody';
    let did = 'changed';
    try {
      const now = await get(`${own}/insights/${row.id}`);
      this.rows = { ...this.rows, [row.id]: now };
      const { entries } = await get(`${own}/insights/${row.id}/history`);
      const last = [...(entries ?? [])].sort((a, b) => a.at - b.at).at(-1);
      if (last) {
        who = personOf(last.by) || who;
        const closing = entries.some((e) => e.at === last.at && e.what === 'status' && e.to === 'closed');
        did = closing ? 'closed' : last.what === 'assignee' ? (last.to ? `gave to ${last.to === who ? 'themselves' : last.to}` : 'gave back') : last.what === 'comment' ? 'commented on' : `changed the ${last.what} of`;
      }
    } catch {
      // the sentence says less
    }
    return `${plain(who)} ${did} ${row.readableId}`;
  }

  async #problem(e, row) {
    if (e instanceof Failure && (e.status === 412 || e.status === 409)) {
      toast(`${await this.meanwhile(row)} meanwhile. Nothing was overwritten; the row shows how it is now.`, { keep: 10000 });
      return;
    }
    toast(`${row.readableId}: ${e.message}`, { keep: 10000 });
    say(`${row.readableId}: ${e.message}`, { urgent: true });
  }

  /** Makes insights one's own. */
  async take(rows) {
    rows = rows.filter((r) => r && r.status !== 'closed' && !isMine(r));
    const undo = [];
    let waits = false;
    for (const row of rows) {
      const steps = [{ method: 'PUT', path: 'assignee', body: { assignee: { type: 'USER', value: session.me } } }];
      if (row.status === 'new') steps.push({ method: 'PUT', path: 'status', body: { status: 'inprogress' } });
      try {
        waits = (await this.change(row, steps, { assignee: session.me, status: row.status === 'new' ? 'inprogress' : row.status })) === 'waits' || waits;
        undo.push(row);
      } catch (e) {
        await this.#problem(e, row);
      }
    }
    this.arrange();
    if (!undo.length) return;
    const what = undo.length > 1 ? `${undo.length} insights are yours` : `${undo[0].readableId} is yours`;
    toast(waits ? `${what}; the server is told when it answers` : what, {
      undo: async () => {
        for (const row of undo) await this.back(row, [{ method: 'PUT', path: 'assignee', body: { assignee: row.assignee ? { type: 'USER', value: row.assignee } : null } }, ...(row.status === 'new' ? [{ method: 'PUT', path: 'status', body: { status: 'new' } }] : [])]);
        this.#restore(undo);
      },
    });
  }

  /** Gives insights to somebody; '' is nobody. */
  async give(rows, name) {
    rows = rows.filter((r) => r && r.assignee !== name);
    const person = (to) => ({ method: 'PUT', path: 'assignee', body: { assignee: to ? { type: 'USER', value: to } : null } });
    const undo = [];
    for (const row of rows) {
      try {
        await this.change(row, [person(name)], { assignee: name });
        undo.push(row);
      } catch (e) {
        await this.#problem(e, row);
      }
    }
    this.arrange();
    if (!undo.length) return;
    const whose = name ? `with ${plain(name, 60)}` : 'nobody’s';
    toast(undo.length > 1 ? `${undo.length} insights are ${whose}` : `${undo[0].readableId} is ${whose}`, {
      undo: async () => {
        for (const row of undo) await this.back(row, [person(row.assignee)]);
        this.#restore(undo);
      },
    });
  }

  /** Changes severity or tags by steps, which undo takes back; shown is how the row looks then. */
  async edit(row, steps, shown, undo, text) {
    const before = Object.fromEntries(Object.keys(shown).map((k) => [k, row[k]]));
    try {
      const waits = (await this.change(row, steps, shown)) === 'waits';
      toast(waits ? `${text}; the server is told when it answers` : text, { undo: () => this.back({ ...row, ...before }, undo, before) });
      return true;
    } catch (e) {
      await this.#problem(e, row);
      return false;
    }
  }

  /** Takes an act back: the row is as it was before. */
  async back(row, steps, shown = { assignee: row.assignee, status: row.status, resolution: row.resolution, closed: row.closed }) {
    const now = this.rows[row.id] ?? row;
    const waiting = this.outbox.findLast((o) => o.row.id === row.id);
    if (waiting && !waiting.sending) {
      this.outbox = this.outbox.filter((o) => o !== waiting);
      await this.#takeBack(waiting);
      this.#patch(row, { waiting: this.outbox.some((o) => o.row.id === row.id) });
      return;
    }
    try {
      await this.change(now, steps, shown);
      say(`${row.readableId} is as it was`);
    } catch (e) {
      await this.#problem(e, row);
    }
  }

  /** Closes insights. Throws the Failure of the first that could not be, with failure.row and failure.done, those before it. */
  async close(rows, resolution, comment) {
    const done = [];
    let waits = false;
    for (const row of rows.filter((r) => r && r.status !== 'closed')) {
      const steps = [{ method: 'PUT', path: 'status', body: { status: 'closed', resolution } }];
      if (comment.trim()) steps.push({ method: 'POST', path: 'comments', body: { body: comment } });
      try {
        waits = (await this.change(row, steps, { status: 'closed', resolution, closed: clock.now })) === 'waits' || waits;
        done.push(row);
      } catch (e) {
        e.row = row;
        e.done = done;
        this.#closed(done, resolution, waits);
        throw e;
      }
    }
    this.#closed(done, resolution, waits);
  }

  #closed(done, resolution, waits) {
    if (!done.length) return;
    const word = resolutionWord(resolution);
    const what = done.length > 1 ? `${done.length} insights closed: ${word}` : `${done[0].readableId} closed: ${word}`;
    toast(waits ? `${what}; the server is told when it answers` : what, {
      undo: async () => {
        for (const row of done) await this.back(row, [{ method: 'PUT', path: 'status', body: { status: row.status } }]);
        this.#restore(done);
      },
    });
    this.arrange();
  }

  /** Sets the status of an insight that is not to be closed. */
  async status(row, status) {
    try {
      await this.change(row, [{ method: 'PUT', path: 'status', body: { status } }], { status, resolution: '', closed: null });
      toast(`${row.readableId}: ${statusWord(status)}`, {
        undo: () => this.back(row, [{ method: 'PUT', path: 'status', body: { status: row.status, ...(row.status === 'closed' ? { resolution: row.resolution } : {}) } }]),
      });
    } catch (e) {
      await this.#problem(e, row);
    }
  }

  /** The insight that stands after one in the list, for who has closed it. */
  after(id) {
    const list = this.order ?? [];
    const n = list.indexOf(id);
    return list[n + 1] ?? list[n - 1] ?? '';
  }
}

function chime() {
  try {
    const audio = new AudioContext();
    const tone = audio.createOscillator();
    const loud = audio.createGain();
    loud.gain.value = 0.08;
    tone.frequency.value = 660;
    tone.connect(loud).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.25);
  } catch {
    // a browser without sound
  }
}

export const insights = new Insights();

/** The address of triage with an insight selected, as one had left it. */
export function backToTriage(id) {
  const query = route.from?.name === 'triage' ? route.from.query : {};
  return { ...query, i: id };
}
