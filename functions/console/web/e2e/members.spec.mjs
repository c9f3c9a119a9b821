/** Workspaces that several people share: invitations, roles, what each may do, and going from one workspace to another. */
import { accessible, assert, caller, consoleUrl, go, NARROW, newPerson, PASSWORD, signIn, stories, WIDE } from './support.mjs';

const NODES = { nodes: [{ id: 'a', type: 'transform', config: { value: 1 } }] };
const main = (page) => page.getByRole('main');
const switcher = (page) => page.getByRole('button', { name: /^Workspace: / }).filter({ visible: true });

/** A workspace, made by the switcher; calls of the API in it. */
async function workspace(page, person, name) {
  await switcher(page).click();
  await page.getByRole('menuitem', { name: 'Create a workspace' }).click();
  const dialog = page.getByRole('dialog', { name: 'Create a workspace' });
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('button', { name: `Workspace: ${name}` }).filter({ visible: true }).waitFor();
  const { id } = (await person.call('GET', '/api/workspaces')).items.find((one) => one.name === name);
  return caller(person.email, PASSWORD, id);
}

async function invited(page, email, role) {
  await go(page, '/settings?tab=members');
  await main(page).getByRole('button', { name: 'Invite' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('E-mail address').fill(email);
  await dialog.getByLabel('Role').selectOption(role);
  await dialog.getByRole('button', { name: 'Invite' }).click();
  await dialog.getByText(`${email} is invited`).waitFor();
  const link = await dialog.getByLabel('Link').inputValue();
  await accessible(page, 'the link of an invitation');
  await dialog.getByRole('button', { name: 'Copy the link' }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), link);
  await dialog.getByRole('button', { name: 'Done' }).click();
  return link;
}

/** The browser of somebody else. */
async function browserOf(context) {
  const other = await context.browser().newContext({ viewport: WIDE, locale: 'en-US', reducedMotion: 'reduce' });
  other.setDefaultTimeout(60_000);
  return { page: await other.newPage(), close: () => other.close() };
}

await stories({
  'somebody is invited, registers by the link, may look, and edit once they are promoted': async ({ page, context, person, expect }) => {
    expect(/status of 404/); // the link that is used
    await signIn(page, person);
    const call = await workspace(page, person, 'Accounting');
    const { id } = await call('POST', '/api/workflows', { name: 'Pay invoices', definition: NODES, publish: true });
    const email = `ben-${process.pid}-${Date.now().toString(36)}@example.com`;
    const link = await invited(page, email, 'viewer');
    await page.getByRole('cell', { name: email, exact: true }).waitFor();
    await accessible(page, 'members');

    const ben = await browserOf(context);
    await ben.page.goto(link);
    await ben.page.getByRole('heading', { name: 'Come to Accounting' }).waitFor();
    await ben.page.getByText(`${person.name} invites ${email} as: Viewer.`).waitFor();
    await accessible(ben.page, 'an invitation');
    await ben.page.getByLabel('Your name').fill('Ben');
    await ben.page.getByLabel('Password').fill(PASSWORD);
    await ben.page.getByRole('button', { name: 'Create account' }).click();
    await ben.page.getByRole('button', { name: 'Workspace: Accounting' }).waitFor();

    await go(ben.page, `/workflows/${id}`);
    await ben.page.getByText('Only to look at').waitFor();
    for (const name of ['Publish', 'Test run', 'Add step']) assert.equal(await ben.page.getByRole('button', { name }).count(), 0, name);
    await accessible(ben.page, 'the editor of a viewer');
    await go(ben.page, '/workflows');
    await ben.page.getByRole('link', { name: 'Pay invoices' }).first().waitFor();
    assert.equal(await ben.page.getByRole('button', { name: 'New workflow' }).count(), 0);
    await go(ben.page, '/settings?tab=members');
    await ben.page.getByRole('cell', { name: email }).first().waitFor();
    assert.equal(await ben.page.getByRole('combobox', { name: /^Role of/ }).count(), 0);

    await page.reload();
    await page.getByRole('combobox', { name: 'Role of Ben' }).selectOption('editor');
    await page.getByText('Ben is now: Editor').waitFor();
    await go(ben.page, `/workflows/${id}`);
    await ben.page.getByRole('button', { name: 'Publish' }).waitFor();

    await page.goto(link);
    await page.getByRole('heading', { name: 'This invitation is good for nothing any more' }).waitFor();
    await accessible(page, 'an invitation that is used');
    await go(page, '/settings?tab=members');
    await main(page).getByRole('button', { name: 'Remove Ben' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('cell', { name: email }).waitFor({ state: 'detached' });
    await ben.page.reload();
    await ben.page.getByRole('button', { name: 'Workspace: Ben' }).waitFor();
    await ben.close();
  },

  'an invitation is for one person: others are told so, and it is accepted by whom it is for': async ({ page, context, person }) => {
    const cleo = await newPerson('Cleo');
    await signIn(page, person);
    await workspace(page, person, 'Books');
    const link = await invited(page, cleo.email, 'editor');
    await page.goto(link);
    await page.getByText(`You are signed in as ${person.email}.`).waitFor();
    await accessible(page, 'an invitation of somebody else');

    const theirs = await browserOf(context);
    await theirs.page.goto(link);
    await theirs.page.getByRole('button', { name: 'Sign in' }).click();
    await theirs.page.getByLabel('Password').fill(PASSWORD);
    await theirs.page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await theirs.page.getByRole('button', { name: 'Accept the invitation' }).click();
    await theirs.page.getByRole('button', { name: 'Workspace: Books' }).waitFor();
    await theirs.close();
  },

  'two tabs are in two workspaces, and nothing of one is in the other': async ({ page, context, person, call }) => {
    await call('POST', '/api/workflows', { name: 'At home', definition: NODES });
    await signIn(page, person, '/workflows');
    await page.getByRole('link', { name: 'At home' }).first().waitFor();
    const second = await context.newPage();
    await second.goto(consoleUrl);
    const inTeam = await workspace(second, person, 'Team');
    await inTeam('POST', '/api/workflows', { name: 'Of the team', definition: NODES });
    for (let round = 0; round < 2; round += 1) {
      await go(second, '/workflows');
      await second.getByRole('link', { name: 'Of the team' }).first().waitFor();
      assert.equal(await second.getByRole('link', { name: 'At home' }).count(), 0);
      await page.reload();
      await page.getByRole('link', { name: 'At home' }).first().waitFor();
      assert.equal(await page.getByRole('link', { name: 'Of the team' }).count(), 0);
    }
    await page.keyboard.press('Control+k');
    await page.getByPlaceholder('Where to, or what to do?').fill('workspace team');
    await page.getByRole('option', { name: 'Go to workspace Team' }).click();
    await switcher(page).and(page.getByRole('button', { name: 'Workspace: Team' })).waitFor();
    await page.setViewportSize(NARROW);
    await page.getByRole('button', { name: 'More' }).click();
    await switcher(page).click();
    await page.getByRole('menuitemcheckbox', { name: person.name }).click();
    await page.setViewportSize(WIDE);
    await page.getByRole('button', { name: `Workspace: ${person.name}` }).filter({ visible: true }).waitFor();
  },

  'a workspace has roles of its own, another name, an owner, and an end': async ({ page, person, expect }) => {
    expect(/status of 409/); // it is not empty
    await signIn(page, person);
    const call = await workspace(page, person, 'Pilot');
    await page.getByText('The only owner.').waitFor();
    await page.getByRole('tab', { name: 'Roles' }).click();
    await page.getByRole('button', { name: 'Add a role' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Draft writers');
    await dialog.getByText('It will be called draft-writers.').waitFor();
    await dialog.getByLabel('Edit').click();
    await accessible(page, 'a role');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('columnheader', { name: 'draft-writers' }).waitFor();
    await accessible(page, 'roles');
    const { roles } = await call('GET', `/api/workspaces/${(await call('GET', '/api/auth/me')).workspace_id}`);
    assert.deepEqual(roles.at(-1).permissions, ['read', 'edit']);

    await page.getByRole('tab', { name: 'Workspace' }).click();
    await main(page).getByLabel('Name').fill('Project');
    await main(page).getByRole('button', { name: 'Save' }).click();
    await page.getByRole('button', { name: 'Workspace: Project' }).waitFor();
    await page.getByText('No integration here can send mail.').waitFor();
    const mail = { name: 'Office mail', type: 'smtp', config: { host: 'mail.example', from_address: 'office@mail.example' } };
    const integration = await call('POST', '/api/integrations', mail);
    await page.reload();
    await main(page).getByLabel('Sent by').selectOption('Office mail');
    await page.getByText('Mail goes by Office mail now').waitFor();
    await accessible(page, 'the settings of a workspace');
    await main(page).getByLabel('Sent by').selectOption('No integration');
    await page.getByText('No integration sends mail to people now').waitFor();
    await call('DELETE', `/api/integrations/${integration.id}`);
    const { id } = await call('POST', '/api/workflows', { name: 'In it', definition: NODES });
    await main(page).getByRole('button', { name: 'Delete the workspace' }).click();
    await page.getByRole('dialog').getByLabel('Type Project to delete it').fill('Project');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText(/it still has workflows/).waitFor();
    await call('DELETE', `/api/workflows/${id}`);
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: `Workspace: ${person.name}` }).waitFor();
  },
});
