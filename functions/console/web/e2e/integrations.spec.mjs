/** Services that workflows use: connected, tested, changed, by consent, and deleted. */
import { accessible, assert, NARROW, signIn, stories, tabTo } from './support.mjs';
import { withMailServer, withProvider } from './servers.mjs';

const ACCOUNT = { username: 'office', password: 's3cret' };
const mailConfig = (port) => ({ host: '127.0.0.1', port, security: 'off', from_address: 'office@example.com', ...ACCOUNT });
const REPORT = {
  nodes: [
    {
      id: 'send',
      type: 'email',
      name: 'Tell the office',
      config: { integration: 'Office mail', to: ['ann@example.com'], subject: 'Hello', text: 'Hello' },
    },
  ],
  edges: [],
};

await stories({
  'a mail server is connected, tested, gets another password, is used, and is deleted': ({ page, person, call, expect }) =>
    withMailServer(ACCOUNT, async ({ port, mails }) => {
      expect(/409|422/); // it is not deleted while it is used, and what is no address is refused
      await signIn(page, person, '/integrations');
      await page.getByText('Connect the services that you use').waitFor();
      await accessible(page, 'no integrations');
      await page.getByRole('button', { name: 'Connect a service' }).click();
      const form = page.getByRole('dialog');
      await form.getByLabel('Search services').fill('mail');
      assert.equal(await page.getByRole('tooltip').count(), 0, 'a tooltip came with the gallery');
      await accessible(page, 'the gallery');
      await form.getByRole('button', { name: /^Mail server \(SMTP\)/ }).click();
      await form.getByLabel(/^Name/).fill('Office mail');
      await form.getByLabel(/^Server/).fill('127.0.0.1');
      await form.getByLabel(/^Port/).fill(String(port));
      await form.getByLabel(/^Security/).selectOption({ label: 'None' });
      await form.getByLabel(/^User name/).fill(ACCOUNT.username);
      await form.getByLabel(/^Password/).fill('mistyped');
      await form.getByLabel(/^Sender's address/).fill('nobody');
      await form.getByRole('button', { name: 'Save' }).click();
      await form.getByText(/is no e-mail address/).waitFor();
      await accessible(page, 'the form of an integration with a problem');
      await form.getByLabel(/^Sender's address/).fill('office@example.com');
      await form.getByRole('button', { name: 'Save' }).click();
      await page.getByRole('heading', { name: 'Office mail' }).waitFor();
      await page.getByRole('button', { name: 'Test' }).click();
      await page.getByText('It does not work').waitFor();
      await page.getByText(/535 Wrong user name or password/).waitFor();
      await page.getByText('Kept, and shown to nobody').waitFor();
      await accessible(page, 'an integration that does not work');

      await page.getByRole('button', { name: 'Change' }).click();
      await form.getByText('These are kept unless you type them anew: Password').waitFor();
      assert.equal(await form.getByLabel(/^Password/).inputValue(), '');
      await form.getByLabel(/^Password/).fill(ACCOUNT.password);
      await form.getByRole('button', { name: 'Save' }).click();
      await form.waitFor({ state: 'hidden' });
      await page.getByRole('button', { name: 'Test' }).click();
      await page.getByText('It works').waitFor();
      assert.ok(!(await page.locator('body').innerText()).includes(ACCOUNT.password));

      const workflow = await call('POST', '/api/workflows', { name: 'Weekly report', definition: REPORT });
      const run = await call('POST', '/api/executions', { workflow_id: workflow.id });
      for (let look = 0; look < 100 && mails.length === 0; look++) await page.waitForTimeout(200);
      assert.match(mails[0] ?? '', /Subject: Hello/, `run ${run.id} sent no mail`);
      await page.reload();
      await page.getByText('In the step Tell the office').waitFor();
      await page.getByRole('link', { name: 'Weekly report' }).waitFor();

      await page.setViewportSize(NARROW);
      await page.getByRole('button', { name: 'Delete' }).click();
      await form.getByRole('button', { name: 'Delete' }).click();
      await form.getByText('These fail without it: Weekly report').waitFor();
      await accessible(page, 'what still uses it');
      await form.getByRole('button', { name: 'Cancel' }).click();
      assert.equal((await call('GET', '/api/integrations')).items.length, 1);
      await page.getByRole('button', { name: 'Delete' }).click();
      await form.getByRole('button', { name: 'Delete' }).click();
      await form.getByRole('button', { name: 'Delete it anyway' }).click();
      await page.getByText('Connect the services that you use').waitFor();
    }),

  'with keys alone: connected, and tested while nothing answers': async ({ page, person }) => {
    await signIn(page, person, '/integrations');
    await page.getByText('Connect the services that you use').waitFor();
    const press = async (name) => {
      await tabTo(page, name);
      await page.keyboard.press('Enter');
    };
    const type = async (name, text) => {
      await tabTo(page, name);
      await page.keyboard.type(text);
    };
    await press('Connect a service');
    await page.getByRole('dialog').getByLabel('Search services').waitFor();
    await page.keyboard.type('SMTP'); // what is asked for first has the focus
    await press('Mail server (SMTP)');
    await page.getByRole('dialog').getByText('Connect Mail server (SMTP)').waitFor();
    await page.keyboard.type('Gone mail');
    await type('Server', '127.0.0.1');
    await tabTo(page, 'Security');
    await page.keyboard.type('off');
    await type('Port', '1');
    await type("Sender's address", 'a@example.com');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Gone mail' }).waitFor();
    await press('Test');
    await page.getByText(/nothing accepts connections at that address and port/).waitFor();
    assert.doesNotMatch(await page.locator('#main').innerText(), /errno|\[|\{/i);
  },

  'an account is connected by consent, in a tab of its own': ({ page, context, person, call }) =>
    withProvider({ clientId: 'we', clientSecret: 'provider-secret' }, async ({ port, tokens }) => {
      const { id } = await call('POST', '/api/integrations', {
        name: 'Calendar',
        type: 'oauth2_authorization_code',
        config: {
          hosts: [`127.0.0.1:${port}`],
          plain_http: true,
          authorize_url: `http://127.0.0.1:${port}/authorize`,
          token_url: `http://127.0.0.1:${port}/token`,
          client_id: 'we',
          client_secret: 'provider-secret',
          scope: 'calendar',
        },
      });
      await signIn(page, person, `/integrations/${id}`);
      await page.getByText('Not connected').waitFor();
      await accessible(page, 'an account that is not connected');
      const [tab] = await Promise.all([context.waitForEvent('page'), page.getByRole('button', { name: 'Connect an account' }).click()]);
      await tab.getByRole('link', { name: /^Go on to/ }).click();
      await tab.getByRole('link', { name: 'Agree' }).click();
      await tab.getByText('“Calendar” can be used now').waitFor();
      await tab.close();
      await page.bringToFront();
      await page.getByText('Ready', { exact: true }).waitFor();
      await page.getByRole('button', { name: 'Connect another account' }).waitFor();
      assert.equal(tokens.length, 1);
    }),

  'a setting that is taken away is not set any more; its secret stays': async ({ page, person, call, expect }) => {
    expect(/422/);
    const { id } = await call('POST', '/api/integrations', { name: 'Office mail', type: 'smtp', config: mailConfig(2525) });
    await page.setViewportSize(NARROW);
    await signIn(page, person, `/integrations/${id}`);
    await page.getByRole('button', { name: 'Change' }).click();
    const form = page.getByRole('dialog');
    await form.getByLabel(/^Port/).fill('');
    await form.getByLabel(/^Description/).fill('Of the office');
    await form.getByRole('button', { name: 'Save' }).click();
    await form.getByText('give it again').waitFor(); // by another port it may reach somebody else
    await form.getByLabel(/^Password/).fill('again');
    await form.getByRole('button', { name: 'Save' }).click();
    await form.waitFor({ state: 'hidden' });
    await page.getByText('Of the office').waitFor();
    const kept = await call('GET', `/api/integrations/${id}`);
    assert.deepEqual([kept.config.port, kept.secrets], [null, ['password']]);
  },
});
