/** Signing in, staying signed in, in two tabs, and signing in again without losing what was typed. */
import { accessible, asAdministrator, assert, consoleUrl, newPerson, PASSWORD, signIn, stories } from './support.mjs';

const REFUSED = /status of 401/;

async function cookies(context) {
  return (await context.cookies()).filter(({ name }) => name.startsWith('mainspring_'));
}

await stories({
  'a wrong password is told, and the right one leads to where the address points': async ({ page, person, expect }) => {
    expect(REFUSED);
    await page.goto(`${consoleUrl}/settings`);
    await accessible(page, 'sign-in');
    await page.getByLabel('E-mail address').fill(person.email);
    await page.getByLabel('Password').fill('not this one');
    await page.keyboard.press('Enter');
    await page.getByText('The e-mail address or the password is wrong.').waitFor();
    await page.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
  },

  'the session outlives the page, is in a cookie that no script reads, and ends with signing out': async ({ page, context, person }) => {
    await signIn(page, person, '/settings');
    const [cookie] = await cookies(context);
    assert.deepEqual([cookie.httpOnly, cookie.secure, cookie.sameSite], [true, true, 'Strict']);
    assert.equal(await page.evaluate(() => document.cookie), '');
    const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
    assert.doesNotMatch(stored, /eyJ/);

    await page.reload();
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
    await page.getByRole('main').getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.deepEqual(await cookies(context), []);
  },

  'two tabs that refresh at once keep the session': async ({ page, context, person }) => {
    await signIn(page, person, '/settings');
    const second = await context.newPage();
    await second.goto(`${consoleUrl}/settings`);
    for (let round = 0; round < 3; round += 1) {
      await Promise.all([page.reload(), second.reload()]);
      for (const tab of [page, second]) await tab.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
    }
    // Also where the browser has no locks: the server takes the token twice, and gives the same new one.
    const both = await page.evaluate(async (url) => {
      const refresh = () =>
        fetch(`${url}/api/auth/refresh?session=cookie`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-mainspring-console': '1' },
          body: '{}',
        });
      return (await Promise.all([refresh(), refresh(), refresh()])).map(({ status }) => status);
    }, consoleUrl.replace(/\/console$/, ''));
    assert.deepEqual(both, [200, 200, 200]);
    await page.reload();
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
  },

  'a session that ends while somebody types costs them nothing': async ({ page, expect }) => {
    expect(REFUSED);
    const person = await newPerson('Grace Hopper', { isAdmin: true });
    const administrator = await asAdministrator();
    await signIn(page, person, '/settings?tab=users');
    await page.getByRole('button', { name: 'Add a user' }).click();
    const form = page.getByRole('dialog', { name: 'Add a user' });
    const email = `typed-${Date.now().toString(36)}@example.com`;
    await form.getByLabel('Name').fill('Typed before');
    await form.getByLabel('E-mail address').fill(email);
    await form.getByLabel('Password').fill(PASSWORD);
    await administrator('POST', `/api/users/${person.id}/deactivate`);
    await form.getByRole('button', { name: 'Add', exact: true }).click();
    const again = page.getByRole('dialog', { name: 'Your session has ended' });
    await again.waitFor();
    await administrator('POST', `/api/users/${person.id}/activate`);
    await accessible(page, 'signing in again');
    assert.equal(await again.getByLabel('E-mail address').inputValue(), person.email);
    await again.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByText(`${email} can sign in now`).waitFor();
  },

  'signing out in one tab signs out the other': async ({ page, context, person }) => {
    await signIn(page, person, '/settings');
    const second = await context.newPage();
    await second.goto(`${consoleUrl}/settings`);
    await second.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
    await page.getByRole('main').getByRole('button', { name: 'Sign out' }).click();
    await second.getByRole('heading', { name: 'Sign in' }).waitFor();
  },
});
