/** What starts workflows by itself: its health, its address and secret, its times, and what it got. */
import { accessible, assert, go, NARROW, signIn, stories, tabTo } from './support.mjs';

const DEFINITION = {
  triggers: [
    { id: 'orders', type: 'webhook', name: 'From the shop', config: { auth: { type: 'header', header: 'x-shop-key' } } },
    { id: 'nightly', type: 'schedule', name: 'Each night', config: { cron: '0 3 * * *', timezone: 'Europe/Berlin' } },
  ],
  nodes: [{ id: 'book', type: 'transform', name: 'Book it', config: { value: { booked: '{{ trigger.body.number }}' } } }],
  edges: [],
};

async function active(call) {
  const workflow = await call('POST', '/api/workflows', { name: 'Take orders', definition: DEFINITION });
  await call('POST', `/api/workflows/${workflow.id}/activate`);
  return workflow;
}

const deliver = (url, key) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', 'x-shop-key': key }, body: '{"number": 17}' });

await stories({
  'a webhook gets its secret, a delivery, another secret, and another address': async ({ page, person, call }) => {
    await active(call);
    await signIn(page, person, '/triggers');
    await page.getByText('From the shop').waitFor();
    await page.getByText('Secret missing').waitFor();
    await accessible(page, 'triggers');
    await page.getByRole('row').filter({ hasText: 'From the shop' }).getByRole('link').click();
    const address = page.getByLabel('Send to');
    const url = await address.inputValue();
    await page.getByText('It has no secret yet').waitFor();
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Set a secret' }).click();
    await dialog.getByLabel('Secret').fill('the-first-key-of-the-shop');
    await accessible(page, 'the secret of a webhook');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('It has a secret').waitFor();
    const taken = await deliver(url, 'the-first-key-of-the-shop');
    assert.ok(taken.ok, await taken.text());
    await page.getByText('What it got last').waitFor();
    await page.getByText('17', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'See the run' }).waitFor();
    await accessible(page, 'a webhook');

    await page.getByRole('button', { name: 'Replace the secret' }).click();
    await dialog.getByRole('button', { name: 'Make one' }).click();
    const made = await dialog.getByLabel('Secret').inputValue();
    assert.match(made, /^[0-9a-f]{48}$/);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'hidden' });
    assert.equal((await deliver(url, 'the-first-key-of-the-shop')).status, 401);
    await page.getByText('Refusing').waitFor();
    await page.getByRole('alert').waitFor();
    assert.ok((await deliver(url, made)).ok);

    await page.setViewportSize(NARROW);
    await page.getByRole('button', { name: 'New address' }).click();
    await dialog.getByRole('button', { name: 'New address' }).click();
    await page.getByText('It has a new address').waitFor();
    assert.notEqual(await address.inputValue(), url);
    assert.equal((await deliver(url, made)).status, 404);
    assert.ok((await deliver(await address.inputValue(), made)).ok);
    await page.getByRole('button', { name: 'Test', exact: true }).click();
    await dialog.getByLabel('With').selectOption({ label: 'What came last' });
    await accessible(page, 'the test of a trigger');
    await dialog.getByRole('button', { name: 'Start a test' }).click();
    await page.waitForURL(/\/runs\//);
    await page.getByText('Succeeded').first().waitFor();
  },

  'a schedule tells its next times, catches up on those of before, and is paused': async ({ page, person, call }) => {
    const workflow = await active(call);
    await signIn(page, person, `/triggers/${workflow.id}/nightly`);
    await page.getByText('Next times').waitFor();
    await page.getByText(/03:00/).first().waitFor();
    await accessible(page, 'a schedule');
    const day = (days) => `${new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)}T00:00`;
    for (const [began, told] of [['1 run started', ''], ['Nothing was missing', '1 time had run before.']]) {
      await page.getByRole('button', { name: 'Catch up' }).click();
      await page.getByLabel('From').fill(day(-1));
      await page.getByLabel('To', { exact: true }).fill(day(0));
      if (!told) await accessible(page, 'catching up');
      await page.getByRole('button', { name: 'Start the runs' }).click();
      await page.getByText(began).waitFor();
      if (told) await page.getByText(told).waitFor();
    }
    const { items } = await call('GET', `/api/executions?workflow_id=${workflow.id}&trigger_type=schedule`);
    assert.equal(items.length, 1);
    await page.getByRole('switch').click();
    await page.getByText('Off', { exact: true }).first().waitFor();
    await go(page, '/triggers');
    await page.getByText('Each night').waitFor();
    assert.equal((await call('GET', `/api/workflows/${workflow.id}`)).is_active, false);
  },

  'with keys alone: a trigger is found, tested with data of one’s own, and turned off': async ({ page, person, call }) => {
    const workflow = await active(call);
    await page.setViewportSize(NARROW);
    await signIn(page, person, '/triggers');
    await page.getByText('From the shop').waitFor();
    const row = page.getByRole('row').filter({ hasText: 'From the shop' }).getByRole('link');
    for (let press = 0; press < 30 && !(await row.evaluate((link) => link === document.activeElement)); press++) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('What it gives, for example').waitFor();
    await tabTo(page, 'Test');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.type('Data of my own'); // the choice has the focus
    await tabTo(page, 'What the trigger gives');
    await page.keyboard.press('Control+a');
    await page.keyboard.type('{"body": {"number": 4');
    await tabTo(page, 'Start a test');
    await page.keyboard.press('Enter');
    await page.getByText('This is no JSON yet').waitFor();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('End');
    await page.keyboard.type('}}');
    await tabTo(page, 'Start a test');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/runs\//);
    await page.getByText('Succeeded').first().waitFor();
    await go(page, `/triggers/${workflow.id}/orders`);
    await tabTo(page, 'Triggers of this workflow');
    await page.keyboard.press('Space');
    await page.getByText('Off', { exact: true }).first().waitFor();
    assert.equal((await call('GET', `/api/workflows/${workflow.id}`)).is_active, false);
  },
});
