/** The examples as templates: found, looked at with their cases and costs, and made a workflow of one's own that runs. */
import { accessible, assert, NARROW, signIn, stories, tabTo } from './support.mjs';

/** Run what is in the editor, with the example that came with the template. */
async function runs(page) {
  await page.getByRole('button', { name: 'Test run' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Run', exact: true }).click();
  await page.getByText(/succeeded/i).first().waitFor();
}

await stories({
  'a template becomes a workflow with one click, and runs': async ({ page, person, call }) => {
    await signIn(page, person, '/templates');
    await page.getByRole('button', { name: /^Use this: / }).nth(20).waitFor();
    assert.doesNotMatch(await page.locator('#main').innerText(), /`/);
    await accessible(page, 'templates');
    await page.getByLabel('Search templates').fill('orders up to');
    await page.getByText(/about \$\d.* for 1,000 runs/).waitFor();
    await page.getByRole('button', { name: 'Use this: Order approval by amount' }).click();
    await page.waitForURL(/\/workflows\/[0-9a-f-]+/);
    await runs(page);
    const [run] = (await call('GET', '/api/executions')).items;
    assert.equal(run.status, 'succeeded');
  },

  'a template is looked at first: its steps, what it needs, its test cases, and what a run costs': async ({ page, person, call, expect }) => {
    expect(/422/); // what needs a service is tried first, and then kept as a draft
    await signIn(page, person, '/templates');
    await page.setViewportSize(NARROW);
    await page.getByLabel('Search templates').fill('Form to sheet');
    await page.getByRole('button', { name: /^Look at it: Form to sheet/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('The integration “team Slack”').waitFor();
    await dialog.getByText('what is approved becomes a row').waitFor();
    await dialog.getByText(/for its example, as measured at list prices/).waitFor();
    await accessible(page, 'a template');
    await dialog.getByRole('button', { name: 'Use this' }).click();
    await page.waitForURL(/\/workflows\/[0-9a-f-]+/);
    await page.getByText('It still needs something').waitFor();
    assert.deepEqual((await call('GET', '/api/workflows')).items.map(({ name }) => name), ['Form to sheet to Slack, with approval']);
  },

  'with keys alone: found, looked at, used, and run': async ({ page, person, call }) => {
    await signIn(page, person, '/templates');
    await page.getByRole('button', { name: /^Use this: / }).first().waitFor();
    await tabTo(page, 'Search templates');
    await page.keyboard.type('filters, groups');
    await tabTo(page, 'Look at it');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Enter'); // "Use this" has the focus
    await page.waitForURL(/\/workflows\/[0-9a-f-]+/);
    await page.getByRole('button', { name: 'Test run' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Enter');
    await page.getByText(/succeeded/i).first().waitFor();
    assert.equal((await call('GET', '/api/executions')).items[0].status, 'succeeded');
  },
});
