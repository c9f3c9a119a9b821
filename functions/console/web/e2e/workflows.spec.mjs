/** The list of workflows: made, found, copied, carried out and in, deleted. */
import { readFile } from 'node:fs/promises';

import { accessible, assert, newPerson, signIn, stories } from './support.mjs';

const DEFINITION = {
  nodes: [
    { id: 'first', type: 'transform', config: { value: 'Hello {{ trigger.body.name }}' } },
    { id: 'second', type: 'transform', config: { value: '{{ nodes.first }}!' } },
  ],
  edges: [{ from: 'first', to: 'second' }],
};

const row = (page, name) => page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });

await stories({
  'an empty workspace leads to a first workflow, with keys alone': async ({ page }) => {
    await signIn(page, await newPerson(), '/workflows');
    await page.getByText('Your first workflow').waitFor();
    await accessible(page, 'the empty list of workflows');
    await page.getByRole('button', { name: 'New workflow' }).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.type('Approve invoices');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Approve invoices' }).waitFor();
    await page.getByRole('button', { name: 'Add the first step' }).waitFor();
  },

  'workflows are found by words and by state': async ({ page }) => {
    const ada = await newPerson();
    await ada.call('POST', '/api/workflows', { name: 'Invoices', definition: DEFINITION });
    await ada.call('POST', '/api/workflows', { name: 'Orders', definition: DEFINITION });
    await signIn(page, ada, '/workflows');
    await row(page, 'Orders').waitFor();
    await accessible(page, 'the list of workflows');
    await page.getByLabel('Search workflows').fill('invoi');
    await row(page, 'Orders').waitFor({ state: 'detached' });
    await row(page, 'Invoices').waitFor();
    assert.match(page.url(), /q=invoi/);
    await page.getByLabel('Search workflows').fill('nothing like it');
    await page.getByText('No workflow fits that').waitFor();
  },

  'a workflow is copied, carried out, in again, and deleted': async ({ page }) => {
    const ada = await newPerson();
    await ada.call('POST', '/api/workflows', { name: 'Invoices', definition: DEFINITION });
    await signIn(page, ada, '/workflows');
    await page.getByRole('button', { name: 'Actions for Invoices' }).click();
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'Export' }).click()]);
    const written = JSON.parse(await readFile(await file.path(), 'utf8'));
    assert.deepEqual(written.definition.edges, DEFINITION.edges);

    await page.getByRole('button', { name: 'Actions for Invoices' }).click();
    await page.getByRole('menuitem', { name: 'Duplicate' }).click();
    await page.getByRole('heading', { name: 'Invoices, copy' }).waitFor();
    await page.getByRole('link', { name: 'All workflows' }).click();
    await row(page, 'Invoices, copy').waitFor();

    await page.getByRole('button', { name: 'Import' }).click();
    await page.getByLabel('Or paste it here').fill(JSON.stringify({ ...written, name: 'From a file' }));
    await page.getByRole('dialog').getByRole('button', { name: 'Import' }).click();
    await page.getByRole('heading', { name: 'From a file' }).waitFor();
    await page.getByRole('link', { name: 'All workflows' }).click();

    await page.getByRole('button', { name: 'Actions for From a file' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await row(page, 'From a file').waitFor({ state: 'detached' });
  },
});
