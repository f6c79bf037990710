// Flow 29 of the acceptance flows: the address of a state, opened in a new window, shows it.
import { equal, flow, ok, sideways, until } from './desk.mjs';

await flow(
  'address',
  async (s, b) => {
    await s.insights(4);
    const { rows } = await s.get('/api/gyoji/v1/triage');
    const row = rows.find((r) => r.entity.type === '_hostname');
    const entity = encodeURIComponent(row.entity.id);
    const rule = encodeURIComponent(row.strongest.rule);
    const day = `from=${Date.parse('2026-03-10T00:00:00Z')}&to=${Date.parse('2026-03-11T00:00:00Z')}`;
    const sysmon = encodeURIComponent('_sourceCategory=*sysmon*');
    const pressed = (name) => (p) => p.getByRole('button', { name, pressed: true });
    const tab = (name) => (p) => p.getByRole('tab', { name, selected: true });
    const states = [
      ['/triage?view=free', pressed(/^Nobody’s/)],
      ['/triage?sort=age', pressed(/^Age/)],
      [`/triage?i=${row.readableId}`, (p) => p.getByRole('complementary', { name: `Preview of ${row.readableId}` })],
      ['/triage?q=nothing-like-it', (p) => p.getByRole('heading', { name: 'No insight fits this filter' })],
      [`/insight/${row.readableId}?side=playbook`, tab('Playbook')],
      [`/insight/${row.readableId}?side=comments`, tab(/^Comments/)],
      [`/insight/${row.readableId}?side=history`, tab('History')],
      [`/insight/${row.readableId}?s=${row.strongest.id}`, (p) => p.locator('details[open] .kv')],
      [`/search?q=${sysmon}&${day}&tab=table&cols=Computer,Image`, (p) => p.getByRole('columnheader', { name: 'Image' })],
      [`/search?q=${sysmon}&${day}&m=4`, (p) => p.getByRole('region', { name: 'Message' })],
      [`/search?q=${sysmon}&${day}&f=EventID`, (p) => p.getByRole('button', { name: 'Only EventID = 22' })],
      [`/search?q=${encodeURIComponent('_sourceCategory=*sysmon* | timeslice 1h | count by _timeslice')}&${day}&tab=table`, tab('Table')],
      [`/search?q=${sysmon}&${day}&by=receipt`, (p) => p.getByText('by receipt').first()],
      [`/search?q=${encodeURIComponent('_index=sec_signal')}&${day}`, (p) => p.getByRole('row', { name: /signal$/ }).first()],
      ['/search?q=*&from=nonsense', (p) => p.getByText('The query was not run')],
      [`/entity/${entity}?z=24h`, pressed('24 hours')],
      ['/entities?q=ws-', (p) => p.locator('[role=grid] [data-id]').first()],
      [`/content/${rule}?tab=tests`, tab('Tests')],
      [`/content/${rule}?tab=backtest`, tab('Back-test')],
      ['/content?only=care', pressed('Need care')],
      ['/content?q=no-such-rule', (p) => p.getByRole('heading', { name: 'No rule fits this filter' })],
      ['/coverage?only=none', pressed(/^No rule/)],
      ['/coverage?t=T1204.001', (p) => p.getByRole('heading', { name: 'T1204.001 Malicious Link' })],
      ['/coverage?t=T9999', (p) => p.getByText('There is no technique T9999 here.')],
      ['/entity/_hostname-none', (p) => p.getByRole('heading', { name: /There is no entity/ })],
      ['/insight/INSIGHT-9999', (p) => p.getByRole('heading', { name: /There is no insight/ })],
      ['/content/NOTHING-1', (p) => p.getByText('There is no rule')],
      ['/nowhere', (p) => p.getByRole('heading', { name: 'gyoji has no page at this address' })],
    ];
    const first = await b.page({ path: '/triage' });
    for (const [path, shows] of states) {
      const p = await first.context().newPage();
      p.on('pageerror', (e) => b.problems.push(`${path}: ${e.stack || e}`));
      await p.goto(s.base + path);
      await shows(p).first().waitFor().catch(() => {});
      ok(`29 ${path.slice(0, 90)}`, await shows(p).first().isVisible());
      equal(`29 one heading of the first level: ${path.slice(0, 40)}`, await p.locator('h1').count(), 1);
      equal(`30 nothing sideways: ${path.slice(0, 40)}`, await sideways(p), false);
      await p.close();
    }

    // Back and forward go through the same states.
    await first.goto(s.base + '/triage');
    await first.locator('[role=grid] [data-id]').first().waitFor();
    await first.keyboard.press('Enter');
    await first.locator('.total').waitFor();
    await first.getByRole('tab', { name: 'History' }).click();
    await first.keyboard.press('g');
    await first.keyboard.press('h');
    await first.getByRole('heading', { name: 'Health' }).waitFor();
    await first.goBack();
    await until(async () => (await first.getByRole('tab', { name: 'History', selected: true }).count()) === 1, 'back at the history of the insight');
    await first.goBack();
    await until(async () => /\/triage/.test(first.url()), 'back in Triage');
    await first.goForward();
    await first.locator('.total').waitFor();
    ok('29 back and forward', true);
  },
  '--demo',
);
