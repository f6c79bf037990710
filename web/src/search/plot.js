// Series over time, drawn with uPlot: a chunk of its own.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { absolute, zone } from '../parts/time.svelte.js';
import { ticks } from './range.js';

/** Draws {times, series} in an element; alone is the one series that is shown, -1 for all; at(n) is told which time the pointer is at, -1 for
 * none. Gives what ends it. */
export function draw(host, data, alone, at) {
  const probe = document.createElement('i');
  host.append(probe);
  const css = (name) => {
    probe.style.color = name;
    return getComputedStyle(probe).color;
  };
  const colour = (i) => {
    probe.className = `swatch c${i % 8}`;
    return css(`light-dark(${pairs[i % 8]})`);
  };
  const ink = css('var(--mute)');
  const grid = css('var(--line)');
  const one = data.series.length === 1;
  const apart = data.times.length > 1 ? Math.min(...data.times.slice(1).map((t, i) => t - data.times[i])) : 3_600_000;
  // A time that stands alone has no line: it is a point. Of few times all are.
  const lonely = (values) => values.flatMap((v, i) => (v !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null ? [i] : []));
  const points = (values) => (data.times.length < 80 ? { show: true, size: 5 } : { show: true, size: 5, filter: () => lonely(values) });
  // Where no record is, the line is cut: nothing was counted there.
  const series = data.series.map((s, i) => ({
    label: s.name.slice(0, 80),
    show: alone < 0 || alone === i,
    stroke: colour(i),
    fill: one ? colour(i) : undefined,
    width: one ? 0 : 2,
    paths: one ? uPlot.paths.bars({ size: [0.8, 60] }) : undefined,
    points: one ? { show: false } : points(s.values),
  }));
  probe.remove();
  const plot = new uPlot(
    {
      width: Math.max(200, host.clientWidth),
      height: 280,
      ms: 1,
      legend: { show: false },
      hooks: { setCursor: [(u) => at(u.cursor.idx ?? -1)] },
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: true, range: () => [data.times[0] - apart / 2, data.times.at(-1) + apart / 2] }, y: { range: (u, lo, hi) => [Math.min(0, lo), hi > 0 ? hi * 1.08 : 1] } },
      axes: [
        {
          stroke: ink,
          font: '11px system-ui, sans-serif',
          grid: { stroke: grid, width: 1 },
          ticks: { stroke: grid },
          splits: (u, i, min, max) => ticks(min, max, zone(), Math.max(2, Math.floor(u.width / 130))).list,
          values: (u, list) => list.map((t) => (absolute(t).endsWith('00:00:00') ? absolute(t).slice(5, 10) : apart < 60_000 ? absolute(t).slice(11) : absolute(t).slice(11, 16))),
        },
        { stroke: ink, font: '11px system-ui, sans-serif', grid: { stroke: grid, width: 1 }, ticks: { stroke: grid }, size: 62, values: (u, list) => list.map((v) => v.toLocaleString('en')) },
      ],
      series: [{}, ...series],
    },
    [data.times, ...data.series.map((s) => s.values)],
    host,
  );
  const seen = new ResizeObserver(() => plot.setSize({ width: Math.max(200, host.clientWidth), height: 280 }));
  seen.observe(host);
  return () => {
    seen.disconnect();
    plot.destroy();
  };
}

const pairs = ['#0a58a8, #6fb3ff', '#a83a00, #ffa36b', '#19693b, #6fd196', '#8a1c7c, #e79be0', '#735600, #e5c453', '#a1063f, #ff86aa', '#0b6b6b, #62cfcf', '#56606e, #a4afbc'];
