/** API keys and sessions: made, shown once, rotated, revoked; a password is changed, and set again with a link. */
import { accessible, apiUrl, asAdministrator, assert, caller, consoleUrl, NARROW, PASSWORD, signIn, stories } from './support.mjs';

async function statusOf(key, path = '/api/workflows') {
  return (await fetch(`${apiUrl}${path}`, { headers: { authorization: `Bearer ${key}` } })).status;
}

async function shownKey(page) {
  const dialog = page.getByRole('dialog', { name: 'Your key' });
  const key = await dialog.getByLabel('API key').inputValue();
  await dialog.getByRole('button', { name: 'I have it' }).click();
  await dialog.waitFor({ state: 'detached' });
  return key;
}

await stories({
  'a service account gets a key, which is used, rotated without a gap, and revoked': async ({ page, person, call }) => {
    await signIn(page, person, '/settings?tab=keys');
    await page.getByRole('button', { name: 'Add a service account' }).click();
    const adds = page.getByRole('dialog', { name: 'Add a service account' });
    await adds.getByLabel('Name').fill('Deploy');
    await adds.getByLabel('Role').selectOption('editor');
    await adds.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByRole('region', { name: 'Service accounts' }).getByText('Deploy').waitFor();

    await page.getByRole('button', { name: 'Make a key' }).click();
    const makes = page.getByRole('dialog', { name: 'Make a key' });
    await makes.getByLabel('What it is for').fill('CI');
    await makes.getByLabel('Owner').selectOption({ label: 'Deploy' });
    await makes.getByLabel('Change workflows, drafts, files and tables').click();
    await accessible(page, 'making a key');
    await makes.getByRole('button', { name: 'Make a key' }).click();
    const first = await shownKey(page);
    assert.match(first, /^ms_s[0-9A-Za-z]{65}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/);
    assert.equal(await statusOf(first), 200);
    const [made] = (await call('GET', '/api/keys')).items;
    assert.deepEqual(made.permissions, ['read', 'execute', 'edit']);
    await accessible(page, 'API keys');

    await page.getByRole('button', { name: 'Actions for CI' }).click();
    await page.getByRole('menuitem', { name: 'Rotate' }).click();
    await page.getByRole('dialog', { name: 'Rotate CI' }).getByRole('button', { name: 'Rotate' }).click();
    const second = await shownKey(page);
    assert.deepEqual([await statusOf(first), await statusOf(second)], [200, 200]);

    await page.setViewportSize(NARROW);
    await page.getByRole('button', { name: 'Actions for CI' }).click();
    await page.getByRole('menuitem', { name: 'Revoke' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('There is none yet.', { exact: false }).waitFor();
    assert.deepEqual([await statusOf(first), await statusOf(second)], [401, 401]);
  },

  'a new password ends the other sessions, and who forgot it gets a link': async ({ page, person, call, expect }) => {
    expect(/status of (401|403|422)/);
    await signIn(page, person, '/settings?tab=security');
    const places = page.getByRole('region', { name: 'Where you are signed in' });
    await places.getByText('Here', { exact: true }).waitFor();
    await places.getByRole('button', { name: 'Sign out there' }).first().waitFor();
    await page.getByLabel('Present password').fill('not this one');
    await page.getByLabel('New password').fill('another good password');
    await page.getByRole('button', { name: 'Change the password' }).click();
    await page.getByText('This is not your present password.').waitFor();
    await accessible(page, 'password and sessions');
    await page.getByLabel('Present password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Change the password' }).click();
    await page.getByText('Your password is changed', { exact: false }).waitFor();
    await places.getByRole('button', { name: 'Sign out there' }).waitFor({ state: 'detached' });
    await assert.rejects(call('GET', '/api/auth/me'), /401/);

    await page.getByRole('button', { name: 'Sign out everywhere' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click();
    await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
    const { url } = await (await asAdministrator())('POST', `/api/users/${person.id}/password-link`);
    await page.goto(`${consoleUrl}/reset#${url.split('#')[1]}`);
    await page.getByLabel('New password').fill('password');
    await page.getByRole('button', { name: 'Set the password' }).click();
    await page.getByText('one of the first that are guessed', { exact: false }).waitFor();
    await accessible(page, 'a link for a new password');
    await page.getByLabel('New password').fill(`${PASSWORD} again`);
    await page.getByRole('button', { name: 'Set the password' }).click();
    await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
    assert.equal((await (await caller(person.email, `${PASSWORD} again`))('GET', '/api/auth/me')).id, person.id);
  },
});
