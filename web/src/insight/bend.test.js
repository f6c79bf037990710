import assert from 'node:assert/strict';
import test from 'node:test';
import { bend } from './bend.js';

test('marks never overlap, keep their order, and pauses are breaks', () => {
  for (let seed = 1; seed < 60; seed++) {
    let r = seed;
    const next = () => (r = (r * 1103515245 + 12345) % 2147483648) / 2147483648;
    const times = [0];
    for (let n = 0; n < seed; n++) times.push(times.at(-1) + Math.floor(10 ** (next() * 9)));
    const line = bend(times, 500);
    for (let n = 1; n < times.length; n++) assert.ok(line.xs[n] - line.xs[n - 1] >= 25.9, `${seed}: ${line.xs}`);
    assert.ok(line.xs.at(-1) <= line.width);
    assert.equal(line.breaks.length, times.filter((t, n) => n && t - times[n - 1] > 20 * 60000).length);
  }
  assert.deepEqual(bend([5], 300).breaks, []);
  assert.deepEqual(bend([], 300).xs, []);
});
