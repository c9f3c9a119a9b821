/** The editor: by mouse, by keys alone, on a phone; nothing that was typed is lost. */
import { accessible, assert, NARROW, newPerson, signIn, stories } from './support.mjs';

const CHAIN = {
  nodes: [
    { id: 'greet', type: 'transform', config: { value: 'Hello {{ trigger.body.name }}' } },
    { id: 'shout', type: 'transform', config: { value: '{{ $uppercase(nodes.greet) }}' } },
  ],
  edges: [{ from: 'greet', to: 'shout' }],
};

async function opened(page, definition) {
  const ada = await newPerson();
  const made = await ada.call('POST', '/api/workflows', { name: 'Greeting', ...(definition ? { definition } : {}) });
  await signIn(page, ada, `/workflows/${made.id}`);
  await page.getByRole('heading', { name: 'Greeting', level: 1 }).waitFor();
  const draft = () => ada.call('GET', `/api/workflows/${made.id}/draft`);
  return { ada, id: made.id, draft };
}

const saved = (page) => page.locator('[data-save=saved]').waitFor();
const card = (page, name) => page.locator('.react-flow__node').filter({ has: page.getByText(name, { exact: true }) }).first();

async function add(page, words) {
  await page.getByRole('dialog').getByPlaceholder('Search').fill(words);
  await page.getByRole('option').first().waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

await stories({
  'a workflow is drawn by mouse, tried, and undone': async ({ page }) => {
    const { draft } = await opened(page);
    await page.getByRole('button', { name: 'Add the first step' }).click();
    await add(page, 'transform');
    await page.getByRole('button', { name: 'Add step' }).click();
    await add(page, 'wait');
    await page.getByRole('spinbutton', { name: /seconds/i }).fill('0');
    await page.getByRole('button', { name: /^Insert a step between/ }).click();
    await add(page, 'if');
    await saved(page);
    const { definition } = await draft();
    assert.deepEqual(definition.edges, [
      { from: 'transform_data', to: 'if' },
      { from: 'if', port: 'true', to: 'wait' },
    ]);
    await accessible(page, 'the editor with a step');
    await page.getByRole('button', { name: 'Undo' }).click();
    await card(page, 'If').waitFor({ state: 'detached' });
    await saved(page);
    assert.deepEqual((await draft()).definition.edges, [{ from: 'transform_data', to: 'wait' }]);
  },

  'all of it goes with keys alone, in the outline': async ({ page }) => {
    const { draft } = await opened(page, CHAIN);
    await page.getByRole('button', { name: 'Outline' }).focus();
    await page.keyboard.press('Enter');
    const tree = page.getByRole('tree', { name: 'Steps' });
    await tree.getByRole('treeitem').first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('/');
    await add(page, 'wait');
    await saved(page);
    assert.deepEqual((await draft()).definition.edges, [...CHAIN.edges, { from: 'shout', to: 'wait' }]);
    await page.getByRole('treeitem', { name: /^Wait/ }).focus();
    await page.keyboard.press('Delete');
    await page.getByRole('treeitem', { name: /^Wait/ }).waitFor({ state: 'detached' });
    await page.keyboard.press('Control+z');
    await page.getByRole('treeitem', { name: /^Wait/ }).waitFor();
    await accessible(page, 'the editor with its outline');
  },

  'an id that is renamed is renamed in all that refers to it': async ({ page }) => {
    const { draft } = await opened(page, CHAIN);
    await card(page, 'greet').click();
    await page.getByLabel('Id of the step').fill('welcome');
    await page.keyboard.press('Enter');
    await page.locator('[data-save=unsaved], [data-save=saving]').first().waitFor();
    await saved(page);
    const { definition } = await draft();
    assert.deepEqual(definition.edges, [{ from: 'welcome', to: 'shout' }]);
    assert.equal(definition.nodes[1].config.value, '{{ $uppercase(nodes.welcome) }}');
  },

  'nothing that was typed is lost with the tab': async ({ page, expect }) => {
    expect(/ERR_FAILED/); // the server cannot be reached
    const { draft } = await opened(page, CHAIN);
    await card(page, 'greet').click();
    await page.route('**/draft', (route) => (route.request().method() === 'PUT' ? route.abort() : route.fallback()));
    await page.getByLabel('Name of the step').fill('A name that is not saved');
    await page.locator('[data-save=retrying]').waitFor();
    await page.unroute('**/draft');
    await page.reload();
    await card(page, 'A name that is not saved').waitFor();
    await saved(page);
    assert.equal((await draft()).definition.nodes[0].name, 'A name that is not saved');
  },

  'two tabs come together': async ({ page, context, expect }) => {
    expect(/412/); // the second one to save finds out
    const { draft } = await opened(page, CHAIN);
    const other = await context.newPage();
    await other.goto(page.url());
    await card(other, 'shout').click();
    await card(page, 'greet').click();
    await other.getByLabel('Name of the step').fill('From the other tab');
    await saved(other);
    await other.waitForTimeout(1500);
    await page.getByLabel('Name of the step').fill('From this tab');
    await card(page, 'From the other tab').waitFor();
    await saved(page);
    assert.deepEqual((await draft()).definition.nodes.map((node) => node.name), ['From this tab', 'From the other tab']);
  },

  'it works on a phone': async ({ page }) => {
    await page.setViewportSize(NARROW);
    await opened(page, CHAIN);
    await card(page, 'shout').click();
    await page.getByLabel('Name of the step').fill('Loud');
    await saved(page);
    await page.getByRole('button', { name: 'Close' }).click();
    await card(page, 'Loud').waitFor();
  },
});
