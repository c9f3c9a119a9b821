/**
 * What the specs share. A spec is a program: `await stories({ 'what a person does': async (given) => { … } })`.
 *
 * pytest starts it against a deployed stack (`tests/e2e/test_console.py`), with `CONSOLE_URL`, `CONSOLE_EMAIL` and
 * `CONSOLE_PASSWORD` of an administrator; by hand:
 *
 *     eval "$(node e2e/environment.mjs)" && node e2e/sign-in.spec.mjs
 *
 * Each story has a browser context and a user of its own, whose workspace is empty. It fails where the browser's
 * console has an error or a violation of the content security policy that it does not expect.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

export const consoleUrl = process.env.CONSOLE_URL;
export const apiUrl = consoleUrl?.replace(/\/console$/, '');
export const WIDE = { width: 1440, height: 900 };
export const NARROW = { width: 390, height: 844 };
export const PASSWORD = 'correct horse battery staple';
const PICTURES = process.env.CONSOLE_PICTURES;
const COLORS = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] };
const ALL = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] };

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export async function launch() {
  const executablePath = process.env.CONSOLE_CHROMIUM ?? '/usr/bin/chromium-headless-shell';
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
}

/** Calls of the API as somebody, in their own workspace or another: `await call('POST', '/api/workflows', {…})`. */
export async function caller(email, password, workspaceId = null) {
  const post = (path, body, headers = {}) =>
    fetch(`${apiUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  let tokens = await (await post('/api/auth/login', { email, password })).json();
  const header = { authorization: `Bearer ${tokens.access_token}` };
  if (workspaceId) tokens = await (await post('/api/auth/workspace', { workspace_id: workspaceId }, header)).json();
  return async (method, path, body, headers = {}) => {
    const answer = await fetch(`${apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${tokens.access_token}`, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  };
}

let admin;
let people = 0;

/** Calls as the administrator of the stack. */
export async function asAdministrator() {
  admin ??= await caller(process.env.CONSOLE_EMAIL, process.env.CONSOLE_PASSWORD);
  return admin;
}

/** A new user with an empty workspace, and calls in their name. */
export async function newPerson(name = 'Ada Lovelace', { isAdmin = false } = {}) {
  const email = `e2e-${process.pid}-${Date.now().toString(36)}-${++people}@example.com`;
  const body = { email, password: PASSWORD, full_name: name, is_admin: isAdmin };
  const { id } = await (await asAdministrator())('POST', '/api/users', body);
  return { id, email, name, call: await caller(email, PASSWORD) };
}

/** Sign in with the form. */
export async function signIn(page, person, path = '') {
  await page.goto(`${consoleUrl}${path}`);
  await page.getByLabel('E-mail address').fill(person.email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('navigation', { name: 'Main' }).filter({ visible: true }).waitFor();
}

/** Go to an address of the console without loading the page again, as a link does. */
export async function go(page, path) {
  await page.goto(`${consoleUrl}${path}`);
  await page.locator('#main h1').first().waitFor();
}

/** Press Tab until what has the focus is called so, as whoever has no mouse does. */
export async function tabTo(page, name, most = 40) {
  for (let press = 0; press < most; press++) {
    const is = await page.evaluate((wanted) => {
      const { activeElement: one } = document;
      const label = one?.getAttribute('aria-label') ?? one?.labels?.[0]?.textContent ?? one?.textContent ?? '';
      return label.trim().replace(/\s*\*$/, '').startsWith(wanted);
    }, name);
    if (is) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the focus does not come to ${name}`);
}

async function checked(page, what, runOnly) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axeSource); // no script of the page, so that its policy says nothing to it
  const { violations } = await page.evaluate((only) => {
    // Menus and tooltips are put at the end of the page, outside of its landmarks; they are reached from what opens them.
    const rules = only.type === 'tag' ? { region: { enabled: false } } : {};
    return window.axe.run(document, { runOnly: only, rules, resultTypes: ['violations'], preload: false });
  }, runOnly);
  const told = violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help}\n    ${target.join(' ')}\n    ${failureSummary}`),
  );
  assert.equal(told.length, 0, `axe on ${what}:\n  ${told.join('\n  ')}`);
}

/**
 * Check what is shown with axe: light and dark, wide and narrow; and that a phone need not scroll sideways.
 *
 * A theme changes nothing but colors, so the dark one is checked by the rules of colors alone.
 */
export async function accessible(page, what) {
  const before = page.viewportSize();
  await page.locator('h1').first().waitFor({ state: 'attached' }); // behind a dialog it has no role
  for (const [width, viewport] of Object.entries({ wide: WIDE, narrow: NARROW })) {
    await page.setViewportSize(viewport);
    for (const [theme, rules] of Object.entries({ light: ALL, dark: COLORS })) {
      await page.emulateMedia({ colorScheme: theme });
      await page.waitForTimeout(250); // colors fade
      await checked(page, `${what}, ${theme}, ${width}`, rules);
    }
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(overflow <= 0, `${what} is ${overflow} px too wide at ${viewport.width} px`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(before);
}

/** Listen for what must not happen; gives what has. */
function listen(context) {
  const problems = [];
  context.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  context.on('weberror', (error) => problems.push(String(error.error())));
  return problems;
}

async function play(browser, name, story, isSomebody) {
  const context = await browser.newContext({ viewport: WIDE, locale: 'en-US', colorScheme: 'light', reducedMotion: 'reduce' });
  context.setDefaultTimeout(60_000);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const problems = listen(context);
  const expected = [];
  const page = await context.newPage();
  const person = isSomebody ? await newPerson() : null;
  try {
    await story({ page, context, person, call: person?.call, expect: (pattern) => expected.push(pattern) });
    const unexpected = problems.filter((text) => !expected.some((pattern) => pattern.test(text)));
    assert.deepEqual(unexpected, [], 'errors in the browser');
    console.log(`passed: ${name}`);
    return true;
  } catch (error) {
    console.log(`FAILED: ${name}\n${error.stack}\nconsole: ${problems.join('\n')}`);
    if (PICTURES) {
      await mkdir(PICTURES, { recursive: true });
      await page.screenshot({ path: `${PICTURES}/failed-${name.replace(/\W+/g, '-')}.png` }).catch(() => null);
    }
    return false;
  } finally {
    await context.close();
  }
}

/**
 * Play all stories, or those whose names have the program's first argument in them; the exit code says how it went.
 * Without `isSomebody` no user is made for them.
 */
export async function stories(all, { isSomebody = true } = {}) {
  const wanted = process.argv[2] ?? '';
  const browser = await launch();
  let failed = 0;
  for (const [name, story] of Object.entries(all)) if (name.includes(wanted)) failed += (await play(browser, name, story, isSomebody)) ? 0 : 1;
  await browser.close();
  process.exitCode = failed ? 1 : 0;
}

export { assert };
