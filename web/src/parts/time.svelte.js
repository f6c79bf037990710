// Times. All are ms since 1970; one switch says in which zone they are shown. Ages are
// counted from the server's clock.
import { settings } from '../settings.svelte.js';

class Clock {
  /** The server's time now, a few seconds old at most. */
  now = $state(Date.now());
  /** How far the server's clock is before the browser's, in ms. */
  ahead = $state(0);
  constructor() {
    if (typeof window !== 'undefined') setInterval(() => (this.now = Date.now() + this.ahead), 5000);
  }
  /** Hears what the server's clock says: ms, or {now}. */
  set(said) {
    const at = typeof said === 'number' ? said : (said?.now ?? said?.time);
    const ms = typeof at === 'string' ? Date.parse(at) : at;
    if (!Number.isFinite(ms)) return;
    this.ahead = ms - Date.now();
    this.now = ms;
  }
}
export const clock = new Clock();

export const localZone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

/** The zone that times are shown in, for Intl, and by name for people. */
export const zone = () => (settings.zone === 'local' ? localZone : 'UTC');
export const zoneName = () => (settings.zone === 'local' ? localZone.split('/').pop().replaceAll('_', ' ') : 'UTC');

const formats = new Map();
function parts(ms, z) {
  let f = formats.get(z);
  if (!f) {
    f = new Intl.DateTimeFormat('en-GB', { timeZone: z, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' });
    formats.set(z, f);
  }
  const o = {};
  for (const p of f.formatToParts(ms)) o[p.type] = p.value;
  return o;
}

/** '2026-03-11 02:52:43', in the zone shown. '' for no time. */
export function absolute(ms, z = zone()) {
  if (!Number.isFinite(ms)) return '';
  const p = parts(ms, z);
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}`;
}
const thousandth = (ms) => '.' + String(((ms % 1000) + 1000) % 1000).padStart(3, '0');

/** One unit: '14 min', '8 h', '3 d'. */
export function span(ms) {
  const s = Math.floor(Math.abs(ms) / 1000);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} d`;
}

/** Two units where that says more: '3 h 40 min'. */
export function spanLong(ms) {
  const s = Math.floor(Math.abs(ms) / 1000);
  const m = Math.floor((s % 3600) / 60);
  if (s >= 3600 && s < 10 * 3600 && m) return `${Math.floor(s / 3600)} h ${m} min`;
  return span(ms);
}

export const forms = {
  absolute: (ms) => absolute(ms),
  precise: (ms) => absolute(ms) + thousandth(ms), // evidence
  clock: (ms) => absolute(ms).slice(11),
  clockPrecise: (ms) => absolute(ms).slice(11) + thousandth(ms),
  minute: (ms) => absolute(ms).slice(11, 16),
  day: (ms) => absolute(ms).slice(0, 10),
  age: (ms) => span(clock.now - ms),
};

/** What hovering and copying say: the absolute time with its zone, and the age. */
export const full = (ms) => `${absolute(ms)} ${zoneName()}, ${spanLong(clock.now - ms)} ${ms > clock.now ? 'ahead' : 'ago'}`;

/** ms of a time that an API gives: ms, or ISO 8601, which without a zone is UTC. */
export function ms(t) {
  if (typeof t === 'number') return t;
  if (!t) return NaN;
  return Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(t) ? t : t + 'Z');
}
