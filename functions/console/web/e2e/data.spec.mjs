/** Files: what workflows keep is looked at, brought in, taken out and deleted. */
import { accessible, assert, NARROW, signIn, stories } from './support.mjs';

const csv = (text) => ({ name: 'prices.csv', mimeType: 'text/csv', buffer: Buffer.from(text) });

await stories({
  'a file is brought in, found in its folder, taken out, and deleted': async ({ page, person, call }) => {
    const { url, headers } = await call('POST', '/api/files/upload', { name: 'reports/2026/june.txt', bytes: 4 });
    await fetch(url, { method: 'PUT', headers, body: 'june' });
    await signIn(page, person, '/files');
    await page.getByLabel('Files to upload').setInputFiles(csv('key,price\nA-17,120\n'));
    await page.getByRole('button', { name: 'prices.csv', exact: true }).waitFor();
    await accessible(page, 'files');
    const [taken] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download prices.csv' }).click()]);
    assert.equal(taken.suggestedFilename(), 'prices.csv');

    await page.setViewportSize(NARROW);
    await page.getByRole('link', { name: 'reports' }).click();
    await page.getByRole('link', { name: '2026' }).click();
    await page.getByRole('button', { name: 'Delete reports/2026/june.txt' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('This folder is empty').waitFor();
    assert.deepEqual((await call('GET', '/api/files')).items.map(({ name }) => name), ['prices.csv']);
  },
});
