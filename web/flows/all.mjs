// Runs the flows, two at a time, each in a process of its own: all, or those whose names are
// given.
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const dir = fileURLToPath(new URL('.', import.meta.url));
const asked = process.argv.slice(2);
const flows = readdirSync(dir).filter((f) => f.endsWith('.flow.mjs') && (!asked.length || asked.some((a) => f.startsWith(a))));
if (!flows.length) {
  console.error('there is no such flow');
  process.exit(1);
}
let bad = 0;
// Those that take longest begin first, so that both lanes end at about the same time.
const long = ['content', 'health', 'search-rows', 'looks', 'search', 'search-looks'];
const place = (f) => (long.indexOf(f.split('.')[0]) + long.length + 1) % (long.length + 1);
const waiting = [...flows].sort((a, b) => place(a) - place(b));
/** Runs what waits, one after the other, and says what each said when it has ended. */
async function lane() {
  for (let f = waiting.shift(); f; f = waiting.shift()) {
    const began = Date.now();
    await new Promise((go) => {
      execFile(process.execPath, [dir + f], { timeout: 600_000, maxBuffer: 16 << 20 }, (error, out, err) => {
        console.log(`${out}${err}${f} took ${((Date.now() - began) / 1000).toFixed(1)} s`);
        if (error) bad++;
        go();
      });
    });
  }
}
await Promise.all([lane(), lane()]);
console.log(bad ? `${bad} of ${flows.length} flows fail` : `${flows.length} flows pass`);
process.exit(bad ? 1 : 0);
