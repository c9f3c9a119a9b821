/** Services for the specs, on free ports of loopback: a mail server, and a provider of OAuth 2.0. */
import { createHash, randomUUID } from 'node:crypto';
import { createServer as createHttp } from 'node:http';
import { createServer as createTcp } from 'node:net';

async function listening(server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server.address().port;
}

/** Do something with its port while a server runs. */
export async function during(server, what) {
  try {
    return await what(await listening(server));
  } finally {
    server.closeAllConnections?.();
    server.close();
  }
}

/** A mail server that lets one user in: `{ port, mails }`. */
export function withMailServer({ username, password }, use) {
  const mails = [];
  const wanted = Buffer.from(`\0${username}\0${password}`).toString('base64');
  const server = createTcp((socket) => {
    const say = (line) => socket.write(`${line}\r\n`);
    let mail = null;
    const answers = [
      [/^EHLO/i, () => say('250-mail.example\r\n250 AUTH PLAIN')],
      [/^AUTH PLAIN (.*)/i, ([, given]) => say(given === wanted ? '235 Welcome' : '535 Wrong user name or password')],
      [/^DATA/i, () => ((mail = []), say('354 Go on'))],
      [/^QUIT/i, () => socket.end('221 Bye\r\n')],
      [/./, () => say('250 OK')],
    ];
    const take = (line) => {
      if (mail === null) {
        const [pattern, answer] = answers.find(([one]) => one.test(line)) ?? [];
        if (pattern) answer(pattern.exec(line));
      } else if (line === '.') {
        mails.push(mail.join('\n'));
        mail = null;
        say('250 Taken');
      } else mail.push(line);
    };
    let rest = '';
    socket.on('error', () => null);
    socket.on('data', (data) => {
      const lines = (rest + data).split('\r\n');
      rest = lines.pop();
      lines.forEach(take);
    });
    say('220 mail.example');
  });
  return during(server, (port) => use({ port, mails }));
}

/** A provider whose person agrees with a click; PKCE is checked: `{ port, tokens }`. */
export function withProvider({ clientId, clientSecret }, use) {
  const challenges = new Map();
  const tokens = [];
  const server = createHttp(async (request, response) => {
    const url = new URL(request.url, 'http://127.0.0.1');
    const page = (html) => response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><html lang="en"><title>Provider</title><link rel="icon" href="data:,">${html}`);
    if (url.pathname === '/authorize') {
      const code = randomUUID();
      challenges.set(code, url.searchParams.get('code_challenge'));
      const back = new URL(url.searchParams.get('redirect_uri'));
      back.searchParams.set('code', code);
      back.searchParams.set('state', url.searchParams.get('state'));
      page(`<h1>May Mainspring use your calendar?</h1><a href="${back.href.replaceAll('&', '&amp;')}">Agree</a>`);
      return;
    }
    let body = '';
    for await (const part of request) body += part;
    const form = new URLSearchParams(body);
    const basic = Buffer.from(request.headers.authorization?.replace(/^Basic /, '') ?? '', 'base64').toString();
    const isClient = basic === `${clientId}:${clientSecret}` || (form.get('client_id') === clientId && form.get('client_secret') === clientSecret);
    const challenge = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
    const isGood = url.pathname === '/token' && isClient && challenges.get(form.get('code')) === challenge;
    const answer = isGood ? { access_token: `access-${randomUUID()}`, refresh_token: `refresh-${randomUUID()}`, token_type: 'Bearer', expires_in: 3600 } : { error: 'invalid_grant' };
    if (isGood) tokens.push(answer.access_token);
    response.writeHead(isGood ? 200 : 400, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  return during(server, (port) => use({ port, tokens }));
}
