/** The session in several tabs, against a server that knows refresh tokens by a cookie that the tabs share. */
import { beforeEach, expect, test, vi } from 'vitest';

const ADA = { id: 'ada@example.com', email: 'ada@example.com', full_name: 'Ada', is_admin: true };
const HOME = { workspace_id: 'home', workspace_name: 'Ada', permissions: ['read', 'edit'] };
const BOOKS = { workspace_id: 'books', workspace_name: 'Accounting', permissions: ['read'] };

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
  const server = {
    cookie: '',
    refreshes: 0,
    good: new Map<string, string>(),
    calls: [] as { path: string; body: string; workspace: string }[],
    /** The workspaces that the person is in, besides their own. */
    memberships: ['books'],
    isDown: false,
  };
  let issued = 0;
  const tokens = (sub: string, wanted = 'home') => {
    const workspace_id = server.memberships.includes(wanted) ? wanted : 'home';
    const access_token = `${++issued}.${btoa(JSON.stringify({ sub, ws: workspace_id }))}.signature`;
    server.good.set(access_token, workspace_id);
    server.cookie = sub;
    return Response.json({ access_token, refresh_token: null, token_type: 'Bearer', expires_in: 900, workspace_id });
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
      const { workspace_id } = (await request.json()) as { workspace_id?: string };
      return server.cookie ? tokens(server.cookie, workspace_id) : refusal('no_session');
    }
    const token = request.headers.get('authorization')?.slice('Bearer '.length) ?? '';
    const workspace = server.good.get(token);
    if (workspace === undefined) return refusal('token_expired');
    if (path === '/api/auth/me') return Response.json({ ...ADA, ...(workspace === 'home' ? HOME : BOOKS) });
    if (path === '/api/auth/logout') {
      server.cookie = '';
      server.good.clear();
      return new Response(null, { status: 204 });
    }
    server.calls.push({ path, body: await request.text(), workspace });
    return Response.json({ ok: true });
  };
  return { server, answer };
}

let server: ReturnType<typeof makeServer>['server'];
const assign = vi.fn();
const stored = new Map<string, string>();
/** The storage of the tab that works: `inTab` says which. */
const tabStorage: { current: Map<string, string> } = { current: new Map() };

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
  vi.stubGlobal('localStorage', storage(() => stored));
  vi.stubGlobal('sessionStorage', storage(() => tabStorage.current));
  tabStorage.current = new Map();
});

function storage(of: () => Map<string, string>) {
  return {
    getItem: (key: string) => of().get(key) ?? null,
    setItem: (key: string, value: string) => void of().set(key, value),
    removeItem: (key: string) => void of().delete(key),
  };
}

/** A tab: the module anew, with the browser's parts that all tabs share. */
async function openTab() {
  vi.resetModules();
  return import('./session');
}

/** A tab whose page was in a workspace, and is loaded again. */
async function openIn(workspaceId: string) {
  tabStorage.current = new Map([['mainspring.workspace.', workspaceId]]);
  const tab = await openTab();
  await tab.resumeSession();
  return tab;
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
  expect(server.calls).toEqual([{ path: '/api/workflows/1/draft', body: 'what was typed', workspace: 'home' }]);
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

test('two tabs are in two workspaces, and each call is of its own', async () => {
  await (await openTab()).signIn(ADA.email, 'secret');
  const home = await openIn('home');
  const books = await openIn('books');
  expect(books.useSession.getState().me?.workspace_name).toBe('Accounting');
  for (let round = 0; round < 2; round++) {
    server.good.clear();
    await Promise.all([books.authorizedFetch(save('b')), home.authorizedFetch(save('h'))]);
  }

  expect(new Set(server.calls.map(({ body, workspace }) => `${body} ${workspace}`))).toEqual(new Set(['b books', 'h home']));
  expect(assign).not.toHaveBeenCalled();
});

test('signing in again takes a tab to where it was, and lets one of another workspace go on', async () => {
  await (await openTab()).signIn(ADA.email, 'secret');
  const home = await openIn('home');
  const books = await openIn('books');
  server.good.clear();
  server.cookie = '';
  const calls = [books.authorizedFetch(save('b')), home.authorizedFetch(save('h'))];
  await vi.waitFor(() => expect([home, books].map((tab) => tab.useSession.getState().status)).toEqual(['expired', 'expired']));

  await books.signIn(ADA.email, 'secret');

  expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200]);
  expect(server.calls.map(({ workspace }) => workspace).sort()).toEqual(['books', 'home']);
});

test('whoever is out of the workspace begins anew in their own, and is told', async () => {
  await (await openTab()).signIn(ADA.email, 'secret');
  const tab = await openIn('books');
  server.memberships = [];
  server.good.clear();
  void tab.authorizedFetch(save('of Accounting'));
  await vi.waitFor(() => expect(assign).toHaveBeenCalledWith('/console'));
  expect(server.calls).toEqual([]);

  const { takeOut } = await import('./place');
  expect([takeOut(), takeOut()]).toEqual(['Accounting', null]);
  vi.stubGlobal('navigator', { locks: makeLocks() }); // with its page, a tab's lock goes
  expect((await openIn('books')).useSession.getState().me?.workspace_name).toBe('Ada');
});

test('a new tab begins where the person was last, and nowhere of before once they have signed out', async () => {
  await (await openTab()).signIn(ADA.email, 'secret');
  const books = await openIn('books');
  tabStorage.current = new Map();
  const beside = await openTab();
  await beside.resumeSession();
  expect(beside.useSession.getState().me?.workspace_name).toBe('Accounting');

  await books.signOut();
  await (await openTab()).signIn(ADA.email, 'secret');
  expect(stored.get('mainspring.workspace.')).toBe('home');
});

test('what the person may do is asked again when the server refuses it', async () => {
  const tab = await openTab();
  await tab.signIn(ADA.email, 'secret');
  tab.useSession.setState(({ me }) => ({ me: me && { ...me, permissions: [] } }));
  await tab.lookAgain();
  expect(tab.useSession.getState().me?.permissions).toEqual(HOME.permissions);
});
