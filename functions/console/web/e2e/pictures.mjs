/**
 * Pictures of all screens, light, dark and narrow: `npm run pictures [folder]` with the local stack running.
 *
 * A person of its own is made for them, whose workspace has a little of everything; and one who has nothing yet.
 */
import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';

if (!process.env.CONSOLE_URL) {
  const told = execFileSync(process.execPath, [new URL('./environment.mjs', import.meta.url).pathname], { encoding: 'utf8' });
  for (const [, name, value] of told.matchAll(/export (\w+)='(.*)'/g)) process.env[name] = value;
}
const { consoleUrl, launch, NARROW, newPerson, PASSWORD, WIDE } = await import('./support.mjs');

const folder = process.argv[2] ?? new URL('./pictures/', import.meta.url).pathname;
/** In which languages and looks. */
const VIEWS = {
  light: { viewport: WIDE, colorScheme: 'light' },
  dark: { viewport: WIDE, colorScheme: 'dark' },
  narrow: { viewport: NARROW, colorScheme: 'light' },
};
const CLAIMS = {
  triggers: [
    { id: 'form', type: 'webhook', name: 'The form on our page', config: { auth: { type: 'header', header: 'X-Form-Key' } } },
    { id: 'monday', type: 'schedule', name: 'Every Monday', config: { cron: '0 9 * * 1', timezone: 'Europe/Berlin' } },
  ],
  nodes: [
    { id: 'large', type: 'conditional', name: 'More than 100?', config: { expression: '{{ trigger.body.amount > 100 }}' } },
    { id: 'ask', type: 'approval', name: 'Ask finance', config: { message: 'Pay {{ trigger.body.amount }} euros to {{ trigger.body.name }}?' } },
    { id: 'tell', type: 'transform', name: 'Letter of thanks', config: { value: 'Dear {{ trigger.body.name }}, it is on its way.' } },
    { id: 'keep', type: 'data_table', name: 'Keep the claim', config: { operation: 'put', table: 'claims', key: '{{ trigger.body.claim }}', value: { who: '{{ trigger.body.name }}', amount: '{{ trigger.body.amount }}' } } },
  ],
  edges: [
    { from: 'large', port: 'true', to: 'ask' },
    { from: 'large', port: 'false', to: 'tell' },
    { from: 'ask', port: 'approved', to: 'tell' },
    { from: 'tell', to: 'keep' },
  ],
};
const IMPORT = {
  nodes: [
    { id: 'each', type: 'for_each', name: 'For each line', config: { items: [120, 80, 4500] }, body: { nodes: [{ id: 'tax', type: 'transform', name: 'Add tax', config: { value: '{{ item * 1.19 }}' } }] } },
    { id: 'refuse', type: 'fail', name: 'Too many lines', config: { message: 'the file has more lines than it says' } },
  ],
  edges: [{ from: 'each', to: 'refuse' }],
};

async function ended(call, id, statuses = ['succeeded', 'failed', 'waiting']) {
  for (let look = 0; look < 240; look += 1) {
    if (statuses.includes((await call('GET', `/api/executions/${id}`)).status)) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** A little of everything. */
async function furnish(call) {
  const claims = await call('POST', '/api/workflows', { name: 'Expense claims', description: 'Asks finance about those over 100 euros', definition: CLAIMS, labels: ['finance'] });
  const lines = await call('POST', '/api/workflows', { name: 'Import orders', definition: IMPORT });
  await call('POST', '/api/workflows', { name: 'Monthly report' });
  await call('POST', `/api/workflows/${claims.id}/activate`);
  const start = (workflow, input) => call('POST', '/api/executions', { workflow_id: workflow.id, input });
  const runs = [];
  for (const [claim, name, amount] of [['C-1', 'Ada', 40], ['C-2', 'Grace', 75], ['C-3', 'Barbara', 60]]) runs.push(await start(claims, { claim, name, amount }));
  runs.push(await start(lines, {}), await start(claims, { claim: 'C-4', name: 'Radia', amount: 420 }));
  for (const { id } of runs) await ended(call, id);
  await call('POST', '/api/integrations', { name: 'Office mail', type: 'smtp', config: { host: 'mail.shop.example', username: 'office', password: 'a secret', from_address: 'Shop <office@shop.example>' } });
  await call('POST', '/api/subscriptions', { url: 'https://tickets.shop.example/mainspring', description: 'The ticket system', events: ['execution.failed', 'execution.timed_out'] });
  const { url, headers } = await call('POST', '/api/files/upload', { name: 'reports/june.csv', bytes: 4 });
  await fetch(url, { method: 'PUT', headers, body: 'june' });
  const other = await call('POST', '/api/files/upload', { name: 'prices.csv', bytes: 6 });
  await fetch(other.url, { method: 'PUT', headers: other.headers, body: 'prices' });
}

async function signedIn(context, person) {
  const page = await context.newPage();
  await page.goto(consoleUrl);
  await page.getByLabel('E-mail address').fill(person.email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.locator('#main h1').first().waitFor();
  return page;
}

const taken = async (page, name, view) => {
  await page.waitForLoadState('networkidle', { timeout: 5_000 }).catch(() => null);
  await page.waitForFunction(() => !document.querySelector('[role=status] .animate-pulse')).catch(() => null); // nothing loads
  await page.waitForTimeout(400);
  await page.screenshot({ path: `${folder}/${name}-${view}.png` });
};

await mkdir(folder, { recursive: true });
const person = await newPerson('Ada Lovelace', { isAdmin: true });
const nobody = await newPerson('Grace Hopper');
await furnish(person.call);
const browser = await launch();
for (const [view, options] of Object.entries(VIEWS)) {
  const context = await browser.newContext({ ...options, locale: 'en-US', reducedMotion: 'reduce' });
  const first = await context.newPage();
  await first.goto(consoleUrl);
  await first.getByLabel('E-mail address').waitFor();
  await taken(first, 'sign-in', view);
  await first.getByRole('button', { name: 'Create an account' }).click();
  await taken(first, 'register', view);
  const empty = await signedIn(await browser.newContext({ ...options, locale: 'en-US', reducedMotion: 'reduce' }), nobody);
  await empty.getByRole('heading', { name: /Welcome/ }).waitFor();
  await taken(empty, 'start', view);
  await empty.context().close();
  const page = await signedIn(context, person);
  const places = await page.locator('nav a').evaluateAll((links) => [...new Set(links.map((link) => link.getAttribute('href')))]);
  for (const place of places) {
    const name = place.slice(place.indexOf('/console') + '/console'.length).replace(/\W+/g, '-').replace(/^-/, '') || 'home';
    await page.goto(new URL(place, consoleUrl).href);
    await page.locator('#main h1').first().waitFor();
    await taken(page, name, view);
    const one = page.locator(`main td a[href^="${place}/"], main li a[href^="${place}/"]`).filter({ hasNotText: /Monthly|Import/ }).first();
    if (await one.count()) {
      await one.click();
      await page.waitForTimeout(800);
      await taken(page, `${name}-one`, view);
    }
    if (name === 'runs') {
      await page.goto(`${consoleUrl}/runs?status=failed`);
      await page.getByRole('link', { name: 'Import orders' }).click();
      await page.waitForTimeout(800);
      await taken(page, 'runs-failed', view);
    }
    if (name === 'settings') {
      for (const tab of ['members', 'roles', 'workspace', 'users']) {
        await page.goto(`${consoleUrl}/settings?tab=${tab}`);
        await page.getByRole('tabpanel').waitFor();
        await taken(page, `settings-${tab}`, view);
      }
    }
    if (name === 'workflows') {
      const step = page.locator('.react-flow__node').filter({ hasText: 'Ask finance' }).first();
      await step.click({ timeout: 5_000 }).catch(() => null);
      await taken(page, 'workflows-step', view);
      await page.getByRole('button', { name: 'More', exact: true }).last().click();
      await page.getByRole('menuitem', { name: 'Versions' }).click();
      await page.getByRole('button', { name: /^Version 1/ }).click();
      await taken(page, 'workflows-versions', view);
    }
  }
  await context.close();
}
await browser.close();
