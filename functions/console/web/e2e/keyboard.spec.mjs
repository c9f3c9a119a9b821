/** What people do on the screens, with keys alone: each thing is reached with Tab and has a mark while it has the focus. */
import { accessible, assert, consoleUrl, newPerson, PASSWORD, signIn, stories } from './support.mjs';

const MOST_STEPS = 150;

/** Go on with Tab until it has the focus; that is seen, and it is within what is shown. */
async function tabTo(page, target, key = 'Tab') {
  await target.waitFor();
  for (let step = 0; step < MOST_STEPS; step += 1) {
    await page.keyboard.press(key);
    const found = await target.evaluate((element) => {
      if (element !== document.activeElement) return null;
      const { outlineStyle, boxShadow } = getComputedStyle(element);
      const { top, bottom } = element.getBoundingClientRect();
      return { isMarked: outlineStyle !== 'none' || boxShadow !== 'none', isInView: top >= 0 && bottom <= innerHeight };
    });
    if (!found) continue;
    assert.deepEqual(found, { isMarked: true, isInView: true }, String(target));
    return;
  }
  assert.fail(`Tab does not lead to ${target}`);
}

async function press(page, target, key = 'Enter') {
  await tabTo(page, target);
  await page.keyboard.press(key);
}

async function jump(page, key, heading) {
  await page.keyboard.press('g');
  await page.keyboard.press(key);
  await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
}

async function until(call, id, status) {
  for (let look = 0; look < 120; look += 1) {
    if ((await call('GET', `/api/executions/${id}`)).status === status) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`it is not ${status}`);
}

const main = (page) => page.getByRole('main');

await stories({
  'signing in, and from the dashboard to what failed': async ({ page, person, call }) => {
    const nodes = [{ id: 'refuse', type: 'fail', config: { message: 'there is no name' } }];
    const { id } = await call('POST', '/api/workflows', { name: 'Check names', definition: { nodes } });
    const run = await call('POST', '/api/executions', { workflow_id: id });
    await until(call, run.id, 'failed');
    await page.goto(`${consoleUrl}/dashboard`);
    await page.getByLabel('E-mail address').waitFor();
    await page.keyboard.type(person.email);
    await page.keyboard.press('Tab');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await main(page).getByText('there is no name').waitFor();
    await accessible(page, 'the dashboard with a failure');
    await press(page, page.getByRole('link', { name: 'Skip to the content' }));
    const span = page.getByLabel('Time', { exact: true });
    await tabTo(page, span);
    await page.keyboard.press('ArrowUp');
    assert.equal(await span.inputValue(), '7');
    await press(page, main(page).getByRole('link', { name: 'Check names' }).first());
    await page.waitForURL(new RegExp(run.id));
    await main(page).getByText('there is no name').first().waitFor();
  },

  'an approval is found and answered': async ({ page, person, call }) => {
    const nodes = [{ id: 'ask', type: 'approval', config: { message: 'Pay invoice 17?' } }];
    const { id } = await call('POST', '/api/workflows', { name: 'Pay invoices', definition: { nodes } });
    const run = await call('POST', '/api/executions', { workflow_id: id });
    await until(call, run.id, 'waiting');
    await signIn(page, person, '/settings');
    await jump(page, 'a', 'Approvals');
    await page.getByRole('link', { name: /Pay invoice 17/ }).waitFor();
    await accessible(page, 'the approvals that wait');
    await press(page, page.getByRole('link', { name: /Pay invoice 17/ }));
    await tabTo(page, page.getByLabel('Comment'));
    await page.keyboard.type('too much');
    await press(page, page.getByRole('button', { name: 'Reject' }));
    await page.getByText('Nothing waits for a decision').waitFor();
    await until(call, run.id, 'succeeded');
    await tabTo(page, page.getByLabel('Which approvals'));
    await page.keyboard.type('Decided by');
    await page.getByText('too much').or(page.getByRole('link', { name: /Pay invoice 17/ })).first().waitFor();
    await accessible(page, 'the approvals that are decided');
  },

  'settings: a name of one’s own, colors, and a user is added': async ({ page }) => {
    const person = await newPerson('Ada Lovelace', { isAdmin: true });
    await signIn(page, person, '/settings');
    await accessible(page, 'settings');
    const name = main(page).getByLabel('Name');
    await tabTo(page, name);
    await page.keyboard.press('Control+a');
    await page.keyboard.type('Countess Lovelace');
    await page.keyboard.press('Enter');
    await page.getByText('Your name is changed').waitFor();
    assert.equal((await person.call('GET', '/api/auth/me')).full_name, 'Countess Lovelace');
    await page.getByRole('navigation', { name: 'Main' }).getByRole('button', { name: 'Countess Lovelace' }).waitFor();
    await tabTo(page, page.getByLabel('Colors'));
    await page.keyboard.type('Dark');
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme ?? ''), 'dark');
    await page.keyboard.type('As the');
    await press(page, page.getByRole('tab', { name: 'You' }));
    await page.keyboard.press('End');
    await page.getByRole('cell', { name: /Lovelace/ }).first().waitFor();
    await accessible(page, 'the users, for an administrator');
    await press(page, page.getByRole('button', { name: 'Add a user' }));
    const form = page.getByRole('dialog', { name: 'Add a user' });
    await form.waitFor();
    await accessible(page, 'adding a user');
    await page.keyboard.press('Escape');
    await form.waitFor({ state: 'detached' });
    await page.waitForFunction(() => document.activeElement?.textContent === 'Add a user');
  },

  'the help is searched and read': async ({ page, person }) => {
    await signIn(page, person, '/settings');
    await jump(page, 'h', 'Help');
    await tabTo(page, page.getByLabel('Search the help'));
    await page.keyboard.type('approval');
    await press(page, main(page).getByRole('listitem').getByRole('link').first());
    await page.waitForURL(/\/help\/.+/);
    await press(page, page.getByRole('link', { name: 'All of the help' }));
    await page.getByLabel('Search the help').waitFor();
  },

  'a file is brought in and deleted': async ({ page, person, call }) => {
    await signIn(page, person, '/files');
    await page.getByText('No files yet').waitFor();
    await accessible(page, 'no files');
    const chooser = page.waitForEvent('filechooser');
    await press(page, page.getByRole('button', { name: 'Upload' }));
    await (await chooser).setFiles({ name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('a') });
    await press(page, page.getByRole('button', { name: 'Delete a.txt' }));
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).waitFor();
    await accessible(page, 'asking before a file is deleted');
    await press(page, page.getByRole('dialog').getByRole('button', { name: 'Delete' }));
    await page.getByText('No files yet').waitFor();
    assert.deepEqual((await call('GET', '/api/files')).items, []);
  },

  'a subscription is made and turned off': async ({ page, person, call }) => {
    await signIn(page, person, '/subscriptions');
    await press(page, page.getByRole('button', { name: 'New subscription' }));
    const form = page.getByRole('dialog');
    await form.getByLabel('Address').waitFor();
    await tabTo(page, form.getByLabel('Address'));
    await page.keyboard.type('http://127.0.0.1:9/told');
    await tabTo(page, form.getByLabel('A run succeeded'));
    await page.keyboard.press('Space');
    await page.keyboard.press('Enter');
    await form.getByText('Keep this secret now').waitFor();
    await accessible(page, 'the secret of a subscription');
    await press(page, form.getByRole('button', { name: 'I have kept it' }));
    await press(page, main(page).getByRole('link', { name: /127/ }));
    await page.getByLabel('Send messages').waitFor();
    await press(page, page.getByLabel('Send messages'), 'Space');
    await page.getByText('Off', { exact: true }).waitFor();
    const [{ events, is_enabled }] = (await call('GET', '/api/subscriptions')).items;
    assert.deepEqual([events.includes('execution.succeeded'), is_enabled], [true, false]);
  },

  'the palette opens a workflow, and does things': async ({ page, person, call }) => {
    await call('POST', '/api/workflows', { name: 'Pay invoices' });
    await signIn(page, person, '/settings');
    await page.keyboard.press('Control+k');
    await page.getByPlaceholder('Where to, or what to do?').waitFor();
    await page.keyboard.type('pay inv');
    await page.getByRole('option', { name: 'Pay invoices' }).waitFor();
    await accessible(page, 'the palette with a workflow');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Pay invoices', level: 1 }).waitFor();
    await page.keyboard.press('Control+k');
    await page.getByPlaceholder('Where to, or what to do?').waitFor();
    await page.keyboard.type('dark col');
    await page.keyboard.press('Enter');
    await page.getByPlaceholder('Where to, or what to do?').waitFor({ state: 'detached' });
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(18, 19, 23)');
  },
});
