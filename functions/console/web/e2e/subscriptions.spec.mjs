/** Who is told when runs end: added, tried, looked into, turned off. */
import { createServer } from 'node:http';
import { during } from './servers.mjs';
import { accessible, NARROW, signIn, stories } from './support.mjs';

await stories({
  'who is told when runs end gets a message that is seen with its attempts': async ({ page, person }) => {
    const server = createServer((request, response) => request.resume().on('end', () => response.writeHead(503).end('busy')));
    await during(server, async (port) => {
      await signIn(page, person, '/subscriptions');
      await page.getByRole('button', { name: 'New subscription' }).click();
      await page.getByLabel('Address').fill(`http://127.0.0.1:${port}/told`);
      await page.getByLabel('Description').fill('The ticket system');
      await page.getByLabel('A run succeeded').check();
      await accessible(page, 'the form of a subscription');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('Keep this secret now').waitFor();
      await page.getByRole('button', { name: 'I have kept it' }).click();
      await page.getByRole('link', { name: 'The ticket system' }).click();
      await page.getByRole('button', { name: 'Send a test' }).click();
      await page.getByRole('button', { name: 'ping' }).click();
      await page.getByRole('list', { name: 'Attempts' }).getByRole('listitem').first().waitFor();
      await accessible(page, 'a delivery');
      await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
      await accessible(page, 'a subscription');
      await page.setViewportSize(NARROW);
      await page.getByLabel('Send messages').click();
      await page.getByText('Off', { exact: true }).waitFor();
    });
  },
});
