/** The page of a mailed link: read and answered on a phone by somebody who has no account. */
import { accessible, consoleUrl, NARROW, stories } from './support.mjs';
import { withMailServer } from './servers.mjs';

const FORM = { type: 'object', properties: { account: { type: 'string', minLength: 3, title: 'Account' } }, required: ['account'] };
const MAIL = { username: 'flows', password: 'pass of the post' };

/** The text of a mail, which goes over the wire as quoted-printable. */
function textOf(mail) {
  return mail.replace(/=\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

/** The links that a run mails to these people, by their addresses. */
async function mailed(call, people) {
  return withMailServer(MAIL, async ({ port, mails }) => {
    const config = { host: '127.0.0.1', port, security: 'off', ...MAIL, from_address: 'flows@shop.example' };
    const post = await call('POST', '/api/integrations', { name: 'post', type: 'smtp', config });
    const { workspace_id: here } = await call('GET', '/api/auth/me');
    await call('PATCH', `/api/workspaces/${here}`, { mail_integration: post.id });
    const ask = { id: 'ask', type: 'approval', config: { message: 'Pay invoice 17?', approvers: people, needs: 2, mail: true, form: FORM } };
    const workflow = await call('POST', '/api/workflows', { name: 'Pay invoices', definition: { nodes: [ask] } });
    await call('POST', '/api/executions', { workflow_id: workflow.id });
    for (let look = 0; look < 240 && mails.length < people.length; look += 1) await new Promise((resolve) => setTimeout(resolve, 250));
    const texts = mails.map(textOf);
    return people.map((one) => /(\/answer#\S+)/.exec(texts.find((text) => text.includes(`To: ${one}`)))[1]);
  });
}

await stories({
  'two people approve by their links on a phone, without an account': async ({ page, call, expect }) => {
    expect(/422|409|404/);
    const [ann, bob] = await mailed(call, ['ann@shop.example', 'bob@shop.example']);
    await page.setViewportSize(NARROW);
    await page.goto(`${consoleUrl}${ann}`);
    await page.getByRole('heading', { name: 'Pay invoice 17?' }).waitFor();
    await page.getByText('0 of 2 approved').waitFor();
    await accessible(page, 'the page of a link');
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByText(/required/i).waitFor(); // the form is checked
    await page.getByLabel('Account').fill('DE12');
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByText('Your answer is taken').waitFor();
    await page.getByText('1 of 2 approved').waitFor();
    await accessible(page, 'an answer that is taken');

    await page.goto('about:blank');
    await page.goto(`${consoleUrl}${bob}`);
    await page.getByLabel('Account').fill('DE12');
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByText('It is approved').waitFor();

    await page.goto('about:blank');
    await page.goto(`${consoleUrl}${ann.slice(0, -4)}`);
    await page.getByText('This link is good for nothing any more').waitFor();
    await accessible(page, 'a link that is none');
  },
});
