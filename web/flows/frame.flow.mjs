// The frame: signing in by the form and by a link, the address that was asked for, signing
// out, the palette, the zone, a server that goes away.
import { axe, flow, equal, ok, shot, sideways, until } from './desk.mjs';

await flow('frame', async (s, b) => {
  // By the form, at the address that was asked for.
  const context = await b.browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: 'Europe/Berlin' });
  const p = await context.newPage();
  await p.goto(s.base + '/triage?view=closed');
  await p.getByLabel('Access ID').fill(s.credentials.access_id);
  await p.getByLabel('Access key').fill('wrong');
  await p.getByRole('button', { name: 'Sign in' }).click();
  await p.getByRole('alert').filter({ hasText: 'wrong' }).waitFor();
  ok('a wrong key is said', true);
  equal('axe: sign-in', await axe(p), []);
  await shot(p, 'signin');
  await p.getByLabel('Access key').fill(s.credentials.access_key);
  await p.getByRole('button', { name: 'Sign in' }).click();
  await p.getByRole('heading', { name: 'Triage' }).waitFor();
  equal('the address that was asked for', new URL(p.url()).search, '?view=closed');
  ok('script cannot read the session', (await p.evaluate(() => document.cookie)) === '');

  // By the link of credentials.json; the token leaves the address.
  const linked = await b.browser.newContext();
  const l = await linked.newPage();
  await l.goto(s.credentials.signin_url);
  await l.getByRole('heading', { name: 'Triage' }).waitFor();
  ok('the token is not in the address', !l.url().includes('#'), l.url());
  await linked.close();

  // The palette, by keys alone, and back to where one was.
  await p.keyboard.press('Control+k');
  await p.getByRole('combobox', { name: 'Find' }).fill('cover');
  await p.getByRole('option', { name: 'Go to Coverage' }).waitFor();
  equal('axe: palette', await axe(p), []);
  await p.keyboard.press('Enter');
  await p.waitForURL('**/coverage');
  await p.goBack();
  await p.waitForURL('**/triage?view=closed');
  ok('back goes back', true);
  // Enter pressed before the list has come is for what was typed, not for what is still shown.
  await p.route('**/api/sec/v1/rules?**', async (r) => {
    await new Promise((go) => setTimeout(go, 1500));
    await r.continue();
  });
  await p.keyboard.press('Control+k');
  await p.getByRole('combobox', { name: 'Find' }).fill('cover');
  await p.keyboard.press('Enter');
  await p.waitForURL('**/coverage');
  ok('Enter before its list waits for it', true);
  await p.unroute('**/api/sec/v1/rules?**');
  await p.goBack();
  await p.waitForURL('**/triage?view=closed');
  await p.keyboard.press('?');
  await p.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  equal('axe: keyboard', await axe(p), []);
  await p.keyboard.press('Escape');
  await p.keyboard.press('u');
  equal('u changes the zone, not the address', [await p.getByRole('button', { name: 'UTC', exact: true }).getAttribute('aria-pressed'), new URL(p.url()).search], ['false', '?view=closed']);
  await p.keyboard.press('u');

  // 390 px: the bar is at the bottom, and nothing scrolls sideways.
  await p.setViewportSize({ width: 390, height: 844 });
  const bar = await p.getByRole('navigation', { name: 'Pages' }).boundingBox();
  ok('the bar is at the bottom', bar.y > 700 && bar.width >= 389, bar);
  const small = await p.getByRole('navigation').getByRole('link').evaluateAll((list) => list.filter((a) => a.offsetParent && (a.offsetHeight < 44 || a.offsetWidth < 44)).length);
  equal('entries are 44 px', small, 0);
  equal('nothing sideways', await sideways(p), false);
  await p.setViewportSize({ width: 1440, height: 900 });

  // Several tabs: one has the stream, all hear it; when it is closed, another goes on.
  const tabs = [];
  for (let n = 0; n < 7; n++) {
    const t = await context.newPage();
    await t.goto(s.base + '/triage');
    tabs.push(t);
  }
  await until(async () => (await tabs[6].getByText('Live', { exact: true }).count()) === 1, 'the seventh tab is live');
  await s.sendSamples(/fin/);
  for (const t of [p, tabs[0], tabs[6]]) await until(async () => (await t.locator('nav').innerText()).includes('2'), 'each tab has counted two insights', 15);
  ok('seven tabs hear of an insight', true);
  await tabs[0].close();
  await p.goto(s.base + '/triage'); // the first, which had the stream, leaves it
  await s.sendSamples(/dev/);
  for (const t of [p, tabs[6]]) await until(async () => (await t.locator('nav').innerText()).includes('4'), 'four insights, told by another tab', 15);
  ok('another tab goes on', true);
  for (const t of tabs.slice(1)) await t.close();

  // A session that ends under an open page: a dialog over it, drafts kept, and on it goes.
  await p.goto(s.base + '/insight/INSIGHT-1?side=comments');
  await p.getByRole('textbox', { name: 'Comment' }).fill('half a thought');
  const gone = await p.evaluate(async () => (await fetch('/api/gyoji/v1/session', { method: 'DELETE' })).status);
  equal('the session has ended', gone, 204);
  await p.getByRole('button', { name: 'Send' }).click();
  const again = p.getByRole('dialog', { name: 'Sign in again' });
  await again.waitFor();
  equal('axe: sign in again', await axe(p), []);
  await again.getByLabel('Access ID').fill(s.credentials.access_id);
  await again.getByLabel('Access key').fill(s.credentials.access_key);
  await again.getByRole('button', { name: 'Sign in' }).click();
  await p.getByRole('tab', { name: 'Comments 1' }).waitFor();
  ok('the comment is sent after it', (await p.getByRole('list', { name: 'Comments' }).innerText()).includes('half a thought'));

  // Signing out ends the session, for the page of every tab.
  await p.getByRole('button', { name: 'first' }).click();
  await p.getByRole('button', { name: 'Sign out' }).click();
  await p.getByLabel('Access ID').waitFor();
  ok('signed out', (await context.request.get(s.base + '/api/sec/v1/insights')).status() === 401);
  await context.close();
  await until(async () => true, 'the end');
});
