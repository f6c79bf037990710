// Flows 1, 2, 7, 19, 20, 26, 27, 28 and 29 of the acceptance flows, as they concern Triage.
import { execFileSync, spawnSync } from 'node:child_process';
import { axe, equal, flow, ok, root, shot, sideways, until } from './desk.mjs';

const rowIds = (p) => p.locator('[role=grid] [data-id]').evaluateAll((list) => list.map((r) => r.dataset.id));
const selected = (p) => p.locator('[role=row][aria-selected=true]').getAttribute('data-id');
const said = (p) => p.locator('#said').innerText();

await flow('triage', async (s, b) => {
  // 28: a fresh server says the next command, and the command's own form works.
  const p = await b.page({ reduced: true });
  await p.getByRole('heading', { name: 'No insight yet' }).waitFor();
  ok('28 the next command is said', (await p.locator('pre').innerText()).includes('http_source_url'));
  equal('28 axe: empty', await axe(p), []);
  await shot(p, 'triage-empty');

  // The command, run as it is printed; the data folder is this server's.
  const command = (await p.locator('pre').innerText()).replaceAll('gyoji-data/', s.dir + '/');
  if (spawnSync('jq', ['--version']).status === 0 && spawnSync('curl', ['--version']).status === 0) {
    execFileSync('bash', ['-ec', command], { cwd: root });
    await until(async () => (await rowIds(p)).length >= 1, '28 the command fills the page', 30);
    ok('28 the command, run as printed, fills the page', true);
  } else {
    console.log('     left out: the printed command is not run, since there is no curl or jq here');
    await s.sendSamples(/fin/);
  }

  // The first insights of an empty list appear by themselves: there is nothing to jump.
  await s.sendSamples(/dev/);
  await s.sendAs('SRV-WEB-004', 'svc-web');
  await s.sendAs('WS-HR-007', 'j.brandt');
  const before = await s.insights(8);
  ok('8 insights', before.length >= 8, before.length);
  await p.reload();
  await until(async () => (await rowIds(p)).length >= 8, '8 rows');
  await shot(p, 'triage-rows');

  // 1: one more arrives while one reads. Nothing moves.
  const places = () => p.locator('[role=grid] [data-id]').evaluateAll((list) => list.map((r) => [r.dataset.id, Math.round(r.getBoundingClientRect().y)]));
  await p.evaluate(() => (globalThis.sameDocument = true));
  const was = await places();
  const sent = Date.now();
  await s.sendAs('SRV-DC-001', 'svc-backup');
  const bar = p.getByRole('button', { name: /new insight/ });
  await bar.waitFor();
  console.log(`     from POST to the bar: ${Date.now() - sent} ms`);
  await until(async () => /srv-dc-001|2 new/i.test(await bar.innerText()), 'the bar names it');
  ok('1 the bar names severity and entity', /(Critical|High|Medium|Low), \S+/.test(await bar.innerText()), await bar.innerText());
  equal('1 no row has moved', await places(), was);
  ok('1 the title says it', /^\(\d new\)/.test(await p.title()), await p.title());
  ok('1 a screen reader is told', /new insight/.test(await said(p)), await said(p));
  await shot(p, 'triage-arrived');
  // Two insights come of what was sent, and the second may come after the key.
  await until(async () => {
    if (!(await bar.isVisible())) return true;
    await p.keyboard.press('.');
    await p.waitForTimeout(200);
    return !(await bar.isVisible());
  }, 'the bar goes');
  const first = await selected(p);
  ok('1 the new row is selected', !was.some(([id]) => id === first) || first === null, first);
  ok('1 no reload', await p.evaluate(() => globalThis.sameDocument && performance.getEntriesByType('navigation').length === 1));

  // 2: by keyboard. Moving asks the server nothing; taking keeps selection and focus.
  await p.goto(s.base + '/triage');
  await until(async () => (await rowIds(p)).length >= 9, 'rows');
  await p.waitForTimeout(500);
  const asked = [];
  p.on('request', (r) => r.url().endsWith('/icon.svg') || asked.push(`${r.method()} ${new URL(r.url()).pathname}`));
  const ids = await rowIds(p);
  await p.keyboard.press('j');
  await until(async () => (await selected(p)) === ids[1], 'the second row is selected');
  await p.waitForTimeout(200);
  equal('2 no request for j', asked, []);
  const named = await p.getByRole('complementary', { name: /Preview of/ }).getAttribute('aria-label');
  const readable = named.replace('Preview of ', '');
  await p.keyboard.press('a');
  await p.getByText(`${readable} is yours`).first().waitFor();
  ok('2 Undo is offered', await p.getByRole('button', { name: 'Undo' }).isVisible());
  await until(async () => (await p.locator(`[data-id="${ids[1]}"]`).innerText()).includes('you'), 'the row says you');
  ok('2 In progress', (await p.locator(`[data-id="${ids[1]}"]`).innerText()).includes('In progress'));
  equal('2 the selection stays on it', await selected(p), ids[1]);
  equal('2 the focus is on its row', await p.evaluate(() => document.activeElement?.dataset?.id), ids[1]);
  ok('2 the order has changed', (await rowIds(p)).indexOf(ids[1]) > 1);
  const taken = (await s.get(`/api/sec/v1/insights/${ids[1]}`)).data;
  equal('2 the server has it', [taken.assignee?.value, taken.status.name], ['first', 'inprogress']);
  await p.getByRole('button', { name: 'Undo' }).click();
  await until(async () => (await s.get(`/api/sec/v1/insights/${ids[1]}`)).data.status.name === 'new', 'undone at the server');
  equal('2 nobody has it again', (await s.get(`/api/sec/v1/insights/${ids[1]}`)).data.assignee, null);

  // 7: close, from the insight; without a choice it stays.
  await p.keyboard.press('Enter');
  await p.waitForURL('**/insight/**');
  await p.getByRole('heading', { level: 1 }).waitFor();
  await p.locator('[aria-label="Score"]').first().waitFor();
  await p.keyboard.press('c');
  const dialog = p.getByRole('dialog', { name: `Close ${readable}` });
  await dialog.waitFor();
  equal('7 axe: dialog', await axe(p), []);
  await shot(p, 'close');
  await p.keyboard.press('Enter');
  await p.getByText('Pick how it ended.').waitFor();
  ok('7 nothing is closed without a choice', await dialog.isVisible());
  await p.keyboard.press('1');
  await p.keyboard.press('Enter');
  await p.waitForURL('**/triage?*');
  await p.getByText(`${readable} closed: Resolved`).first().waitFor();
  ok('7 the next insight is selected', (await selected(p)) !== ids[1]);
  const ended = (await s.get(`/api/sec/v1/insights/${ids[1]}`)).data;
  ok('7 the server has resolution, closed and time', ended.status.name === 'closed' && ended.resolution === 'Resolved' && ended.closed && ended.timeToRemediation >= 0, ended);
  await p.getByRole('button', { name: 'Undo' }).last().click();
  const again = await until(async () => {
    const i = (await s.get(`/api/sec/v1/insights/${ids[1]}`)).data;
    return i.status.name === 'new' && i;
  }, 'undone');
  equal('7 Undo takes the resolution back', [again.resolution, again.closed], [null, null]);
  await until(async () => (await rowIds(p)).includes(ids[1]), 'the row is back');

  // Bulk: pick two, close both, once asked.
  await p.goto(s.base + '/triage');
  await until(async () => (await rowIds(p)).length >= 9, 'rows');
  const list = await rowIds(p);
  await p.locator(`[data-id="${list[0]}"]`).click();
  await p.keyboard.press('x');
  await p.keyboard.press('j');
  await p.keyboard.press('x');
  await p.getByRole('region', { name: 'Picked insights' }).getByText('2 picked').waitFor();
  equal('axe: picked', await axe(p), []);
  await p.keyboard.press('c');
  await p.getByRole('dialog', { name: 'Close 2 insights' }).waitFor();
  await p.keyboard.press('4');
  await p.keyboard.press('Control+Enter');
  await p.getByText('2 insights closed: Duplicate').first().waitFor();
  for (const id of list.slice(0, 2)) equal('bulk: closed as Duplicate', (await s.get(`/api/sec/v1/insights/${id}`)).data.resolution, 'Duplicate');
  await p.getByRole('group', { name: 'Which insights' }).getByRole('button', { name: 'Closed 2' }).click();
  await until(async () => (await rowIds(p)).length === 2, 'two closed');
  ok('29 the view is in the address', p.url().includes('view=closed'), p.url());

  // Give to somebody: a person with a key, and back again by Undo.
  await s.key('triage', 'm.lind');
  await p.goto(s.base + '/triage');
  await until(async () => (await rowIds(p)).length >= 7, 'rows');
  const giving = (await rowIds(p))[0];
  await p.locator(`[data-id="${giving}"]`).click();
  await p.getByRole('button', { name: 'Give…' }).click();
  const give = p.getByRole('dialog', { name: /^Give INSIGHT/ });
  await give.getByText('m.lind').click();
  equal('axe: give', await axe(p), []);
  await p.keyboard.press('Control+Enter');
  await until(async () => (await s.get(`/api/sec/v1/insights/${giving}`)).data.assignee?.value === 'm.lind', 'given');
  await until(async () => (await p.locator(`[data-id="${giving}"]`).innerText()).includes('m.lind'), 'the row says whose');
  await p.getByRole('button', { name: 'Undo' }).last().click();
  await until(async () => (await s.get(`/api/sec/v1/insights/${giving}`)).data.assignee === null, 'and back');

  // Filter, in the address; a stale id shows a note.
  await p.goto(s.base + '/triage?q=' + encodeURIComponent('srv-web severity:high'));
  await until(async () => (await rowIds(p)).length >= 1, 'filtered');
  const texts = await p.locator('[role=grid] [data-id]').allInnerTexts();
  ok('29 the filter holds', texts.every((t) => /High/.test(t)) && texts.length < 9, texts);
  await p.goto(s.base + '/triage?i=INSIGHT-9999');
  await p.getByText('INSIGHT-9999 is not in this list').waitFor();
  ok('29 an id that is gone shows a note', (await rowIds(p)).length > 0);
  await p.goto(s.base + '/insight/INSIGHT-9999');
  await p.getByRole('heading', { name: 'There is no insight INSIGHT-9999' }).waitFor();
  await p.goto(s.base + '/triage?q=nothinglikethis');
  await p.getByRole('heading', { name: 'No insight fits this filter' }).waitFor();
  await p.getByRole('button', { name: 'Clear the filter' }).click();
  await until(async () => (await rowIds(p)).length > 3, 'cleared');

  // 19: the zone. Every time moves, the address does not. Dates in winter: UTC + 1.
  const time = p.locator('aside time').first();
  const utc = await time.innerText();
  const url = p.url();
  await p.keyboard.press('u');
  await until(async () => (await time.innerText()) !== utc, 'the time moves');
  const local = await time.innerText();
  const iso = await time.getAttribute('datetime');
  equal('19 Berlin is as far from UTC as the zone says', local, new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Berlin', dateStyle: 'short', timeStyle: 'medium' }).format(new Date(iso)));
  equal('19 the address is the same', p.url(), url);
  await p.keyboard.press('u');

  // 20: the palette finds insights and hosts, and gives the focus back.
  await p.locator('[role=row][aria-selected=true]').focus();
  await p.keyboard.press('Control+k');
  await p.getByRole('combobox', { name: 'Find' }).fill('fin-014');
  await p.getByRole('option', { name: /INSIGHT-\d+/ }).first().waitFor();
  await p.getByRole('option', { name: /entity/ }).first().waitFor();
  ok('20 the search stands last', (await p.getByRole('option').last().innerText()).includes('Search all messages for “fin-014”'));
  await shot(p, 'palette');
  await p.keyboard.press('Escape');
  ok('20 the focus is back', await p.evaluate(() => document.activeElement?.getAttribute('role') === 'row'));
  await p.keyboard.press('Control+k');
  await p.getByRole('combobox', { name: 'Find' }).fill('fin-014');
  await p.getByRole('option', { name: /entity/ }).first().click();
  await p.waitForURL('**/entity/**');
  ok('20 the entity opens', p.url().includes('fin'), p.url());

  // 27: who may only read sees the acts, disabled, with the role; the API refuses as well.
  const reader = await b.page({ by: await s.key('read', 'r.reader') });
  await until(async () => (await rowIds(reader)).length > 3, 'rows for the reader');
  const take = reader.getByRole('button', { name: /^Take/ });
  equal('27 Take is disabled and says the role', [await take.getAttribute('aria-disabled'), (await take.innerText()).includes('needs role triage')], ['true', true]);
  ok('27 whom to ask', (await take.getAttribute('title')).includes('Ask an admin'));
  await reader.keyboard.press('a');
  await reader.keyboard.press('c');
  await reader.waitForTimeout(300);
  equal('27 keys do nothing', [await reader.getByRole('dialog').count(), await reader.locator('.toast').count()], [0, 0]);
  const refused = await reader.evaluate(async (id) => (await fetch(`/api/sec/v1/insights/${id}/status`, { method: 'PUT', body: '{"status":"inprogress"}', headers: { 'Content-Type': 'application/json' } })).status, list[3]);
  equal('27 the API refuses', refused, 403);
  equal('27 axe: reader', await axe(reader), []);
  await shot(reader, 'triage-reader');
  await reader.context().close();

  // 26: the server goes away. Rows stay, the act waits, and is done once after the restart.
  await p.goto(s.base + '/triage?view=free');
  await until(async () => (await rowIds(p)).length > 3, 'rows');
  await p.waitForTimeout(300);
  const target = (await rowIds(p))[0];
  await p.locator(`[data-id="${target}"]`).click();
  const rows = (await rowIds(p)).length;
  await s.stop();
  await p.getByText(/Not live since/).waitFor();
  equal('26 rows stay', (await rowIds(p)).length, rows);
  await p.keyboard.press('a');
  await p.getByText(/the server is told when it answers/).first().waitFor();
  await shot(p, 'triage-stale');
  equal('26 axe: stale', await axe(p), []);
  await s.start();
  await p.getByText(/what you did while the server was away is done/).first().waitFor();
  await p.getByText(/^Live$/).waitFor();
  const { entries } = await s.get(`/api/gyoji/v1/insights/${target}/history`);
  equal('26 done once', entries.filter((e) => e.what === 'assignee' && e.to === 'first').length, 1);

  // 17, for the list: it is virtual.
  ok('aria-rowcount', Number(await p.getByRole('grid').getAttribute('aria-rowcount')) >= 2);
  equal('nothing sideways', await sideways(p), false);
});
