/**
 * What somebody who knows only the goal does, in the browser alone: a form is sent to a live webhook, somebody
 * approves on a phone, a mail is sent, and a row is in a table.
 *
 * `CONSOLE_SMTP_PORT` is a mail server on loopback that puts what it gets into the folder `CONSOLE_MAILS`. With
 * `CONSOLE_IS_NEW` nobody has registered yet.
 */
import { readdir, readFile } from 'node:fs/promises';

import { add, saved } from './editing.mjs';
import { accessible, assert, consoleUrl, NARROW, newPerson, PASSWORD, signIn, stories, WIDE } from './support.mjs';

const NOW = Date.now().toString(36);
const EMAIL = `maria-${NOW}@shop.example`;
const CLAIMANT = `ada-${NOW}@shop.example`;
const MAIL_NAME = `Office mail ${NOW}`;
const FLOW = `Expense claims ${NOW}`;
const TABLE = `claims-${NOW}`;

const panel = (page) => page.getByRole('complementary', { name: 'Settings' });
/** The input of a label, not the buttons beside it that have it in their names. */
const entry = (root, label) => root.locator('input, textarea, select').and(root.getByLabel(new RegExp(`^${label}( \\*)?$`)));
const screen = (page, name) => page.getByRole('navigation', { name: 'Main' }).filter({ visible: true }).getByRole('link', { name }).click();

async function begin(page) {
  if (!process.env.CONSOLE_IS_NEW) return signIn(page, await newPerson('Maria Keller'));
  await page.goto(consoleUrl);
  await page.getByRole('button', { name: 'Create an account' }).click();
  await page.getByLabel('Your name').fill('Maria Keller');
  await page.getByLabel('E-mail address').fill(EMAIL);
  await page.getByLabel('Password').fill('short');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByText('A password has at least 8 characters.').waitFor();
  await accessible(page, 'registration');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();
  const inside = page.getByRole('navigation', { name: 'Main' }).filter({ visible: true });
  const closed = page.getByText('Registration is closed');
  await inside.or(closed).first().waitFor();
  assert.equal(await closed.count(), 0, 'Registration is closed');
}

async function addStep(page, words, button = 'Add step') {
  await page.getByRole('button', { name: button }).click();
  await add(page, words);
}

async function connectMail(page) {
  await screen(page, 'Integrations');
  await page.getByRole('button', { name: 'Connect a service' }).click();
  await page.getByRole('button', { name: /Mail server/ }).click();
  const form = page.getByRole('dialog');
  await entry(form, 'Name').fill(MAIL_NAME);
  await entry(form, 'Server').fill('127.0.0.1');
  await entry(form, 'Security').selectOption('"off"');
  await entry(form, 'Port').fill(process.env.CONSOLE_SMTP_PORT);
  await entry(form, "Sender's address").fill('Shop <office@shop.example>');
  await form.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: MAIL_NAME, level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Test' }).click();
  await page.getByText('It works').waitFor();
}

async function draw(page) {
  await screen(page, 'Workflows');
  await page.getByRole('button', { name: 'New workflow' }).first().click();
  await page.keyboard.type(FLOW);
  await page.keyboard.press('Enter');
  await addStep(page, 'webhook', 'Add trigger');
  await panel(page).getByLabel('How callers prove who they are: kind').selectOption({ label: 'A secret in a header' });
  await entry(panel(page), 'Header').fill('X-Form-Key');
  await addStep(page, 'approval', 'Add the first step');
  await entry(panel(page), 'Message').fill('Pay {{ trigger.body.amount }} to {{ trigger.body.name }}?');
  await addStep(page, 'mail');
  await entry(panel(page), 'Integration').selectOption(MAIL_NAME);
  await panel(page).getByRole('group', { name: 'To', exact: true }).getByRole('button', { name: 'Add an entry' }).click();
  await entry(panel(page), 'To, entry 1').fill('{{ trigger.body.email }}');
  await entry(panel(page), 'Subject').fill('Your claim is approved');
  await entry(panel(page), 'Text').fill('Dear {{ trigger.body.name }}, you get {{ trigger.body.amount }}.');
  await addStep(page, 'data table');
  await entry(panel(page), 'Operation').selectOption('"put"');
  await entry(panel(page), 'Table').fill(TABLE);
  await entry(panel(page), 'Key').fill('{{ trigger.body.claim }}');
  await panel(page).getByRole('button', { name: 'Value: set a value' }).click();
  const value = panel(page).getByRole('group', { name: 'Value', exact: true });
  await value.getByLabel('Value: kind').selectOption({ label: 'Object' });
  for (const [name, text] of [['who', '{{ trigger.body.name }}'], ['amount', '{{ trigger.body.amount }}']]) {
    await value.getByRole('button', { name: 'Add a field' }).click();
    await value.getByLabel('Value: name').last().fill(name);
    await value.getByRole('textbox').last().fill(text);
  }
  await saved(page);
}

/** Gives the address and the secret, as the panel of the trigger shows them. */
async function publish(page) {
  await page.getByRole('button', { name: 'Publish' }).click();
  const dialog = page.getByRole('dialog');
  assert.ok(await dialog.getByRole('switch', { name: 'Switch it on' }).isChecked());
  await dialog.getByRole('button', { name: 'Publish' }).click();
  await page.getByText('The workflow is on: its triggers start it').waitFor();
  await page.locator('.react-flow__node').filter({ hasText: 'Webhook' }).first().click();
  const address = await entry(panel(page), 'Address').inputValue();
  await panel(page).getByText('is missing').waitFor();
  await panel(page).getByRole('button', { name: 'Make one' }).click();
  const secret = await entry(panel(page), 'Secret').first().inputValue();
  await panel(page).getByRole('button', { name: 'Set', exact: true }).click();
  await page.getByText('The secret is set').waitFor();
  await accessible(page, 'a live webhook in the editor');
  return { address, secret };
}

async function post({ address, secret }, claim) {
  const fields = { claim, name: 'Ada', email: CLAIMANT, amount: '120' };
  return fetch(address, { method: 'POST', headers: { 'content-type': 'application/json', 'x-form-key': secret }, body: JSON.stringify(fields) });
}

async function approve(page) {
  await page.setViewportSize(NARROW);
  await screen(page, /^Approvals/);
  await page.getByRole('link', { name: /Pay 120 to Ada/ }).first().click();
  await page.getByLabel('Comment').fill('as agreed');
  await accessible(page, 'an approval of a form that was sent');
  await page.getByRole('button', { name: 'Approve' }).click();
  await page.waitForURL(/\/approvals$/); // others of the workspace may wait
  await page.setViewportSize(WIDE);
}

async function mailTo(address) {
  for (let look = 0; look < 120; look += 1) {
    const names = await readdir(process.env.CONSOLE_MAILS).catch(() => []);
    const mails = await Promise.all(names.map((name) => readFile(`${process.env.CONSOLE_MAILS}/${name}`, 'utf8')));
    const found = mails.find((mail) => mail.includes(address));
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`no mail to ${address}`);
}

await stories(
  {
    'a form that is sent is approved, answered with a mail, and kept as a row': async ({ page }) => {
      await begin(page);
      await connectMail(page);
      await draw(page);
      const hook = await publish(page);
      assert.equal((await post({ ...hook, secret: 'another' }, 'C-0')).status, 401);
      assert.equal((await post(hook, 'C-17')).status, 202);
      await approve(page);
      assert.match(await mailTo(CLAIMANT), /Dear Ada, you get 120\./);

      await screen(page, 'Tables');
      await page.getByRole('link', { name: TABLE }).click();
      await page.getByText('C-17').first().waitFor();
      await page.getByText('Ada', { exact: true }).first().waitFor();
      await accessible(page, 'the table with the row');
      await screen(page, 'Runs');
      const run = page.getByRole('row').filter({ hasText: FLOW });
      await run.getByText('Succeeded').waitFor();
      await run.getByRole('link', { name: FLOW }).click();
      await page.locator('main header').getByText('Succeeded').waitFor();
    },
  },
  { isSomebody: false },
);
