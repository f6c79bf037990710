// Flows 30 to 34 of the acceptance flows: widths, zoom, axe, greyscale, requests and weight, of
// each page in each width and theme.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { axe, equal, flow, ok, root, shot, sideways, themes, until, widths } from './desk.mjs';

await flow('looks', async (s, b) => {
  await s.sendSamples(/fin|dev/);
  await s.insights(4);
  const { rows } = await s.get('/api/gyoji/v1/triage');
  const row = rows.find((r) => r.entity.type === '_hostname');
  await s.call('POST', `/api/gyoji/v1/insights/${row.id}/guide`, {});
  const pages = {
    triage: ['/triage', '[role=grid] [data-id]'],
    insight: [`/insight/${row.readableId}`, '#step-decide'],
    playbook: [`/insight/${row.readableId}?side=playbook`, '.phase'],
    entities: ['/entities', '[role=grid] [data-id]'],
    coverage: ['/coverage', '[data-cell], details'],
    health: ['/health', '#channels'],
    entity: [`/entity/${encodeURIComponent(row.entity.id)}`, '.chart'],
  };
  // Each page is opened once, at the width of a desk or of a phone, and looked at in the rest.
  for (const small of [false, true]) {
    const p = await b.page({ width: small ? 390 : 1440, height: 844, path: '' });
    for (const [name, [path, there]] of Object.entries(pages)) {
      await p.goto(s.base + path);
      for (const [width, height] of widths.filter(([w]) => w < 700 === small)) {
        await p.setViewportSize({ width, height });
        await p.locator(there).first().waitFor();
        for (const theme of themes) {
          await p.emulateMedia({ colorScheme: theme });
          await p.waitForTimeout(150);
          await shot(p, `${name}-${width}-${theme}`);
          equal(`31 axe: ${name} ${width} ${theme}`, await axe(p, { colours: theme !== themes[0] }), []);
        }
        equal(`30 nothing sideways: ${name} ${width}`, await sideways(p), false);
        if (!small) continue;
        const thin = await p.locator('button:visible, select:visible, input:visible:not([type=checkbox]):not([type=radio])').evaluateAll((list) =>
          list.filter((e) => e.offsetParent && (e.offsetHeight < 24 || e.offsetWidth < 24) && !e.closest('.sr')).map((e) => e.outerHTML.slice(0, 120)),
        );
        equal(`30 targets are 24 px: ${name}`, thin, []);
        const acts = await p.locator('.stick .btn:visible, nav.rail a:visible, .btn:visible').evaluateAll((list) => list.filter((e) => e.offsetHeight < 44).map((e) => e.innerText.slice(0, 40)));
        equal(`30 acts are 44 px: ${name}`, acts, []);
      }
    }
    await p.context().close();
  }

  // 30: 200 % zoom of 1440 is the layout of 720, 400 % reflow that of 360.
  for (const [width, height] of [[720, 450], [360, 640]]) {
    const p = await b.page({ width, height, path: '' });
    for (const [name, [path, there]] of Object.entries(pages)) {
      await p.goto(s.base + path);
      await p.locator(there).first().waitFor();
      equal(`30 nothing sideways: ${name} at ${width} px`, await sideways(p), false);
      if (width === 720) await shot(p, `${name}-zoom`);
    }
    await p.context().close();
  }

  // 32: without colour, severities are told apart by shape.
  const grey = await b.page({});
  await grey.locator('[role=grid] [data-id]').first().waitFor();
  const client = await grey.context().newCDPSession(grey);
  await client.send('Emulation.setEmulatedVisionDeficiency', { type: 'achromatopsia' });
  await shot(grey, 'grey');
  const shapes = await grey.locator('.severity svg').evaluateAll((list) => Object.fromEntries(list.map((v) => [v.parentElement.className.replace(/svelte-\S+/g, '').trim(), [...v.children].map((c) => c.getAttribute('d') ?? c.tagName).join()])));
  ok('32 each severity has a shape of its own', new Set(Object.values(shapes)).size === Object.keys(shapes).length && Object.keys(shapes).length > 1, shapes);
  const forced = await grey.context().browser().newContext({ forcedColors: 'active', viewport: { width: 1280, height: 800 } });
  await forced.request.post(s.base + '/api/gyoji/v1/session', { data: { access_id: s.credentials.access_id, access_key: s.credentials.access_key } });
  const f = await forced.newPage();
  await f.goto(s.base + '/triage');
  await f.locator('[role=grid] [data-id]').first().waitFor();
  await shot(f, 'forced-colors');
  await forced.close();

  // 33 and 34: what a first load of Triage asks for, and what it weighs.
  const context = await b.browser.newContext();
  await context.request.post(s.base + '/api/gyoji/v1/session', { data: { access_id: s.credentials.access_id, access_key: s.credentials.access_key } });
  const first = await context.newPage();
  const loaded = [];
  first.on('response', (r) => loaded.push([new URL(r.url()).pathname, r.headers()]));
  const answer = await first.goto(s.base + '/triage');
  equal('33 the policy', answer.headers()['content-security-policy'], "default-src 'self'");
  await first.locator('[role=grid] [data-id]').first().waitFor();
  const files = loaded.map(([path]) => path).filter((path) => path.startsWith('/assets/'));
  const weigh = (name) => gzipSync(readFileSync(join(root, 'web/dist', name)), { level: 9 }).length;
  const weight = files.reduce((a, name) => a + weight1(name), weigh('index.html'));
  function weight1(name) {
    return weigh(name.slice(1));
  }
  console.log(`     first load of Triage: ${(weight / 1000).toFixed(1)} kB compressed, ${files.length} files`);
  ok('34 the first load is at most 250 kB compressed', weight <= 250_000, weight);
  const all = readdirSync(join(root, 'web/dist/assets')).map((name) => [name, weigh(`assets/${name}`)]);
  console.log(`     all of the page: ${(all.reduce((a, [, n]) => a + n, 0) / 1000).toFixed(1)} kB compressed`);
  const heavy = all.filter(([name]) => /cm-content|cm-editor|uPlot|uplot/.test(readFileSync(join(root, 'web/dist/assets', name), 'utf8'))).map(([name]) => name);
  equal('34 Triage has no editor and no chart', files.filter((path) => heavy.some((name) => path.endsWith(name))), []);
  await context.close();

  // 19: a day on which the clock is put forward, in the page's own times.
  const p = await b.page({ timezone: 'Europe/Berlin' });
  await p.locator('[role=grid] [data-id]').first().waitFor();
  await p.keyboard.press('u');
  await until(async () => (await p.getByRole('button', { name: 'Berlin' }).getAttribute('aria-pressed')) === 'true', 'local');
  ok('19 the head names the zone', true);
});
