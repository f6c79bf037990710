// What a chart draws of records: series over time, or bars.

const seriesMost = 20;
const barsMost = 50;

/**
 * {kind: 'time', times, series: [{name, values, sum}], more}, {kind: 'bars', by, name, bars:
 * [{name, value}], most, more}, or {kind: 'none'}. A time without a record has null.
 */
export function seriesOf(columns, rows) {
  const cols = columns.map((c, place) => ({ ...c, place })).filter((c) => !c.own);
  const time = cols.find((c) => c.name.toLowerCase() === '_timeslice') ?? cols.find((c) => c.time);
  const numbers = cols.filter((c) => c !== time && c.number && !c.key);
  const values = numbers.length ? numbers : cols.filter((c) => c !== time && c.number);
  const keys = cols.filter((c) => c !== time && !values.includes(c));
  if (!values.length || !rows.length) return { kind: 'none' };
  if (time) {
    const times = [...new Set(rows.map((r) => Number(r.at(time.place))))].filter(Number.isFinite).sort((a, b) => a - b);
    const at = new Map(times.map((t, i) => [t, i]));
    const byName = new Map();
    for (const r of rows) {
      const i = at.get(Number(r.at(time.place)));
      if (i === undefined) continue;
      const group = keys.map((k) => r.at(k.place) ?? '(none)').join(' · ');
      for (const v of values) {
        const text = r.at(v.place);
        if (text === undefined) continue;
        const name = [group, values.length > 1 || !group ? v.name : ''].filter(Boolean).join(' · ');
        if (!byName.has(name)) byName.set(name, { name, values: Array(times.length).fill(null), sum: 0 });
        const s = byName.get(name);
        s.values[i] = (s.values[i] ?? 0) + Number(text);
        s.sum += Number(text);
      }
    }
    const all = [...byName.values()].sort((a, b) => b.sum - a.sum);
    return { kind: 'time', times, series: all.slice(0, seriesMost), more: Math.max(0, all.length - seriesMost) };
  }
  const v = values[0];
  const bars = rows
    .map((r) => ({ name: keys.map((k) => r.at(k.place) ?? '(none)').join(' · ') || v.name, value: Number(r.at(v.place)) }))
    .filter((b) => Number.isFinite(b.value));
  bars.sort((a, b) => b.value - a.value);
  const shown = bars.slice(0, barsMost);
  return { kind: 'bars', by: keys.map((k) => k.name).join(', '), name: v.name, bars: shown, most: Math.max(...shown.map((b) => b.value), 1e-9), more: bars.length - shown.length };
}
