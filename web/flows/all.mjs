// Runs the flows, each in a process of its own: all, or those whose names are given.
import { spawnSync } from 'node:child_process';
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
for (const f of flows) {
  const began = Date.now();
  const run = spawnSync(process.execPath, [dir + f], { stdio: 'inherit', timeout: 170_000 });
  console.log(`${f} took ${((Date.now() - began) / 1000).toFixed(1)} s`);
  if (run.status !== 0) bad++;
}
console.log(bad ? `${bad} of ${flows.length} flows fail` : `${flows.length} flows pass`);
process.exit(bad ? 1 : 0);
