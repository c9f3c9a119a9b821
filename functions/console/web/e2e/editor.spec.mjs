/** The editor: by mouse, undone and done again, copied and pasted, in two tabs, on a phone. */
import { accessible, assert, NARROW, stories } from './support.mjs';
import { add, card, CHAIN, changed, opened, output, ran, saved } from './editing.mjs';

await stories({
  'a workflow is drawn by mouse, tried, and undone': async ({ page }) => {
    const { draft } = await opened(page, null);
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

  'everything is undone and done again: a name, a rename with its references, a connection, a pin, the workflow': async ({ page }) => {
    const { draft } = await opened(page, { ...CHAIN, vars: { limit: 1 } });
    const states = [];
    const done = async () => {
      await changed(page);
      states.push((await draft()).definition);
    };
    await card(page, 'greet').click();
    await page.getByLabel('Name of the step').fill('Say hello');
    await done();
    await page.getByLabel('Id of the step').fill('welcome');
    await page.keyboard.press('Enter');
    await done();
    assert.deepEqual(states[1].edges, [{ from: 'welcome', to: 'shout' }]);
    assert.equal(states[1].nodes[1].config.value, '{{ $uppercase(nodes.welcome) }}');
    await (await output(page, 'Say hello')).getByRole('button', { name: 'Pin an example' }).click();
    await done();
    await card(page, 'shout').click();
    await page.getByRole('button', { name: 'More for this step' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await done();
    assert.deepEqual(states[3].edges, []);

    for (const state of [...states.slice(0, -1).reverse(), null]) {
      await page.getByRole('button', { name: 'Undo' }).click();
      await changed(page);
      const { definition } = await draft();
      if (state) assert.deepEqual(definition, state);
      else assert.deepEqual(definition.nodes, CHAIN.nodes);
    }
    for (const state of states) {
      await page.getByRole('button', { name: 'Redo' }).click();
      await changed(page);
      assert.deepEqual((await draft()).definition, state);
    }
  },

  'steps are copied and pasted as JSON, with what they say of each other': async ({ page }) => {
    const { draft } = await opened(page);
    await card(page, 'greet').click();
    await card(page, 'shout').click({ modifiers: ['Control'] });
    await page.keyboard.press('Control+c');
    const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    assert.deepEqual(copied, CHAIN);
    await page.keyboard.press('Control+v');
    await changed(page);
    const { nodes, edges } = (await draft()).definition;
    assert.deepEqual(nodes.map(({ id }) => id), ['greet', 'shout', 'greet_2', 'shout_2']);
    assert.equal(nodes[3].config.value, '{{ $uppercase(nodes.greet_2) }}');
    assert.deepEqual(edges[1], { from: 'greet_2', to: 'shout_2' });
    await page.keyboard.press('Control+x');
    await card(page, 'greet_2').waitFor({ state: 'detached' });
    await changed(page);
    assert.deepEqual((await draft()).definition.nodes, CHAIN.nodes);
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

  'a step is edited, tried and published on a phone': async ({ page }) => {
    await page.setViewportSize(NARROW);
    const { get } = await opened(page);
    await card(page, 'shout').click();
    await page.getByLabel('Name of the step').fill('Loud');
    const field = page.getByRole('tabpanel').getByRole('textbox').first();
    await field.fill('{{ nodes.greet & "!" }}');
    await page.keyboard.press('Escape');
    await accessible(page, 'the settings of a step');
    await page.getByRole('button', { name: 'Close' }).click();
    await card(page, 'Loud').waitFor();
    await saved(page);
    await page.getByRole('button', { name: 'Test run' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Run', exact: true }).click();
    await ran(page);
    await (await output(page, 'Loud')).getByText('Hello you!').waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click();
    await page.getByText('Version 2 is published').waitFor();
    assert.equal((await get()).definition.nodes[1].config.value, '{{ nodes.greet & "!" }}');
  },
});
