import assert from 'node:assert/strict';
import test from 'node:test';
import { check } from '../../lint.mjs';
import { csv, hasHidden, pieces, plain } from './text.js';

test('hidden characters are shown', () => {
  // Expected forms by hand from the code points of Unicode.
  for (const [text, want] of [
    ['a\u202eb', 'a\\u202eb'],
    ['\u0000', '\\u0000'],
    ['\u001b[31mred', '\\u001b[31mred'],
    ['a\tb\nc', 'a\tb\nc'],
    ['\u2066x\u2069', '\\u2066x\\u2069'],
    ['zero\u200bwidth', 'zero\\u200bwidth'],
    ['\ufeffbom', '\\ufeffbom'],
    ['line\u2028sep', 'line\\u2028sep'],
    ['tag\u{e0041}', 'tag\\u{e0041}'],
    ['half\ud800', 'half\\ud800'],
    ['\udc00half', '\\udc00half'],
    ['emoji \u{1f600} stays', 'emoji \u{1f600} stays'],
    ['<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
    ['\r', '\\u000d'],
  ]) {
    assert.equal(plain(text), want);
  }
  assert.equal(hasHidden('a\u202eb'), true);
  assert.equal(hasHidden('plain ä 漢 \u{1f600}'), false);
});

test('every character is there once, shown or as it is', () => {
  for (let n = 0; n < 0x11000; n += 7) {
    const c = String.fromCodePoint(n);
    const p = pieces(`x${c}y`);
    const text = p.pieces.map((x) => x.text ?? '').join('') + p.pieces.filter((x) => x.mark).length;
    assert.ok(text === `x${c}y0` || text === 'xy1', n.toString(16));
  }
});

test('long text is cut, and never within a character', () => {
  const p = pieces('\u{1f600}'.repeat(10), 5);
  assert.equal(p.pieces[0].text, '\u{1f600}\u{1f600}');
  assert.equal(p.more, 16);
  assert.equal(plain('abc', 2), 'ab…');
});

test('no cell is a formula', () => {
  assert.equal(csv("=cmd|'/c calc'!A0"), "'=cmd|'/c calc'!A0");
  assert.equal(csv('-1'), "'-1");
  assert.equal(csv('a "b", c'), '"a ""b"", c"');
  assert.equal(csv('plain'), 'plain');
  assert.equal(csv(null), '');
});

test('the lint finds what it is for', () => {
  for (const line of ['x.innerHTML = y', '{@html y}', 'e.insertAdjacentHTML("x", y)', 'document.write(y)', '<p style="color:red">', 'eval(x)', '<a href={row.url}>', 'fetch("https://example.com")']) {
    assert.equal(check('f', line).length, 1, line);
  }
  for (const line of ["<a href={href('triage')}>", '<p style:color={c}>', 'xmlns="http://www.w3.org/2000/svg"']) {
    assert.deepEqual(check('f', line), [], line);
  }
});
