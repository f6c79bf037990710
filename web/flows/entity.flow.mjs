// Flow 21 of the acceptance flows, and what people say of an entity: criticality and tags.
import { axe, equal, flow, ok, shot, sideways, until } from './desk.mjs';

await flow('entity', async (s, b) => {
  await s.sendSamples(/dev/);
  const list = await s.insights(2);
  const id = list.find((i) => i.entity.entityType === '_hostname').entity.id;
  const call = `/api/gyoji/v1/entities/${encodeURIComponent(id)}`;
  const p = await b.page({ path: '/entities' });

  // The list, by keyboard.
  await p.locator('[role=grid] [data-id]').first().waitFor();
  equal('axe: entities', await axe(p), []);
  await shot(p, 'entities');
  const n = await p.locator('[role=grid] [data-id]').evaluateAll((rows, id) => rows.findIndex((r) => r.dataset.id === id), id);
  ok('the host is in the list', n >= 0);
  for (let k = 0; k < n; k++) await p.keyboard.press('j');
  await p.keyboard.press('Enter');
  await p.waitForURL(`**/entity/**`);
  await p.getByRole('heading', { level: 1 }).waitFor();
  const desk = await s.get(`${call}/desk`);
  const chart = await p.getByRole('img', { name: /Score over 14 days/ }).getAttribute('aria-label');
  const most = Math.max(...desk.steps.map((x) => x.score));
  ok('the chart says now, most and limit', chart.includes(`now ${desk.score}`) && chart.includes(`highest ${most}`) && chart.includes('above 12'), chart);
  equal('a dot for each insight', await p.getByRole('button', { name: /^INSIGHT-\d+, score/ }).count(), desk.insights.length);
  equal('each signal is a row', await p.locator('[aria-label="Signals"] tbody tr').count(), Math.min(50, desk.signals.length));
  equal('axe: entity', await axe(p), []);
  await shot(p, 'entity');
  await p.getByRole('button', { name: '24 hours' }).click();
  await until(() => p.getByRole('img', { name: /Score over 24 hours/ }).isVisible(), '24 hours');
  ok('the range is in the address', p.url().includes('z=24h'));

  // 21: not without a reason; then with one, a person and an end.
  await p.getByRole('button', { name: 'Suppress…' }).click();
  const dialog = p.getByRole('dialog', { name: /^Suppress/ });
  await dialog.waitFor();
  ok('21 what it would have hidden', /\d+ of \d+ signals?, and \d+ insights?/.test(await dialog.innerText()), await dialog.innerText());
  await dialog.getByRole('button', { name: 'Suppress', exact: false }).last().click();
  await dialog.getByRole('alert').waitFor();
  ok('21 refused, with the focus on the field', await p.evaluate(() => document.activeElement?.closest('label')?.innerText.startsWith('Reason')));
  equal('21 axe: dialog', await axe(p), []);
  await shot(p, 'suppress');
  await dialog.getByLabel('Reason').fill('pen test until Friday');
  await p.keyboard.press('Control+Enter');
  await p.getByText('pen test until Friday').first().waitFor();
  const note = await p.locator('.note.warn').innerText();
  ok('21 reason, person and end are shown', /until \d{4}-\d\d-\d\d .* by first: pen test until Friday/.test(note), note);
  const now = await s.get(`${call}/desk`);
  ok('21 the server has them', now.suppressed && now.suppression.reason === 'pen test until Friday' && now.suppression.until > Date.now(), now.suppression);
  await shot(p, 'entity-suppressed');
  await p.getByRole('button', { name: 'Count its signals again' }).click();
  await until(async () => !(await s.get(`${call}/desk`)).suppressed, 'it counts again');

  // Tags, with Undo.
  await p.getByLabel('New tag').fill('_deviceType:workstation');
  await p.getByLabel('New tag').press('Enter');
  await until(async () => (await s.get(`${call}/desk`)).tags.includes('_deviceType:workstation'), 'the tag is kept');
  await p.locator('.toast', { hasText: 'added' }).getByRole('button', { name: 'Undo' }).click();
  await until(async () => !(await s.get(`${call}/desk`)).tags.length, 'the tag is gone again');

  // Criticality.
  await s.call('POST', '/api/sec/v1/entity-criticality-configs', { fields: { name: 'crown', severityExpression: 'severity + 3' } });
  await p.reload();
  await p.getByLabel('Criticality').selectOption('crown');
  await until(async () => (await s.get(`${call}/desk`)).criticality === 'crown', 'the criticality is kept');

  // Somebody was faster: it is said, and nothing is overwritten.
  await p.waitForTimeout(300);
  await p.route('**/api/gyoji/v1/entities/**', (r) => (r.request().method() === 'GET' ? r.abort() : r.continue()));
  await s.call('PUT', `/api/sec/v1/entities/${encodeURIComponent(id)}/tags`, { tags: ['theirs:1'] });
  await p.getByLabel('New tag').fill('mine:1');
  await p.getByLabel('New tag').press('Enter');
  await p.getByText(/a moment before you/).waitFor();
  equal('nothing overwritten', (await s.get(`${call}/desk`)).tags, ['theirs:1']);
  await p.unroute('**/api/gyoji/v1/entities/**');

  // A stale address shows a note; Esc leads back to the row.
  await p.goto(`${s.base}/entity/_hostname-none`);
  await p.getByRole('heading', { name: 'There is no entity _hostname-none' }).waitFor();
  await p.goto(`${s.base}/entity/${encodeURIComponent(id)}`);
  await p.getByRole('heading', { name: 'Signals' }).first().waitFor();
  await p.keyboard.press('Escape');
  await p.waitForURL('**/entities**');
  await until(async () => (await p.evaluate(() => document.activeElement?.dataset?.id)) === id, 'the focus is on its row');
  equal('nothing sideways', await sideways(p), false);

  // Who may only read sees the acts, disabled.
  const reader = await b.page({ by: await s.key('read', 'r.reader'), path: `/entity/${encodeURIComponent(id)}` });
  const act = reader.getByRole('button', { name: /^Suppress/ });
  await act.waitFor();
  equal('27 Suppress is disabled and says the role', [await act.getAttribute('aria-disabled'), (await act.innerText()).includes('needs role triage')], ['true', true]);
  await act.click({ force: true });
  equal('27 and does nothing', await reader.getByRole('dialog').count(), 0);
});
