/** Runs and approvals: found, looked into, answered, and what came of it. */
import { accessible, assert, go, NARROW, signIn, stories } from './support.mjs';

const DEFINITION = {
  nodes: [
    { id: 'each', type: 'for_each', name: 'For each order', config: { items: [120, 4500] }, body: { nodes: [{ id: 'tax', type: 'transform', name: 'Add tax', config: { value: '{{ item * 2 }}' } }] } },
    { id: 'ask', type: 'approval', name: 'Ask finance', config: { message: 'Pay invoice {{ trigger.body.number }}?' } },
    { id: 'book', type: 'transform', name: 'Book it', config: { value: { booked: true } } },
  ],
  edges: [
    { from: 'each', to: 'ask' },
    { from: 'ask', port: 'approved', to: 'book' },
  ],
};

async function waitingRun(call, definition = DEFINITION) {
  const workflow = await call('POST', '/api/workflows', { name: 'Pay invoices', definition });
  const run = await call('POST', '/api/executions', { workflow_id: workflow.id, input: { number: 17 } });
  for (let look = 0; look < 120; look += 1) {
    if ((await call('GET', `/api/executions/${run.id}`)).status === 'waiting') return run;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error('it does not wait');
}

await stories({
  'an empty list says what will be here': async ({ page, person }) => {
    await signIn(page, person, '/runs');
    await page.getByText('Nothing has run yet').waitFor();
    await accessible(page, 'no runs');
  },

  'whoever may not answer an approval sees who may': async ({ page, person, call }) => {
    const { nodes } = DEFINITION;
    const ask = { ...nodes[1], config: { message: 'Pay?', approvers: ['finance@example.com'] } };
    const run = await waitingRun(call, { nodes: [ask] });
    await signIn(page, person, `/runs/${run.id}?node=ask`);
    await page.getByText('It is up to finance@example.com.').waitFor();
    await go(page, '/approvals?show=all');
    await page.getByRole('link', { name: /Pay\?/ }).click();
    await page.getByText('It is up to finance@example.com.').waitFor();
    await accessible(page, 'an approval for others');
    assert.equal(await page.getByRole('button', { name: 'Approve' }).count(), 0);
  },

  'a run is found by its filters, looked into, and approved on a phone': async ({ page, person, call }) => {
    const run = await waitingRun(call);
    await signIn(page, person, '/runs?status=waiting');
    await page.getByRole('link', { name: 'Pay invoices' }).click();
    await page.getByRole('tab', { name: 'Steps' }).click();
    await page.getByRole('button', { name: /Add tax/ }).waitFor();
    await accessible(page, 'a run');

    await page.setViewportSize(NARROW);
    await go(page, '/approvals');
    await page.getByRole('link', { name: /Pay invoice 17/ }).click();
    await page.getByLabel('Comment').waitFor();
    await accessible(page, 'an approval');
    await page.getByLabel('Comment').fill('as agreed');
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByText('Nothing waits for a decision').waitFor();

    for (let look = 0; look < 120 && (await call('GET', `/api/executions/${run.id}`)).status !== 'succeeded'; look += 1)
      await new Promise((resolve) => setTimeout(resolve, 500));
    await go(page, `/runs/${run.id}`);
    await page.locator('main header').getByText('Succeeded').waitFor();
    const ended = await call('GET', `/api/executions/${run.id}`);
    assert.equal(ended.nodes.find(({ id }) => id === 'ask').output.comment, 'as agreed');
  },
});
