// What all flows share: a server of their own with a data folder of its own, logs that are
// really sent, and a browser. GYOJI is the binary; CHROMIUM the browser; SHOTS a folder for
// pictures.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(fileURLToPath(new URL('../..', import.meta.url)));
export const samples = join(root, 'samples');
export const widths = [
  [1440, 900],
  [1280, 800],
  [390, 844],
];
/** Seconds that a flow waits for what is to come: for a machine with eight times the load. It
 * takes no time where nothing fails. */
export const patience = 100;
export const themes = ['light', 'dark'];

const binary = process.env.GYOJI || join(root, 'gyoji');

/** Starts a server; stop() ends it, kill() at once; start() again goes on with its folder and port. */
export async function serve(...flags) {
  const dir = mkdtempSync(join(tmpdir(), 'gyoji-flow-'));
  const s = { dir, child: null, base: '', credentials: null, log: '' };
  s.start = async () => {
    const listen = s.base ? new URL(s.base).host : '127.0.0.1:0';
    s.child = spawn(binary, ['serve', '--listen', listen, '--data', dir, ...flags], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    s.child.stderr.on('data', (d) => (s.log += d));
    await new Promise((go, stop) => {
      let said = '';
      s.child.stdout.on('data', (d) => {
        said += d;
        const m = /gyoji is ready at (\S+)/.exec(said);
        if (m) {
          s.base = m[1];
          go();
        }
      });
      s.child.once('exit', (code) => stop(new Error(`gyoji serve ended with ${code}: ${s.log}`)));
    });
    s.credentials = JSON.parse(readFileSync(join(dir, 'credentials.json'), 'utf8'));
  };
  s.stop = () =>
    new Promise((go) => {
      if (s.child.exitCode !== null || s.child.signalCode) return go();
      s.child.once('exit', go);
      s.child.kill('SIGKILL');
    });
  s.end = async () => {
    await s.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  /** Sends lines or a file to the HTTP source, as any client does. */
  s.send = async (body, category = 'win/sysmon') => {
    const answer = await fetch(s.credentials.http_source_url, { method: 'POST', headers: { 'X-Sumo-Category': category }, body });
    if (!answer.ok) throw new Error(`send: ${answer.status} ${await answer.text()}`);
  };
  s.sendSamples = async (only = /\.jsonl$/) => {
    for (const [name, category] of [
      ['ws-fin-014-sysmon.jsonl', 'win/sysmon'],
      ['ws-dev-022-sysmon.jsonl', 'win/sysmon'],
      ['security.jsonl', 'win/security'],
    ]) {
      if (only.test(name) && existsSync(join(samples, name))) await s.send(readFileSync(join(samples, name)), category);
    }
  };
  /** Sends a sample as if it were of another host and user: an insight for each. */
  s.sendAs = (host, user, also = (text) => text) => {
    const json = (v) => JSON.stringify(v).slice(1, -1);
    const text = readFileSync(join(samples, 'ws-dev-022-sysmon.jsonl'), 'utf8');
    return s.send(also(text.replaceAll('WS-DEV-022', json(host)).replaceAll('a.novak', json(user))));
  };
  /** Calls the API with the first key. */
  s.call = async (method, path, body, headers = {}) => {
    const { access_id, access_key } = s.credentials;
    const answer = await fetch(s.base + path, {
      method,
      headers: { Authorization: 'Basic ' + btoa(`${access_id}:${access_key}`), 'Content-Type': 'application/json', ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw Object.assign(new Error(`${method} ${path}: ${answer.status} ${text}`), { status: answer.status });
    return text ? JSON.parse(text) : null;
  };
  s.get = (path) => s.call('GET', path);
  /** A key of a role: {access_id, access_key}. */
  s.key = async (role, label) => {
    const k = await s.call('POST', '/api/v1/accessKeys', { label, role });
    return { access_id: k.id, access_key: k.key };
  };
  /** Waits until so many insights are there. */
  s.insights = async (least, seconds = 30) => {
    const { objects } = await until(
      async () => {
        const { data } = await s.get('/api/sec/v1/insights?limit=100');
        return data.objects.length >= least && data;
      },
      `${least} insights`,
      seconds,
    );
    return objects;
  };
  await s.start();
  return s;
}

/** Waits until f gives something true, and gives it. */
export async function until(f, what, seconds = patience) {
  const end = Date.now() + Math.max(seconds, patience) * 1000;
  let last;
  while (Date.now() < end) {
    try {
      const v = await f();
      if (v) return v;
    } catch (e) {
      last = e;
    }
    await new Promise((go) => setTimeout(go, 100));
  }
  throw new Error(`${what} did not come within ${Math.max(seconds, patience)} s${last ? `: ${last.message}` : ''}`);
}

/** A browser; page() opens a page that is signed in, and tells what went wrong in it. */
export async function browse(s) {
  const { chromium } = await import('playwright-core');
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
  const b = { browser, problems: [] };
  b.page = async ({ width = 1440, height = 900, theme = 'light', by = undefined, path = '/triage', timezone = 'Europe/Berlin', reduced = true } = {}) => {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, timezoneId: timezone, locale: 'en-GB', reducedMotion: reduced ? 'reduce' : 'no-preference', hasTouch: width < 700 });
    context.setDefaultTimeout(patience * 1000);
    // Notices, which go after 5 or 10 s, stay as long as a loaded machine needs to press their Undo.
    await context.addInitScript(() => {
      const { setTimeout } = globalThis;
      globalThis.setTimeout = (f, ms, ...more) => setTimeout(f, ms === 5000 || ms === 10000 ? ms * 6 : ms, ...more);
    });
    const page = await context.newPage();
    page.problems = b.problems;
    page.on('pageerror', (e) => b.problems.push(`error: ${e.stack || e}`));
    page.on('dialog', (d) => {
      b.problems.push(`dialog: ${d.message()}`);
      d.dismiss();
    });
    page.on('console', (m) => {
      if (/Content Security Policy|violates/i.test(m.text())) b.problems.push(`policy: ${m.text()}`);
    });
    page.on('request', (r) => {
      if (!r.url().startsWith(s.base) && !/^(data|blob|about|chrome)/.test(r.url())) b.problems.push(`asked elsewhere: ${r.url()}`);
    });
    const answer = await context.request.post(s.base + '/api/gyoji/v1/session', { data: by ?? { access_id: s.credentials.access_id, access_key: s.credentials.access_key } });
    if (!answer.ok()) throw new Error(`sign-in: ${answer.status()}`);
    if (path) await page.goto(s.base + path);
    return page;
  };
  b.end = () => browser.close();
  return b;
}

/** A picture, where SHOTS is set. */
export async function shot(page, name) {
  const dir = process.env.SHOTS;
  if (!dir) return;
  mkdirSync(dir, { recursive: true });
  await page.screenshot({ path: join(dir, `${name}.png`) });
}

const axeSource = () => readFileSync(fileURLToPath(new URL('../node_modules/axe-core/axe.min.js', import.meta.url)), 'utf8');

/**
 * What axe finds on a page, of any impact. Of a page that was looked at in another theme, at
 * the same width, colours alone can be wrong.
 */
export async function axe(page, { colours = false } = {}) {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axeSource());
  const result = await page.evaluate((only) => globalThis.axe.run(document, { resultTypes: ['violations'], ...(only ? { runOnly: ['color-contrast', 'link-in-text-block'] } : {}) }), colours);
  return result.violations.map((v) => `${v.impact} ${v.id}: ${v.nodes.map((n) => n.target.join(' ') + ' ' + (n.failureSummary ?? '').split('\n').slice(1).join(';')).join(' | ')}`);
}

/** Whether the page scrolls sideways: {page, parts}. */
export const sideways = (page) => page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1 || document.getElementById('main')?.scrollWidth > document.getElementById('main')?.clientWidth + 1);

let failures = 0;
/** One thing that a flow is to show. */
export function ok(what, value, more = '') {
  console.log(`${value ? 'ok  ' : 'FAIL'} ${what}${!value && more !== '' ? `: ${typeof more === 'string' ? more : JSON.stringify(more)}` : ''}`);
  if (!value) failures++;
}
export const equal = (what, got, want) => ok(what, JSON.stringify(got) === JSON.stringify(want), `got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);

/** Runs a flow and ends its server and browser whatever happens; the process fails where anything did. */
export async function flow(name, run, ...flags) {
  console.log(`== ${name}`);
  const s = await serve(...flags);
  let b;
  try {
    b = await browse(s);
    await run(s, b);
    ok(`${name}: no error, no dialog, no report of the policy, nothing asked elsewhere`, b.problems.length === 0, b.problems.slice(0, 5).join('\n'));
  } catch (e) {
    ok(name, false, e.stack);
    if (b) for (const c of b.browser.contexts()) for (const p of c.pages()) await shot(p, `failed-${name}`).catch(() => {});
  } finally {
    await b?.end();
    await s.end();
  }
  process.exitCode = failures ? 1 : 0;
}
