/** The session in several tabs, against a server that knows refresh tokens by a cookie that the tabs share. */
import { beforeEach, expect, test, vi } from 'vitest';

const ADA = { id: 'ada@example.com', email: 'ada@example.com', full_name: 'Ada', is_admin: true };

class Channel {
  static all: Channel[] = [];
  onmessage: ((event: { data: unknown }) => void) | null = null;
  constructor() {
    Channel.all.push(this);
  }
  postMessage(data: unknown) {
    for (const other of Channel.all) if (other !== this) other.onmessage?.({ data });
  }
}

/** One lock, as the browser has it for all tabs. */
function makeLocks() {
  let last: Promise<unknown> = Promise.resolve();
  return {
    request: (_name: string, work: () => Promise<unknown>) => {
      const done = last.then(work, work);
      last = done.catch(() => null);
      return done;
    },
  };
}

function makeServer() {
  const server = { cookie: '', refreshes: 0, good: new Set<string>(), calls: [] as { path: string; body: string }[], isDown: false };
  let issued = 0;
  const tokens = (sub: string) => {
    const access_token = `${++issued}.${btoa(JSON.stringify({ sub }))}.signature`;
    server.good.add(access_token);
    server.cookie = sub;
    return Response.json({ access_token, refresh_token: null, token_type: 'Bearer', expires_in: 900 });
  };
  const refusal = (code: string) => Response.json({ error: { code, message: code } }, { status: 401 });
  const answer = async (input: Request | string, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const path = new URL(request.url).pathname;
    if (server.isDown) throw new TypeError('Failed to fetch');
    await Promise.resolve();
    if (path === '/api/auth/login') return tokens(((await request.json()) as { email: string }).email);
    if (path === '/api/auth/refresh') {
      server.refreshes += 1;
      return server.cookie ? tokens(server.cookie) : refusal('no_session');
    }
    const token = request.headers.get('authorization')?.slice('Bearer '.length) ?? '';
    if (!server.good.has(token)) return refusal('token_expired');
    if (path === '/api/auth/me') return Response.json(ADA);
    if (path === '/api/auth/logout') {
      server.cookie = '';
      server.good.clear();
      return new Response(null, { status: 204 });
    }
    server.calls.push({ path, body: await request.text() });
    return Response.json({ ok: true });
  };
  return { server, answer };
}

let server: ReturnType<typeof makeServer>['server'];
const assign = vi.fn();
const stored = new Map<string, string>();

beforeEach(() => {
  const made = makeServer();
  server = made.server;
  stored.clear();
  assign.mockClear();
  Channel.all = [];
  vi.stubGlobal('fetch', made.answer);
  vi.stubGlobal('BroadcastChannel', Channel);
  vi.stubGlobal('location', { origin: 'http://console.test', assign });
  vi.stubGlobal('document', { querySelector: () => null });
  vi.stubGlobal('navigator', { locks: makeLocks(), language: 'en', userAgent: 'Linux' });
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
  });
});

/** A tab: the module anew, with the browser's parts that all tabs share. */
async function openTab() {
  vi.resetModules();
  return import('./session');
}

function save(body: string): Request {
  return new Request('http://console.test/api/workflows/1/draft', { method: 'PUT', body });
}

test('who comes for the first time asks the server nothing', async () => {
  const tab = await openTab();
  await tab.resumeSession();
  expect([server.refreshes, tab.useSession.getState().status]).toEqual([0, 'signed-out']);
});

test('the session goes on when the page is loaded again', async () => {
  await (await openTab()).signIn(ADA.email, 'secret');
  const again = await openTab();
  await again.resumeSession();
  expect(again.useSession.getState()).toMatchObject({ status: 'signed-in', me: ADA });
});

test('calls of two tabs whose tokens have ended refresh once, and all get their answers', async () => {
  const one = await openTab();
  await one.signIn(ADA.email, 'secret');
  const other = await openTab();
  await other.resumeSession();
  const before = server.refreshes;
  server.good.clear();

  const answers = await Promise.all([one, other, one].map((tab) => tab.authorizedFetch(save('x'))));

  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(server.refreshes - before).toBe(1);
});

test('a call whose session has ended waits for a new sign-in, and is sent then as it was', async () => {
  const tab = await openTab();
  await tab.signIn(ADA.email, 'secret');
  server.good.clear();
  server.cookie = '';

  const answer = tab.authorizedFetch(save('what was typed'));
  await vi.waitFor(() => expect(tab.useSession.getState().status).toBe('expired'));
  expect(server.calls).toEqual([]);
  expect(tab.useSession.getState().me).toMatchObject(ADA);
  await tab.signIn(ADA.email, 'secret');

  expect((await answer).status).toBe(200);
  expect(server.calls).toEqual([{ path: '/api/workflows/1/draft', body: 'what was typed' }]);
});

test('nothing that one person began is sent as another', async () => {
  const tab = await openTab();
  await tab.signIn(ADA.email, 'secret');
  server.good.clear();
  server.cookie = '';
  void tab.authorizedFetch(save('of Ada'));
  await vi.waitFor(() => expect(tab.useSession.getState().status).toBe('expired'));
  await tab.signIn('bob@example.com', 'secret');

  expect(assign).toHaveBeenCalledWith('/console');
  expect(server.calls).toEqual([]);
});

test('where somebody else signs in with this browser, the tabs of the first begin anew', async () => {
  const tab = await openTab();
  await tab.signIn(ADA.email, 'secret');
  await (await openTab()).signIn('bob@example.com', 'secret');

  expect(assign).toHaveBeenCalledTimes(1);
  expect(tab.useSession.getState().me).toMatchObject(ADA);
});

test('a sign-in in another tab lets the calls of this one go on', async () => {
  const tab = await openTab();
  await tab.signIn(ADA.email, 'secret');
  server.good.clear();
  server.cookie = '';
  const answer = tab.authorizedFetch(save('x'));
  await vi.waitFor(() => expect(tab.useSession.getState().status).toBe('expired'));

  await (await openTab()).signIn(ADA.email, 'secret');

  expect((await answer).status).toBe(200);
});

test('signing out ends the session in every tab, and is not forgotten when the server cannot be reached', async () => {
  const one = await openTab();
  await one.signIn(ADA.email, 'secret');
  const other = await openTab();
  await other.resumeSession();
  server.isDown = true;
  await one.signOut();
  expect(other.useSession.getState().status).toBe('signed-in');

  server.isDown = false;
  await one.signOut();
  expect(server.cookie).toBe('');
  expect(other.useSession.getState()).toEqual({ status: 'signed-out', me: null });
});

test('a network that fails ends no session', async () => {
  const tab = await openTab();
  await tab.signIn(ADA.email, 'secret');
  server.good.clear();
  server.isDown = true;
  await expect(tab.authorizedFetch(save('x'))).rejects.toThrow('Failed to fetch');
  expect(tab.useSession.getState().status).toBe('signed-in');
});
