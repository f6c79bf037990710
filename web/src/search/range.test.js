import assert from 'node:assert/strict';
import test from 'node:test';
import { dayStart, moment, read, resolve, ticks, words } from './range.js';

const berlin = 'Europe/Berlin';
const iso = (t) => new Date(t).toISOString();

test('the day on which clocks go forward has 23 hours, the one on which they go back 25', () => {
  const spring = Date.parse('2026-03-29T12:00:00Z');
  assert.equal(iso(dayStart(spring, berlin)), '2026-03-28T23:00:00.000Z');
  assert.equal(dayStart(spring, berlin, 1) - dayStart(spring, berlin), 23 * 3_600_000);
  const autumn = Date.parse('2026-10-25T12:00:00Z');
  assert.equal(dayStart(autumn, berlin, 1) - dayStart(autumn, berlin), 25 * 3_600_000);
});

test('a time that clocks leave out, and one that they show twice', () => {
  assert.equal(iso(moment(berlin, 2026, 3, 29, 1, 59)), '2026-03-29T00:59:00.000Z');
  assert.equal(iso(moment(berlin, 2026, 3, 29, 2, 30)), '2026-03-29T01:30:00.000Z'); // 03:30 on the clocks
  assert.equal(iso(moment(berlin, 2026, 3, 29, 3, 0)), '2026-03-29T01:00:00.000Z');
  assert.equal(iso(moment(berlin, 2026, 10, 25, 2, 30)), '2026-10-25T00:30:00.000Z'); // the first
  assert.equal(iso(moment(berlin, 2026, 10, 25, 3, 0)), '2026-10-25T02:00:00.000Z');
  assert.equal(iso(moment('Asia/Kathmandu', 2026, 1, 1)), '2025-12-31T18:15:00.000Z');
  assert.equal(iso(moment('Pacific/Apia', 2026, 1, 1)), '2025-12-31T11:00:00.000Z');
  assert.equal(iso(moment('Africa/Cairo', 2026, 4, 24)), '2026-04-23T22:00:00.000Z'); // clocks go forward at midnight
});

test('times as people write them', () => {
  const now = Date.parse('2026-03-11T03:07:00Z');
  const at = (t, z = 'UTC') => iso(read(t, z).at(now));
  assert.equal(at('-24h'), '2026-03-10T03:07:00.000Z');
  assert.equal(at('-2w'), '2026-02-25T03:07:00.000Z');
  assert.equal(at('now'), iso(now));
  assert.equal(at('today', berlin), '2026-03-10T23:00:00.000Z');
  assert.equal(at('yesterday'), '2026-03-10T00:00:00.000Z');
  assert.equal(at('1773197580000'), iso(1773197580000));
  assert.equal(at('1773197580'), iso(1773197580000));
  assert.equal(at('2026-03-10 03:07'), '2026-03-10T03:07:00.000Z');
  assert.equal(at('2026-03-10T03:07:01.25', berlin), '2026-03-10T02:07:01.250Z');
  assert.equal(at('2026-03-10T03:07:00+01:00', berlin), '2026-03-10T02:07:00.000Z');
  assert.equal(at('2026-03-10', berlin), '2026-03-09T23:00:00.000Z');
  for (const bad of ['tomorrow-ish', '2026-02-30', '2026-03-10 25:00', '-5', 'NaN', '<b>', '-1y']) assert.ok(read(bad, 'UTC').wrong, bad);
});

test('ranges', () => {
  const now = Date.parse('2026-03-29T12:00:00Z');
  const r = resolve('yesterday', '', now, berlin);
  assert.equal(iso(r.from), '2026-03-27T23:00:00.000Z');
  assert.equal(iso(r.to), '2026-03-28T23:00:00.000Z');
  assert.ok(resolve('', '', now, berlin).relative);
  assert.ok(!resolve('1773197580000', '1773197590000', now, berlin).relative);
  assert.ok(resolve('now', '-1h', now, berlin).wrong);
  assert.equal(words('', '', String), 'Last 24 hours');
  assert.equal(words('-90m', 'now', String), 'Last 90 minutes');
  assert.equal(words('-2h', '-1h', String), '-2h to -1h');
});

test('marks of an axis are whole hours of the zone, also where clocks are changed', () => {
  const from = Date.parse('2026-03-28T23:00:00Z');
  const { list } = ticks(from, from + 23 * 3_600_000, berlin);
  const hours = list.map((t) => new Intl.DateTimeFormat('en-GB', { timeZone: berlin, hour: '2-digit', hourCycle: 'h23' }).format(t));
  assert.deepEqual(hours, ['00', '06', '12', '18']);
  assert.equal(list[1] - list[0], 5 * 3_600_000);
  for (const zone of ['UTC', berlin, 'Asia/Kathmandu', 'America/St_Johns', 'Pacific/Apia']) {
    for (const span of [1000, 60_000, 900_000, 3_600_000, 86_400_000, 30 * 86_400_000, 4000 * 86_400_000]) {
      const { list: l } = ticks(from, from + span, zone);
      assert.ok(l.length <= 8, `${zone} ${span}: ${l.length}`);
      assert.ok(l.every((t, i) => t >= from && t < from + span && (!i || t > l[i - 1])), `${zone} ${span}`);
    }
  }
});
