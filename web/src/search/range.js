// Time ranges as people write them and as the address keeps them: relative ones stay
// relative, absolute ones are ms since 1970. Wall times are of a zone, and days that are 23 or
// 25 hours long are so here.

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** The ranges that are offered. */
export const presets = [
  ['-15m', 'Last 15 minutes'],
  ['-1h', 'Last hour'],
  ['-6h', 'Last 6 hours'],
  ['-24h', 'Last 24 hours'],
  ['-7d', 'Last 7 days'],
  ['-30d', 'Last 30 days'],
  ['today', 'Today'],
  ['yesterday', 'Yesterday'],
];
export const usual = '-24h';

const formats = new Map();
function wall(ms, zone) {
  let f = formats.get(zone);
  if (!f) {
    f = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' });
    formats.set(zone, f);
  }
  const o = {};
  for (const p of f.formatToParts(ms)) o[p.type] = Number(p.value);
  return [o.year, o.month, o.day, o.hour, o.minute, o.second];
}

/** How far a zone's clocks are ahead of UTC at a moment, in ms. */
export const offset = (ms, zone) => {
  const [y, mo, d, h, mi, s] = wall(ms, zone);
  return Date.UTC(y, mo - 1, d, h, mi, s) - Math.floor(ms / 1000) * 1000;
};

/**
 * The moment at which a zone's clocks show a time. One that they show twice is the first of
 * the two; one that they leave out is as long after the gap's start as it says.
 */
export function moment(zone, y, mo, d, h = 0, mi = 0, s = 0, ms = 0) {
  const utc = Date.UTC(y, mo - 1, d, h, mi, s, ms);
  const before = utc - offset(utc - 86_400_000, zone);
  const after = utc - offset(utc + 86_400_000, zone);
  for (const t of [Math.min(before, after), Math.max(before, after)]) if (t + offset(t, zone) === utc) return t;
  return before; // in the gap: by the offset before it
}

/** When the day of a moment begins in a zone; days: so many days later. */
export function dayStart(ms, zone, days = 0) {
  const [y, mo, d] = wall(ms, zone);
  return moment(zone, y, mo, d + days);
}

/**
 * A time as it is written: -15m, now, today, yesterday, ms since 1970, or a date and time of
 * the zone. Gives {keep, at} or {wrong}: keep is what the address keeps, at(now) the moment.
 */
export function read(text, zone) {
  const t = String(text ?? '').trim();
  if (t === '' || t === 'now') return { keep: 'now', at: (now) => now };
  let m = /^-\s*(\d{1,9})\s*([smhdw])$/i.exec(t);
  if (m) {
    const n = Number(m[1]) * units[m[2].toLowerCase()];
    return { keep: `-${m[1]}${m[2].toLowerCase()}`, at: (now) => now - n };
  }
  if (/^today$/i.test(t)) return { keep: 'today', at: (now) => dayStart(now, zone) };
  if (/^yesterday$/i.test(t)) return { keep: 'yesterday', at: (now) => dayStart(now, zone, -1) };
  if (/^\d{9,10}$/.test(t)) return { keep: String(Number(t) * 1000), at: () => Number(t) * 1000 };
  if (/^-?\d{11,15}$/.test(t)) return { keep: String(Number(t)), at: () => Number(t) };
  m = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?$/i.exec(t);
  if (m) {
    const [, y, mo, d, h = 0, mi = 0, s = 0, frac = '0', z] = m;
    const part = [y, mo, d, h, mi, s].map(Number);
    const ms = Math.floor(Number('0.' + frac) * 1000);
    if (part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > new Date(Date.UTC(part[0], part[1], 0)).getUTCDate() || part[3] > 23 || part[4] > 59 || part[5] > 59) return { wrong: `${t} is no date that there is.` };
    let at;
    if (!z) at = moment(zone, ...part, ms);
    else {
      const o = /^([+-])(\d\d):?(\d\d)$/.exec(z);
      at = Date.UTC(part[0], part[1] - 1, ...part.slice(2), ms) - (o ? (o[1] === '-' ? -1 : 1) * (Number(o[2]) * 60 + Number(o[3])) * 60_000 : 0);
    }
    return { keep: String(at), at: () => at };
  }
  return { wrong: `“${t}” is not understood. Write 2026-03-10 03:07, -24h, today, or milliseconds since 1970.` };
}

/** The range of an address: {from, to, relative, wrong}, in ms at a moment. */
export function resolve(from, to, now, zone) {
  const a = read(from || usual, zone);
  const b = read(to || (/^yesterday$/i.test(from ?? '') ? 'today' : 'now'), zone);
  const wrong = a.wrong || b.wrong;
  if (wrong) return { wrong, from: now - 86_400_000, to: now };
  const at = { from: a.at(now), to: b.at(now), relative: !/^-?\d{11,}$/.test(a.keep) || !/^-?\d{11,}$/.test(b.keep) };
  if (at.to <= at.from) return { ...at, wrong: 'The range ends before it begins.' };
  return at;
}

/** A range in words: the name of a preset, else both times. */
export function words(from, to, show) {
  const name = presets.find(([k]) => k === (from || usual));
  if (name && (!to || to === 'now')) return name[1];
  const m = /^-(\d+)([smhdw])$/.exec(from || usual);
  const long = { s: 'seconds', m: 'minutes', h: 'hours', d: 'days', w: 'weeks' };
  if (m && (!to || to === 'now')) return `Last ${m[1]} ${long[m[2]]}`;
  const side = (t) => (/^-?\d{9,}$/.test(t ?? '') ? show(Number(t)) : (t ?? 'now'));
  return `${side(from || usual)} to ${side(to || 'now')}`;
}

/**
 * Where marks of an axis stand: moments at which the zone's clocks show whole hours or days,
 * at most so many.
 */
export function ticks(from, to, zone, most = 6) {
  const span = to - from;
  const steps = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 2 * 86400, 7 * 86400, 14 * 86400, 30 * 86400, 90 * 86400, 365 * 86400].map((s) => s * 1000);
  const step = steps.find((s) => span / s <= most) ?? span;
  const out = [];
  if (step < 3_600_000) {
    for (let t = Math.ceil(from / step) * step; t < to; t += step) out.push(t);
    return { step, list: out };
  }
  const days = Math.max(1, Math.round(step / 86_400_000));
  for (let day = dayStart(from, zone), n = 0; day < to && n < 1000; day = dayStart(day + 3_600_000, zone, days), n++) {
    const next = dayStart(day + 3_600_000, zone, 1);
    if (step >= 86_400_000) {
      if (day >= from) out.push(day);
      continue;
    }
    const [y, mo, d] = wall(day + 3_600_000, zone);
    for (let h = 0; h < 24; h += step / 3_600_000) {
      const t = moment(zone, y, mo, d, h);
      if (t >= from && t < to && t < next && t !== out.at(-1)) out.push(t);
    }
  }
  return { step, list: out };
}
