/** An empty workspace: a first workflow that has run, with a click; and then the dashboard and the help. */
import { accessible, go, signIn, stories } from './support.mjs';

await stories({
  'who has nothing is led to a first workflow that has run': async ({ page, person }) => {
    await signIn(page, person, '/dashboard');
    await page.getByRole('heading', { name: 'Welcome, Ada' }).waitFor();
    await accessible(page, 'getting started');
    await page.getByRole('button', { name: 'Make it and run it' }).click();
    await page.waitForURL(/\/runs\/[\w-]+$/);
    await page.getByText('Succeeded').first().waitFor();
    await go(page, '/dashboard');
    await page.getByRole('heading', { name: 'By workflow' }).waitFor();
    await accessible(page, 'dashboard');
  },

  'the help is searched, and a page of it read': async ({ page, person }) => {
    await signIn(page, person, '/help');
    await page.getByLabel('Search the help').fill('http');
    await page.getByRole('main').getByRole('link', { name: /HTTP/ }).first().click();
    await page.waitForURL(/\/help\/.+/);
    await page.getByRole('table').first().waitFor();
    await accessible(page, 'a page of the help');
  },
});
