/** What the specs of the editor share. */
import { newPerson, signIn } from './support.mjs';

export const CHAIN = {
  nodes: [
    { id: 'greet', type: 'transform', config: { value: 'Hello {{ trigger.body.name ?? "you" }}' } },
    { id: 'shout', type: 'transform', config: { value: '{{ $uppercase(nodes.greet) }}' } },
  ],
  edges: [{ from: 'greet', to: 'shout' }],
};

/** A new person's workflow, open in the editor: what it is, and its draft, as the API has them. */
export async function opened(page, definition = CHAIN, name = 'Greeting') {
  const ada = await newPerson();
  const made = await ada.call('POST', '/api/workflows', { name, ...(definition ? { definition } : {}) });
  await signIn(page, ada, `/workflows/${made.id}`);
  await editing(page, name);
  const path = `/api/workflows/${made.id}`;
  return { ada, id: made.id, get: () => ada.call('GET', path), draft: () => ada.call('GET', `${path}/draft`) };
}

export const editing = (page, name = 'Greeting') => page.getByRole('heading', { name, level: 1 }).waitFor();

export const saved = (page) => page.locator('[data-save=saved]').waitFor();

/** Wait until a change is noticed, and then saved. */
export async function changed(page) {
  await page.locator('[data-save=unsaved], [data-save=saving]').first().waitFor();
  await saved(page);
}

export const card = (page, name) => page.locator('.react-flow__node').filter({ has: page.getByText(name, { exact: true }) }).first();

/** Choose the first of what the palette finds. */
export async function add(page, words) {
  await page.getByRole('dialog').getByPlaceholder('Search').fill(words);
  await page.getByRole('option').first().waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

/** Start a test run with what the dialog shows, and wait for its end. */
export async function testRun(page) {
  await page.getByRole('button', { name: 'Test run' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Run', exact: true }).click();
  await ran(page);
}

export const ran = (page, status = 'succeeded') => page.locator(`[data-run=${status}]`).waitFor();

/** The output of a step, in the panel beside the canvas. */
export async function output(page, name) {
  await card(page, name).click();
  await page.getByRole('tab', { name: 'Output' }).click();
  return page.getByRole('tabpanel');
}

/** What the menu of the chosen step offers. */
export async function chooseForStep(page, item) {
  await page.getByRole('button', { name: 'More for this step' }).click();
  await page.getByRole('menuitem', { name: item }).click();
}
