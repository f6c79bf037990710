// How Search looks: widths, themes, what axe finds, and what it weighs.
import { axe, equal, flow, ok, shot, sideways, themes, until, widths } from './desk.mjs';

const count = (page) => page.locator('.status b').first().innerText();
async function ended(page, seconds = 60) {
  await page.locator('#run:has-text("Run")').waitFor();
  return until(async () => /^[\d,]+ (message|record)/.test(await count(page)) && (await count(page)), 'the end of the search', seconds);
}

await flow(
  'search-looks',
  async (s, b) => {
    const from = Date.parse('2026-03-10T00:00:00Z');
    const states = {
      rows: '_sourceCategory=*sysmon*',
      table: '_sourceCategory=*sysmon* | count by Image',
      chart: '_sourceCategory=*sysmon* | timeslice 1h | count by _timeslice, EventID',
      nothing: '_sourceCategory=*sysmon* | where ParentImage = "chrome.exe"',
      begin: undefined,
    };
    // Each state is opened once, at the width of a desk or of a phone, and looked at in the rest.
    for (const small of [false, true]) {
      const page = await b.page({ width: small ? 390 : 1440, height: small ? 844 : 900, path: '' });
      for (const [name, q] of Object.entries(states)) {
        await page.goto(q === undefined ? `${s.base}/search` : `${s.base}/search?${new URLSearchParams({ q, from, to: from + 86_400_000, ...(name === 'rows' ? { m: 6 } : {}) })}`);
        if (q === undefined) {
          await page.evaluate(() => sessionStorage.clear());
          await page.reload();
          await page.getByText('Ask the logs something').waitFor();
        } else if (name === 'nothing') await page.locator('tr.dry').waitFor();
        else await ended(page);
        if (name === 'chart') await page.locator('.uplot').waitFor();
        if (name === 'rows') await page.getByRole('region', { name: 'Message' }).locator('tbody tr').first().waitFor();
        for (const [width, height] of widths.filter(([w]) => w < 700 === small)) {
          await page.setViewportSize({ width, height });
          for (const theme of themes) {
            await page.emulateMedia({ colorScheme: theme });
            await page.waitForTimeout(200);
            await shot(page, `search-${name}-${width}-${theme}`);
            equal(`31: axe: ${name} ${width} ${theme}`, await axe(page, { colours: theme !== themes[0] }), []);
            ok(`30: ${name} ${width} does not scroll sideways`, !(await sideways(page)));
          }
        }
      }
      if (small) {
        const low = await page.locator('main .btn').evaluateAll((l) => l.filter((e) => e.offsetParent && e.getBoundingClientRect().height < 44 && !e.closest('.finding')).map((e) => e.textContent));
        equal('30: targets are 44 px', low, []);
      }
      await page.context().close();
    }
    const zoomed = await b.page({ width: 720, height: 450, path: '' });
    await zoomed.goto(`${s.base}/search?${new URLSearchParams({ q: '_sourceCategory=*sysmon*', from, to: from + 86_400_000 })}`);
    await ended(zoomed);
    ok('30: at 200 % it does not scroll sideways', !(await sideways(zoomed)));
    await shot(zoomed, 'search-rows-720');

    // 34: Triage needs neither the editor nor the chart; all of it is below 250 kB.
    const light = await b.page({ path: '' });
    const got = new Map();
    light.on('response', async (r) => {
      if (r.url().includes('/assets/')) got.set(r.url().split('/').pop(), Number(r.headers()['content-length'] ?? 0));
    });
    await light.goto(`${s.base}/triage`);
    await light.getByRole('heading', { name: 'Triage' }).waitFor();
    await light.waitForLoadState('networkidle');
    ok('34: Triage is there without editor and chart', ![...got.keys()].some((k) => /^(editor|plot)/.test(k)), [...got.keys()].join(' '));
    await light.goto(`${s.base}/search?${new URLSearchParams({ q: states.chart, from, to: from + 86_400_000 })}`);
    await light.locator('.uplot').waitFor();
    await light.locator('.cm-content').waitFor();
    const sum = [...got.values()].reduce((a, n) => a + n, 0);
    ok(`34: all that is loaded is ${Math.round(sum / 1000)} kB compressed, at most 250`, sum > 20_000 && sum <= 250_000);
  },
  '--demo',
);
