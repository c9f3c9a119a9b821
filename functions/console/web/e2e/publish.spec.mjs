/** Test runs with their states on the canvas, pins, publishing, conflicts by step, versions. */
import { accessible, assert, stories } from './support.mjs';
import { card, CHAIN, changed, opened, output, saved, testRun } from './editing.mjs';

async function named(page, step, name) {
  await card(page, step).click();
  await page.getByLabel('Name of the step').fill(name);
  await changed(page);
}

await stories({
  'a test run shows on the canvas what each step gave, and a pin stands in for a step': async ({ page }) => {
    const { get } = await opened(page);
    await testRun(page);
    await (await output(page, 'shout')).getByText('HELLO YOU').waitFor();
    await accessible(page, 'the editor with a run');
    await output(page, 'greet');
    await page.getByRole('button', { name: 'Pin this output' }).click();
    await saved(page);
    assert.equal((await get()).version, 1);
  },

  'what is drawn runs for others only once it is published': async ({ page }) => {
    const { get } = await opened(page);
    await named(page, 'shout', 'Loud');
    assert.equal((await get()).definition.nodes[1].name, undefined);
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByRole('dialog').getByText('Loud').first().waitFor();
    await accessible(page, 'publishing');
    await page.getByLabel('Message').fill('It has a name now');
    await page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click();
    await page.getByText('Version 2 is published').waitFor();
    assert.equal((await get()).published_version, 2);
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Versions' }).click();
    await page.getByText('It has a name now').waitFor();
    await page.getByRole('button', { name: /^Version 1/ }).click();
    await page.getByRole('button', { name: 'Bring back into the draft' }).click();
    await card(page, 'Loud').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await card(page, 'Loud').waitFor();

    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Versions' }).click();
    await page.getByRole('button', { name: /^Version 1/ }).click();
    await page.getByRole('button', { name: 'Publish this version' }).click();
    const question = page.getByRole('dialog', { name: 'Publish version 1?' });
    await question.getByText('What changes, compared with version 2').waitFor();
    await question.getByText('shout').first().waitFor();
    await accessible(page, 'publishing an earlier version');
    await question.getByLabel('Message').fill('Too loud');
    await question.getByRole('button', { name: 'Publish' }).click();
    await page.getByText('Version 1 is published').waitFor();
    const { version, published_version } = await get();
    assert.deepEqual([version, published_version], [2, 1]);
  },

  'a conflict is decided by step, and nothing of either is lost': async ({ page, expect }) => {
    expect(/412/); // publishing says that somebody else was first
    const { ada, id, get } = await opened(page);
    await named(page, 'shout', 'Mine');
    const [greet, shout] = CHAIN.nodes;
    const theirs = { ...CHAIN, nodes: [{ ...greet, name: 'Theirs too' }, { ...shout, name: 'Theirs' }] };
    await ada.call('PUT', `/api/workflows/${id}`, { definition: theirs, publish: true }, { 'if-match': '*' });
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click();
    await page.getByRole('group', { name: /shout/ }).getByLabel('Mine').check();
    await page.getByRole('button', { name: 'Merge and publish' }).click();
    await page.getByText('Version 3 is published').waitFor();
    assert.deepEqual((await get()).definition.nodes.map((node) => node.name), ['Theirs too', 'Mine']);
  },
});
