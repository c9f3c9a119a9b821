/** Test runs: to a step, of one step, with pins; through loops; with a run's data; from what a trigger got. */
import { accessible, assert, signIn, newPerson, stories } from './support.mjs';
import { card, CHAIN, changed, chooseForStep, editing, opened, output, ran, saved, testRun } from './editing.mjs';

const LOOP = {
  nodes: [
    {
      id: 'each',
      type: 'for_each',
      config: { items: ['red', 'green'] },
      body: { nodes: [{ id: 'shout', type: 'transform', config: { value: '{{ $uppercase(item) }}' } }] },
    },
  ],
};

async function ended(call, id) {
  for (let look = 0; look < 240; look += 1) {
    const run = await call('GET', `/api/executions/${id}`);
    if (run.completed_at) return run;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error('it does not end');
}

await stories({
  'a run to a step, of one step alone, and of a pinned one': async ({ page }) => {
    await opened(page);
    await card(page, 'greet').click();
    await chooseForStep(page, 'Run to here');
    await ran(page);
    const skipped = await output(page, 'shout');
    await skipped.getByText('Skipped').waitFor();
    assert.equal(await skipped.getByRole('button', { name: /^Pin/ }).count(), 0);

    await (await output(page, 'greet')).getByRole('button', { name: 'Pin this output' }).click();
    await saved(page);
    await page.getByRole('button', { name: 'Hide the run' }).click();
    await card(page, 'shout').click();
    await chooseForStep(page, 'Run only this step');
    await ran(page);
    await (await output(page, 'shout')).getByText('HELLO YOU').waitFor();
  },

  'what is pinned is renamed with its step': async ({ page }) => {
    const { draft } = await opened(page);
    await (await output(page, 'greet')).getByRole('button', { name: 'Pin an example' }).click();
    await page.getByLabel('Id of the step').fill('welcome');
    await page.keyboard.press('Enter');
    await changed(page);
    assert.deepEqual(Object.keys((await draft()).definition.ui.pins), ['welcome']);
  },

  'the iterations of a loop are gone through on the canvas': async ({ page }) => {
    await opened(page, LOOP);
    await testRun(page);
    await page.getByRole('button', { name: 'Open the loop each' }).click();
    const panel = await output(page, 'shout');
    await panel.getByText('RED').waitFor();
    await panel.getByText('$uppercase').waitFor({ state: 'detached' }); // what it was given is evaluated
    await page.locator('.react-flow').getByRole('button', { name: 'Next iteration' }).click();
    await panel.getByText('GREEN').first().waitFor();
    await panel.getByText('RED').waitFor({ state: 'detached' });
    await accessible(page, 'the editor with an iteration of a loop');
  },

  'a run is opened in the editor with its data, which stays until it is taken away': async ({ page }) => {
    const ada = await newPerson();
    const made = await ada.call('POST', '/api/workflows', { name: 'Greeting', definition: CHAIN });
    const run = await ada.call('POST', '/api/executions', { workflow_id: made.id, input: { name: 'Ada' } });
    await ended(ada.call, run.id);
    await signIn(page, ada, `/runs/${run.id}`);
    await page.getByRole('link', { name: 'Open in the editor' }).click();
    await editing(page);
    await page.getByText('What its steps gave is pinned').waitFor();
    await saved(page);
    assert.equal(new URL(page.url()).search, '');
    const { ui } = (await ada.call('GET', `/api/workflows/${made.id}/draft`)).definition;
    assert.deepEqual([ui.testInput, ui.pins.greet.output, ui.pins.shout.output], [{ name: 'Ada' }, 'Hello Ada', 'HELLO ADA']);

    await (await output(page, 'shout')).getByRole('button', { name: 'Take the pin away' }).click();
    await changed(page);
    const started = page.waitForResponse((answer) => answer.request().method() === 'POST' && answer.url().endsWith('/api/executions'));
    await testRun(page);
    const tried = await ended(ada.call, (await (await started).json()).id);
    assert.deepEqual(tried.nodes.map(({ id, pinned }) => [id, pinned]), [['greet', true], ['shout', false]]);
    assert.deepEqual(tried.result, { shout: 'HELLO ADA' });
  },

  'a test run begins with what a webhook got last, or an example; its address is there from the beginning': async ({ page }) => {
    const { ada, id } = await opened(page);
    await page.getByRole('button', { name: 'Add trigger' }).click();
    await page.getByRole('dialog').getByPlaceholder('Search').fill('webhook');
    await page.keyboard.press('Enter');
    const address = await page.getByRole('textbox', { name: 'Address' }).inputValue();
    assert.match(address, /\/hooks\/\S{48}$/);
    await page.getByText('until then it answers 404').waitFor();
    await accessible(page, 'a webhook that is not published');
    await saved(page);
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click();
    await page.getByText('Version 2 is published').waitFor();
    await ada.call('POST', `/api/workflows/${id}/activate`);
    const answer = await fetch(address, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name": "Bob"}' });
    assert.equal(answer.status, 202);

    for (const [begin, said] of [['What webhook got last', 'HELLO BOB'], ['An example of webhook', 'HELLO YOU']]) {
      await page.getByRole('button', { name: 'Test run' }).click();
      await page.getByLabel('Begin with').selectOption({ label: begin });
      await page.getByRole('dialog').getByRole('button', { name: 'Run', exact: true }).click();
      await ran(page);
      await (await output(page, 'shout')).getByText(said).first().waitFor();
      await page.getByRole('button', { name: 'Hide the run' }).click();
    }
  },
});
