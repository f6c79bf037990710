// Search: a mistake and its mending, completion, nothing found, the field browser, a message,
// aggregates. Numbers are compared with what the command line says of the same logs.
import { execFileSync } from 'node:child_process';
import { axe, equal, flow, ok, samples, shot, until } from './desk.mjs';

const gyoji = (...args) => execFileSync(process.env.GYOJI, [...args, '--config', 'none'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
const day = { from: Date.parse('2026-03-10T00:00:00Z'), to: Date.parse('2026-03-11T00:00:00Z') };
const at = (s, q, more = {}) => `${s.base}/search?${new URLSearchParams({ q, ...day, ...more })}`;
const count = (page) => page.locator('.status b').first().innerText();
const text = (page) => page.locator('.cm-line').allInnerTexts().then((l) => l.join('\n').replace(/\u200b/g, ''));
const sysmon = '_sourceCategory=*sysmon*';

/** Waits until the search of a page has ended, and gives its count. */
async function ended(page) {
  await page.locator('#run:has-text("Run")').waitFor();
  return until(async () => /^[\d,]+ (message|record)/.test(await count(page)) && (await count(page)), 'the end of the search', 20);
}

await flow(
  'search',
  async (s, b) => {
    const page = await b.page({ path: '' });
    await page.goto(at(s, sysmon));
    equal('as many messages as the command line finds', parseInt(await ended(page)), gyoji('search', sysmon, samples, '-f', 'ndjson', '-Q').trim().split('\n').length);
    await shot(page, 'search-rows');

    // 10: a mistake in a query.
    await page.locator('.cm-content').click();
    await page.keyboard.press('Control+End');
    const typed = Date.now();
    await page.keyboard.insertText('\n| cuont by Computer');
    const finding = page.locator('#findings .finding', { hasText: 'there is no operator cuont' });
    await finding.waitFor();
    ok('10: the mistake is said within 200 ms of the debounce, and a little for this machine', Date.now() - typed < 1200, `${Date.now() - typed} ms`);
    ok('10: the sentence has the line', (await finding.innerText()).includes('Line 2:'));
    ok('10: a wavy line is under the word', (await page.locator('.cm-error').innerText()) === 'cuont');
    ok('10: what is shown is said to be of the last run', await page.getByText('Edited, not run').isVisible());
    equal('10: the rows are still those of the last run', parseInt(await count(page)), 556);
    await shot(page, 'search-mistake');
    equal('axe: a mistake', await axe(page), []);
    await finding.getByRole('button').click();
    await until(async () => (await text(page)).includes('| count by Computer'), 'the mended query');
    ok('10: the button mends', true);
    await page.keyboard.press('Control+Enter');
    await page.waitForURL(/count\+by\+Computer/);
    equal('10: it runs', await ended(page), `${gyoji('search', `${sysmon} | count by Computer`, samples, '-f', 'ndjson', '-Q').trim().split('\n').length} records`);

    // 16: an aggregate opens as a table, a time series as a chart.
    await page.goto(at(s, `${sysmon} | where EventID = "1" | count by Image`));
    await ended(page);
    const records = gyoji('search', `${sysmon} | where EventID = "1" | count by Image`, samples, '-f', 'ndjson', '-Q').trim().split('\n').map((l) => JSON.parse(l));
    const rows = await page.locator('.records .line').evaluateAll((l) => l.map((r) => [...r.querySelectorAll('[role=gridcell]')].map((c) => c.querySelector('.cut').textContent)));
    equal('16: the table is what the command line prints', rows.slice(0, 12).map((r) => r.join('|')).sort(), records.map((r) => `${r.Image}|${r._count}`).filter((r) => rows.some((x) => x.join('|') === r)).slice(0, 12).sort());
    equal('16: as many records', parseInt(await count(page)), records.length);
    await shot(page, 'search-table');
    equal('axe: a table', await axe(page), []);
    await page.getByRole('tab', { name: 'Chart' }).click();
    await page.locator('.bars tbody tr').first().waitFor();
    equal('16: the longest bar is the largest count', await page.locator('.bars tbody tr').first().locator('td').nth(1).innerText(), String(Math.max(...records.map((r) => r._count))));
    await shot(page, 'search-bars');
    equal('axe: bars', await axe(page), []);
    await page.goto(at(s, `${sysmon} | timeslice 1h | count by _timeslice, EventID`));
    await ended(page);
    await page.locator('.uplot').waitFor();
    ok('16: a time series opens as a chart', (await page.getByRole('tab', { name: 'Chart' }).getAttribute('aria-selected')) === 'true');
    const series = gyoji('search', `${sysmon} | count by EventID`, samples, '-f', 'ndjson', '-Q').trim().split('\n').map((l) => JSON.parse(l));
    equal('16: the series add up to what the command line counts', (await page.locator('.legend .num').allInnerTexts()).map(Number).sort((a, b) => b - a), series.map((r) => r._count).sort((a, b) => b - a));
    await shot(page, 'search-lines');
    equal('axe: lines', await axe(page), []);
    await page.getByRole('tab', { name: 'Messages' }).click();
    await page.locator('.messages .line').first().waitFor();
    equal('16: the messages that the records are of', parseInt(await ended(page)), 556);

    // 11: completion.
    await page.goto(at(s, '*'));
    await ended(page);
    await page.locator('.cm-content').click();
    await page.keyboard.press('Control+End');
    await page.keyboard.insertText('\n| where ');
    await page.keyboard.type('Pare');
    const option = page.locator('.cm-tooltip-autocomplete [role=option]').first();
    await option.waitFor();
    const offered = await page.locator('.cm-tooltip-autocomplete [role=option]').allInnerTexts();
    ok('11: fields of the own data come first', offered.slice(0, 2).every((o) => /^Parent/.test(o)), offered.slice(0, 5).join(', '));
    await page.locator('.cm-completionInfo', { hasText: 'e.g.' }).waitFor();
    ok('11: with an example of the own data', /C:\\/.test(await page.locator('.cm-completionInfo').innerText()));
    const told = await page.locator('.cm-content').getAttribute('aria-activedescendant');
    ok('11: a screen reader is told the active one', Boolean(told) && (await page.locator(`#${told}`).getAttribute('aria-selected')) === 'true');
    await shot(page, 'search-completion');
    equal('axe: completion', await axe(page), []);
    await page.keyboard.press('Tab');
    await until(async () => /\| where Parent\w+$/.test((await text(page)).trimEnd()), 'the completed field');
    ok('11: Tab takes it', true);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    ok('11: Esc leaves the editor', (await page.evaluate(() => document.activeElement.id)) === 'run');

    // 13: nothing found.
    const none = `${sysmon}\n| json auto\n| where EventID = "1"\n| where ParentImage = "chrome.exe"\n| count by Computer`;
    await page.goto(at(s, none));
    await page.getByRole('heading', { name: 'Nothing found. This is where it stopped.' }).waitFor();
    await page.locator('tr.dry').waitFor();
    const why = JSON.parse(gyoji('explain', '--why-not', none, samples, '-f', 'json'));
    const funnel = await page.locator('.card table').first().locator('tbody tr').evaluateAll((l) => l.map((r) => [...r.querySelectorAll('td.r')].map((c) => Number(c.textContent.replaceAll(',', '')))));
    equal('13: the funnel is that of gyoji explain --why-not', funnel, why.stages.map((x) => [x.in, x.out]));
    equal('13: the numbers', funnel.map((f) => f[0]), [724, 556, 556, 182, 0]);
    ok('13: the stage is marked', (await page.locator('tr.dry').innerText()).includes('where ParentImage = "chrome.exe"'));
    const values = why.stages[3].predicates[0].fields[0].values;
    equal('13: values with counts', await page.locator('.values tbody tr').evaluateAll((l) => l.map((r) => [...r.cells].map((c) => c.textContent))), values.map((v) => [String(v.count), v.value]));
    ok('10: what the logs show is said while writing', await page.locator('#findings').getByText('ParentImage holds whole paths').isVisible());
    await shot(page, 'search-nothing');
    equal('axe: nothing found', await axe(page), []);
    await page.getByRole('button', { name: 'Change the stage and run' }).click();
    await ended(page);
    ok('13: the button changes the stage', (await text(page)).includes('| where ParentImage matches "*\\\\chrome.exe"'), await text(page));
    ok('13: and rows come', parseInt(await count(page)) >= 1);

    // A time of which there is nothing says where there is something.
    await page.goto(`${s.base}/search?q=*&from=1500000000000&to=1500000100000`);
    await page.getByRole('button', { name: 'Search the 24 hours before it' }).click();
    ok('28: a range without messages leads to one with some', parseInt((await ended(page)).replace(/,/g, '')) > 0);

    // 14: the field browser.
    await page.goto(at(s, `${sysmon}\n| json auto\n| count by Computer`));
    await ended(page);
    await page.goto(at(s, `${sysmon}\n| json auto`));
    await ended(page);
    const before = page.url();
    const aside = page.getByRole('complementary', { name: 'Fields' });
    await aside.getByRole('button', { name: /^.?\s*EventID/ }).click();
    const counts = Object.fromEntries(series.map((r) => [r.EventID, r._count]));
    equal('14: the values of a field are counted as the command line counts them', Object.fromEntries((await aside.locator('.values li').evaluateAll((l) => l.filter((x) => x.querySelector('.sign')).map((x) => [x.children[0].textContent, Number(x.children[1].textContent)])))), counts);
    await aside.getByRole('button', { name: 'Only EventID = 22' }).click();
    await page.waitForURL((u) => u.search.includes('EventID'));
    await until(async () => (await text(page)) === `${sysmon}\n| json auto\n| where EventID = "22"`, 'the filter in the editor');
    ok('14: + adds a filter', true);
    equal('14: and runs it', parseInt(await ended(page)), counts['22']);
    ok('14: the open field stays open', new URL(page.url()).searchParams.get('f') === 'EventID');
    await shot(page, 'search-fields');
    equal('axe: fields', await axe(page), []);
    await page.goBack();
    await page.waitForURL((u) => !u.search.includes('where'));
    equal('14: back undoes it', parseInt(await ended(page)), 556);
    ok('14: and the text', (await text(page)) === `${sysmon}\n| json auto`, await text(page));
    ok('14: the address is that of before', new URL(page.url()).searchParams.get('q') === new URL(before).searchParams.get('q'));

    // 15: a message.
    await page.goto(at(s, `${sysmon}\n| where EventID = "1"`));
    await ended(page);
    await page.locator('.messages .line').nth(2).click();
    const drawer = page.getByRole('region', { name: 'Message' });
    await drawer.getByText('CommandLine', { exact: true }).waitFor();
    const time = () => drawer.locator('time').first().getAttribute('datetime');
    const one = await time();
    ok('15: all fields', (await drawer.locator('tbody tr').count()) > 15);
    await shot(page, 'search-message');
    equal('axe: a message', await axe(page), []);
    await page.keyboard.press('ArrowDown');
    await until(async () => (await time()) !== one, 'the next message');
    ok('15: the next message without closing', (await time()) < one);
    ok('15: it is in the address', new URL(page.url()).searchParams.get('m') === '3');
    await page.reload();
    await drawer.getByText('CommandLine', { exact: true }).waitFor();
    ok('29: after a reload the same message', (await time()) < one);
    await drawer.getByRole('button', { name: 'Process tree' }).click();
    await page.getByRole('dialog', { name: 'Process tree' }).getByRole('treeitem').first().waitFor();
    await shot(page, 'search-tree');
    equal('axe: tree', await axe(page), []);
    await page.keyboard.press('Escape');
    const middle = Date.parse(await time());
    await drawer.getByRole('button', { name: 'Around it: 5 min' }).click();
    await page.waitForURL((u) => Number(u.searchParams.get('from')) === middle - 300_000 && Number(u.searchParams.get('to')) === middle + 300_000);
    ok('15: Around it sets the range', parseInt(await ended(page)) >= 1);
    await page.getByRole('button', { name: /× back to/ }).click();
    await page.waitForURL((u) => Number(u.searchParams.get('from')) === day.from);
    ok('15: the range before is one click back', true);

    // Why not this rule: each part of the condition, by the code of gyoji explain --why-not.
    await page.locator('.messages .line').nth(2).click();
    await drawer.getByRole('button', { name: 'Why not this rule…' }).click();
    const asked = page.getByRole('dialog', { name: 'Why not this rule' });
    await asked.getByRole('button', { name: 'Why not?' }).click();
    await asked.getByText('Pick the rule.').waitFor();
    const rules = (await s.get('/api/gyoji/v1/rules')).rules.filter((r) => r.kind === 'match' && r.enabled);
    await asked.getByLabel('Rule of Cloud SIEM').fill(rules[0].name);
    await asked.getByRole('button', { name: 'Why not?' }).click();
    await asked.locator('.part').first().waitFor();
    ok('a part that does not hold is named', (await asked.getByText('does not hold').count()) >= 1);
    equal('axe: why not this rule', await axe(page), []);
    await shot(page, 'search-why-rule');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');

    // A link to these results: who has it sees the same job, without a search of their own.
    await page.goto(at(s, `${sysmon} | where EventID = "3"`));
    const there = await ended(page);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy link to these results' }).click();
    await page.getByText('Link to these results copied.').first().waitFor();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    const friend = await b.page({ path: '', by: await s.key('read', 'looks on') });
    const begun = [];
    friend.on('request', (r) => r.method() === 'POST' && r.url().endsWith('/search/jobs') && begun.push(r.url()));
    await friend.goto(link);
    equal('29: the same results', await ended(friend), there);
    await friend.locator('.messages .line time').first().waitFor();
    equal('29: and no other search', begun.length, 0);
    await friend.goto(link.replace(/job=[^&]*/, 'job=nothing'));
    await friend.getByText('The results of this link are no longer there').waitFor();
    equal('29: a link whose results are gone searches anew', await ended(friend), there);
    await friend.goto(link.replace('EventID', 'Computer'));
    await ended(friend).catch(() => {});
    ok('29: a link whose query is not that of its results is not believed', begun.length === 2, begun);
    await friend.context().close();

    // A query that cannot run.
    await page.goto(at(s, '* | cuont'));
    await page.getByRole('heading', { name: 'The query was not run' }).waitFor();
    await shot(page, 'search-wrong');
    equal('axe: not run', await axe(page), []);

    // Save, and find it again.
    await page.goto(at(s, `${sysmon} | where EventID = "3"`));
    await ended(page);
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.getByText('Give it a name.').waitFor();
    await page.getByLabel('Name').fill('Connections');
    equal('axe: save', await axe(page), []);
    await page.keyboard.press('Control+Enter');
    await page.getByRole('region', { name: 'Notices' }).getByText('Saved as “Connections”').waitFor();
    await page.goto(at(s, '*'));
    await ended(page);
    await page.getByLabel('Saved searches').selectOption({ label: 'Connections' });
    await page.waitForURL((u) => u.search.includes('EventID'));
    ok('a saved search is found and runs', parseInt(await ended(page)) === counts['3']);

    // Make a rule of it.
    await page.goto(at(s, '_sourceCategory=windows/sysmon EventID=1\n| where Image matches "*\\\\powershell.exe"'));
    await ended(page);
    await page.getByRole('button', { name: 'Make a rule of it' }).click();
    const dialog = page.getByRole('dialog', { name: 'Make a rule of it' });
    await dialog.getByLabel('Expression').waitFor();
    ok('23: a name without a value is warned of', await dialog.getByText('A name without a value').isVisible());
    await shot(page, 'search-rule');
    equal('axe: rule', await axe(page), []);
    await dialog.getByLabel('Name', { exact: true }).fill('PowerShell starts');
    await dialog.getByLabel(/Name of its signals/).fill('PowerShell starts {{commandLine}}');
    await dialog.getByRole('button', { name: 'Make the rule' }).click();
    await page.waitForURL('**/content/**');
    const { data } = await s.get('/api/sec/v1/rules?q=' + encodeURIComponent('name:"PowerShell starts"'));
    ok('a rule is there', data.objects.some((r) => r.name === 'PowerShell starts' && r.nameExpression.includes('{{commandLine}}')), data.objects.map((r) => r.name));
  },
  '--demo',
);
