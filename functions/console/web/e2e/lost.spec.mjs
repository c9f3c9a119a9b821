/** Nothing that a person typed is lost: by a closed tab, a crash, a session that has ended, a conflict. */
import { asAdministrator, assert, consoleUrl, newPerson, PASSWORD, signIn, stories, WIDE } from './support.mjs';
import { card, CHAIN, changed, editing, opened, saved } from './editing.mjs';

const nameOf = (page) => page.getByLabel('Name of the step');

/** The server cannot be reached with changes; also not by what a page sends last. */
const refuse = (context) => context.route('**/api/workflows/**', (route) => (['PUT', 'PATCH'].includes(route.request().method()) ? route.abort() : route.fallback()));

async function again(context, id) {
  await context.unrouteAll();
  const page = await context.newPage();
  await page.goto(`${consoleUrl}/workflows/${id}`);
  return page;
}

await stories({
  'by closing the tab': async ({ page, context, expect }) => {
    expect(/ERR_FAILED/); // the server cannot be reached
    const { id, draft } = await opened(page);
    await card(page, 'greet').click();
    await refuse(context);
    await nameOf(page).fill('Not saved');
    await page.locator('[data-save=retrying]').waitFor();
    await page.close();
    const next = await again(context, id);
    await card(next, 'Not saved').waitFor();
    await saved(next);
    assert.equal((await draft()).definition.nodes[0].name, 'Not saved');
  },

  'by closing the tab before the name of the workflow is saved': async ({ page, context, expect }) => {
    expect(/ERR_FAILED/);
    const { id, get } = await opened(page);
    await refuse(context);
    await page.getByRole('textbox', { name: /^Name/ }).fill('Another name');
    await page.getByLabel('Description').fill('And what it is for');
    await page.close();
    const next = await again(context, id);
    await editing(next, 'Another name');
    for (let look = 0; look < 60 && (await get()).name !== 'Another name'; look += 1) await next.waitForTimeout(250);
    const { name, description } = await get();
    assert.deepEqual([name, description], ['Another name', 'And what it is for']);
  },

  'by a crash of the page': async ({ page, context }) => {
    const { id, draft } = await opened(page);
    await card(page, 'greet').click();
    await nameOf(page).fill('Typed right before');
    const crashed = page.waitForEvent('crash');
    const session = await context.newCDPSession(page);
    void session.send('Page.crash').catch(() => null);
    await crashed;
    const next = await again(context, id);
    await card(next, 'Typed right before').waitFor();
    await next.getByText('have been brought back').waitFor();
    await saved(next);
    assert.equal((await draft()).definition.nodes[0].name, 'Typed right before');
  },

  'by a session that has ended, nor by closing the tab then': async ({ page, context, expect }) => {
    expect(/status of 401/);
    const administrator = await asAdministrator();
    const { ada, id } = await opened(page);
    await card(page, 'greet').click();
    await administrator('POST', `/api/users/${ada.id}/deactivate`);
    await nameOf(page).fill('While the session ended');
    await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor();
    await page.close();
    await administrator('POST', `/api/users/${ada.id}/activate`);
    const next = await context.newPage();
    await signIn(next, ada, `/workflows/${id}`);
    await card(next, 'While the session ended').waitFor();
    await saved(next);

    await card(next, 'shout').click();
    await administrator('POST', `/api/users/${ada.id}/deactivate`);
    await nameOf(next).fill('And once more');
    const dialog = next.getByRole('dialog', { name: 'Your session has ended' });
    await dialog.waitFor();
    await administrator('POST', `/api/users/${ada.id}/activate`);
    await dialog.getByLabel('Password').fill(PASSWORD);
    await next.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await saved(next);
    const names = await next.evaluate(() => [...document.querySelectorAll('.react-flow__node')].map((node) => node.textContent));
    assert.ok(names.some((text) => text.includes('And once more')), names.join());
  },

  'by two editors who change the same step': async ({ page, context, expect }) => {
    expect(/412/); // the second one to save finds out
    const { ada, id, draft } = await opened(page);
    const elsewhere = await context.browser().newContext({ viewport: WIDE, locale: 'en-US', reducedMotion: 'reduce' });
    const other = await elsewhere.newPage();
    await signIn(other, ada, `/workflows/${id}`);
    await card(other, 'greet').click();
    await card(page, 'greet').click();
    await nameOf(other).fill('Theirs');
    await changed(other);
    await nameOf(page).fill('Mine');
    const decision = page.getByRole('dialog', { name: 'Another tab has changed the same steps' });
    await decision.waitFor();
    await page.close(); // undecided
    const next = await again(context, id);
    const later = next.getByRole('dialog', { name: 'Another tab has changed the same steps' });
    await later.waitFor();
    await later.getByText('Theirs', { exact: false }).first().waitFor();
    await later.getByLabel('Mine').check();
    await later.getByRole('button', { name: 'Go on with this' }).click();
    await saved(next);
    assert.deepEqual((await draft()).definition.nodes.map((node) => node.name), ['Mine', undefined]);
    await elsewhere.close();
  },

  'by code that is not finished': async ({ page, context }) => {
    const { id, draft } = await opened(page);
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Show as code' }).click();
    const code = page.getByRole('textbox', { name: 'The workflow as JSON' });
    const text = JSON.stringify({ ...CHAIN, nodes: [{ ...CHAIN.nodes[0], name: 'By hand' }, CHAIN.nodes[1]] });
    await code.click();
    await page.keyboard.press('Control+a');
    await page.keyboard.insertText(text);
    await changed(page);
    assert.equal((await draft()).definition.nodes[0].name, 'By hand');
    await page.keyboard.press('Control+a');
    await page.keyboard.insertText(text.slice(0, -1));
    await page.getByText('Not in the workflow yet:').waitFor();
    await page.close();
    const next = await again(context, id);
    await card(next, 'By hand').waitFor();
    await next.getByRole('button', { name: 'More', exact: true }).click();
    await next.getByRole('menuitem', { name: 'Show as code' }).click();
    await next.getByText('Not in the workflow yet:').waitFor();
    await next.getByRole('button', { name: 'Discard' }).click();
    await next.getByText('Not in the workflow yet:').waitFor({ state: 'detached' });
  },

  'in dialogs: what a version is about, and an input that is no JSON yet': async ({ page, context }) => {
    const { id } = await opened(page);
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByLabel('Message').fill('It greets by name');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Test run' }).click();
    await page.getByRole('dialog').getByRole('textbox', { name: 'Input' }).click();
    await page.keyboard.press('Control+a');
    await page.keyboard.insertText('{"name": "A');
    await page.close();
    const next = await again(context, id);
    await next.getByRole('button', { name: 'Publish' }).click();
    await next.getByLabel('Message').waitFor();
    assert.equal(await next.getByLabel('Message').inputValue(), 'It greets by name');
    await next.keyboard.press('Escape');
    await next.getByRole('button', { name: 'Test run' }).click();
    await next.getByRole('dialog').getByText('{"name": "A').waitFor();
  },

  'in forms: what is not saved yet is there again, but for secrets, of which the browser asks first': async ({ page, context }) => {
    await signIn(page, await newPerson('Carl'), '/integrations');
    const begin = async (tab) => {
      await tab.getByRole('button', { name: 'Connect a service' }).first().click();
      await tab.getByRole('button', { name: /^Mail server/ }).click();
      await tab.getByRole('textbox', { name: 'Name', exact: true }).waitFor();
    };
    await begin(page);
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Our mail');
    await page.getByLabel('Password').fill('hunter2');
    const asked = new Promise((resolve) => page.once('dialog', (dialog) => resolve(dialog.accept().then(() => dialog.type()))));
    await page.close({ runBeforeUnload: true });
    assert.equal(await asked, 'beforeunload');
    const next = await context.newPage();
    await next.goto(`${consoleUrl}/integrations`);
    assert.ok(!(await next.evaluate(() => JSON.stringify(localStorage))).includes('hunter2'));
    await begin(next);
    await next.getByText('This is what you typed the last time.').waitFor();
    assert.equal(await next.getByRole('textbox', { name: 'Name', exact: true }).inputValue(), 'Our mail');
    assert.equal(await next.getByLabel('Password').inputValue(), '');
    await next.getByRole('button', { name: 'Cancel' }).click();
    await begin(next);
    assert.equal(await next.getByRole('textbox', { name: 'Name', exact: true }).inputValue(), '');
  },

  'by what somebody else does with this browser': async ({ page, context, expect }) => {
    expect(/ERR_FAILED/);
    const { id } = await opened(page);
    await refuse(context);
    await card(page, 'greet').click();
    await nameOf(page).fill('A secret of mine');
    await page.close();
    const next = await context.newPage();
    await next.goto(`${consoleUrl}/settings`);
    await next.getByRole('main').getByRole('button', { name: 'Sign out' }).click();
    const bob = await newPerson('Bob');
    await next.getByLabel('E-mail address').fill(bob.email);
    await next.getByLabel('Password').fill(PASSWORD);
    await next.keyboard.press('Enter');
    await next.getByRole('navigation', { name: 'Main' }).filter({ visible: true }).waitFor();
    expect(/404/); // it is not theirs to see
    await next.goto(`${consoleUrl}/workflows/${id}`);
    await next.getByText('This could not be loaded').waitFor();
    assert.equal(await next.getByText('A secret of mine').count(), 0);
  },
});
