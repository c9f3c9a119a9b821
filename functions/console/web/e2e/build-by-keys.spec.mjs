/** A workflow is built, tried, published and its run is looked at, without a mouse. */
import { accessible, assert, stories } from './support.mjs';
import { opened, ran, saved } from './editing.mjs';

const MOST_STEPS = 60;

/** Press Tab until this has the focus. */
async function tabTo(page, target, key = 'Tab') {
  await target.waitFor();
  for (let step = 0; step < MOST_STEPS; step += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  assert.fail(`${key} does not lead to ${target}`);
}

const item = (page, name) => page.getByRole('tree', { name: 'Steps' }).getByRole('treeitem', { name });

async function focused(target) {
  await target.waitFor();
  for (let look = 0; look < 40; look += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`the focus is not on ${target}`);
}

/** Add a step behind what has the focus in the outline. */
async function addStep(page, words, name) {
  await page.keyboard.press('/');
  await page.getByRole('dialog').getByPlaceholder('Search').waitFor();
  await page.keyboard.type(words);
  await page.getByRole('option').first().waitFor();
  await page.keyboard.press('Enter');
  await focused(item(page, name));
}

/** The text of the chosen Transform step, from the outline and back to it. */
async function write(page, text) {
  await page.keyboard.press('Enter');
  await focused(page.getByRole('button', { name: 'Value: set a value' }));
  await page.keyboard.press('Enter');
  await focused(page.getByLabel('Value: kind'));
  const field = page.getByRole('tabpanel').getByRole('textbox', { name: 'Value', exact: true });
  await tabTo(page, field);
  await page.keyboard.type(text);
  await page.keyboard.press('Escape'); // the suggestions
  if (await field.evaluate((element) => element === document.activeElement)) await page.keyboard.press('Escape');
}

await stories({
  'a workflow is built, tried, published and its run is seen, without a mouse': async ({ page }) => {
    const { draft } = await opened(page, null);
    await page.keyboard.press('o');
    await page.getByRole('tree', { name: 'Steps' }).waitFor();
    await addStep(page, 'transform', /^Transform data/);
    await write(page, 'Hello {{ trigger.body.name ?? "you" }}');
    await focused(item(page, /^Transform data/));
    await addStep(page, 'transform', /^Transform data 2/);
    await write(page, '{{ $uppercase(nodes.transform_data) }}');
    await focused(item(page, /^Transform data 2/));
    await addStep(page, 'wait', /^Wait/);
    await page.keyboard.press('Enter');
    await focused(page.getByRole('spinbutton', { name: /seconds/i }));
    await page.keyboard.type('0');
    await page.keyboard.press('Escape');
    await focused(item(page, /^Wait/));
    await page.keyboard.press('Home');
    await page.keyboard.press('c');
    const dialog = page.getByRole('dialog');
    await tabTo(page, dialog.getByRole('button', { name: /Wait/ }).first());
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await saved(page);
    const { definition } = await draft();
    assert.deepEqual(definition.edges, [
      { from: 'transform_data', to: 'transform_data_2' },
      { from: 'transform_data_2', to: 'wait' },
      { from: 'transform_data', to: 'wait' },
    ]);
    await accessible(page, 'a workflow that was built with keys');

    await page.keyboard.press('Control+Enter');
    await focused(dialog.getByRole('button', { name: 'Run', exact: true }));
    await page.keyboard.press('Enter');
    await ran(page);
    await dialog.waitFor({ state: 'detached' });

    await page.keyboard.press('p');
    await dialog.getByRole('button', { name: 'Publish' }).waitFor();
    await tabTo(page, dialog.getByRole('button', { name: 'Publish' }));
    await page.keyboard.press('Enter');
    await page.getByText('Version 1 is published').waitFor();
    await dialog.waitFor({ state: 'detached' });

    await page.keyboard.press('g');
    await page.keyboard.press('r');
    await page.getByRole('heading', { name: 'Runs', level: 1 }).waitFor();
    await tabTo(page, page.getByRole('main').getByRole('link', { name: 'Greeting' }).first());
    await page.keyboard.press('Enter');
    await page.locator('main header').getByText('Succeeded').waitFor();
  },
});
