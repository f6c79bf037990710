// What comes late: answers to an earlier question, a second click, an act of somebody else in
// between, an Undo after one has left. Answers are held back by the test, so that no machine
// is too quick or too slow for it.
import { equal, flow, ok, until } from './desk.mjs';

const rowIds = (p) => p.locator('[role=grid] [data-id]').evaluateAll((list) => list.map((r) => r.dataset.id));

/** Holds back the answers to calls that fit; letGo() gives them, asked tells their number. */
async function hold(p, fits) {
  const h = { asked: 0 };
  const gate = new Promise((go) => (h.letGo = go));
  const handler = async (r) => {
    if (!fits(r.request())) return r.fallback();
    h.asked++;
    await gate;
    await r.continue().catch(() => {}); // who asked may have gone
  };
  await p.route('**/api/**', handler);
  h.end = async () => {
    h.letGo();
    await p.unroute('**/api/**', handler);
  };
  return h;
}

await flow('stale', async (s, b) => {
  await s.sendSamples(/fin|dev/);
  await s.insights(2);
  const p = await b.page();
  await until(async () => (await rowIds(p)).length >= 2, 'rows');
  const ids = await rowIds(p);

  // The palette: Enter came before the list, and one left it. Nothing opens.
  let h = await hold(p, (r) => r.url().includes('/triage?view=closed'));
  await p.keyboard.press('Control+k');
  await p.getByRole('combobox', { name: 'Find' }).fill('fin-014');
  await until(() => h.asked, 'the palette asks');
  await p.keyboard.press('Enter');
  await p.keyboard.press('Escape');
  await h.end();
  await p.getByRole('combobox', { name: 'Find' }).waitFor({ state: 'detached' });
  // What would have opened does so at once; the next question's answer comes after it.
  await p.evaluate(async () => (await fetch('/api/gyoji/v1/triage?view=closed&limit=1')).text());
  ok('a palette that was left opens nothing', new URL(p.url()).pathname === '/triage', p.url());

  // Another view: rows of the one before are not shown as its answer.
  h = await hold(p, (r) => r.url().includes('/triage?view=mine'));
  await p.getByRole('group', { name: 'Which insights' }).getByRole('button', { name: /^Mine/ }).click();
  await until(() => h.asked, 'the view is asked for');
  equal('no row of the view before', await rowIds(p), []);
  await h.end();
  await p.getByRole('heading', { name: 'You have no open insight' }).waitFor();
  await p.getByRole('group', { name: 'Which insights' }).getByRole('button', { name: /^Open/ }).click();
  await until(async () => (await rowIds(p)).length >= 2, 'rows again');

  // A double click takes once, and what is done next waits its turn instead of meeting itself.
  await p.locator(`[data-id="${ids[0]}"]`).click();
  const name = (await p.getByRole('complementary', { name: /Preview of/ }).getAttribute('aria-label')).replace('Preview of ', '');
  h = await hold(p, (r) => r.method() === 'PUT' && r.url().endsWith('/assignee'));
  await p.getByRole('button', { name: /^Take/ }).dblclick({ noWaitAfter: true });
  await until(() => h.asked, 'it is taken');
  await p.keyboard.press('c');
  await p.getByRole('dialog', { name: `Close ${name}` }).waitFor();
  await p.keyboard.press('3');
  await p.keyboard.press('Control+Enter');
  equal('one call for two clicks', h.asked, 1);
  await h.end();
  await p.getByText(`${name} closed: No action`).first().waitFor();
  const closed = (await s.get(`/api/sec/v1/insights/${ids[0]}`)).data;
  equal('taken and closed', [closed.assignee?.value, closed.status.name, closed.resolution], ['first', 'closed', 'No Action']);
  const { entries } = await s.get(`/api/gyoji/v1/insights/${ids[0]}/history`);
  equal('each once', ['assignee', 'status'].map((what) => entries.filter((e) => e.what === what && ['first', 'closed'].includes(e.to)).length), [1, 1]);

  // Somebody else changes it while one writes: it is said, and closing it all the same closes it.
  await p.locator(`[data-id="${ids[1]}"]`).click();
  await p.keyboard.press('c');
  await p.getByRole('dialog', { name: /^Close INSIGHT/ }).waitFor();
  await s.call('PUT', `/api/sec/v1/insights/${ids[1]}/severity`, { severity: 'LOW' });
  await p.keyboard.press('2');
  await p.getByLabel(/Then show what a tuning/).uncheck();
  await p.keyboard.press('Control+Enter');
  await p.getByText(/while you were writing/).waitFor();
  equal('nothing is overwritten', (await s.get(`/api/sec/v1/insights/${ids[1]}`)).data.status.name, 'new');
  await p.getByRole('button', { name: 'Close it all the same' }).click();
  await until(async () => (await s.get(`/api/sec/v1/insights/${ids[1]}`)).data.status.name === 'closed', 'closed all the same');

  // An Undo is for what was done, wherever one has gone.
  const [one, two] = (await s.get('/api/gyoji/v1/entities?q=')).entities.map((e) => e.id);
  await p.goto(`${s.base}/entity/${encodeURIComponent(one)}`);
  await p.getByLabel('New tag').fill('late:undo');
  await p.keyboard.press('Enter');
  await p.getByRole('button', { name: 'Take the tag late:undo away' }).waitFor();
  await p.getByRole('button', { name: 'Undo', exact: true }).waitFor();
  await s.call('PUT', `/api/sec/v1/entities/${encodeURIComponent(two)}/tags`, { tags: ['keep:this'] });
  await p.evaluate((to) => (history.pushState(null, '', to), dispatchEvent(new PopStateEvent('popstate'))), `/entity/${encodeURIComponent(two)}`);
  await p.getByRole('button', { name: 'Take the tag keep:this away' }).waitFor();
  await p.getByRole('button', { name: 'Undo', exact: true }).last().click();
  await until(async () => !(await s.get(`/api/sec/v1/entities/${encodeURIComponent(one)}`)).data.tags.includes('late:undo'), 'the tag is gone where it was');
  equal('the other entity is as it was', (await s.get(`/api/sec/v1/entities/${encodeURIComponent(two)}`)).data.tags, ['keep:this']);
});
