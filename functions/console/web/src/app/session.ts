/**
 * Who is signed in, and in which workspace this tab is. The access token is in memory only; the refresh token is in a
 * cookie that no script can read.
 *
 * Tabs take turns with refreshing (`navigator.locks`) and tell each other what they got (`BroadcastChannel`); those that
 * are in another workspace get a token of their own. A call whose session has ended waits until the person has signed in
 * again, so that nothing that they typed is lost.
 */
import { apiError } from '@/api/errors';
import type { components } from '@/api/schema';
import { apiBase, consoleBase } from './base';
import { t } from './i18n';
import { useSession, type Me, type Status } from './me';
import { comeTo, forgetPlace, isOut, placeOfTab } from './place';

export { useSession, type Me } from './me';

type Tokens = components['schemas']['Tokens'];

interface Access {
  token: string;
  /** Milliseconds since 1970, by this machine's clock. */
  endsAt: number;
}

type Message = { kind: 'access'; access: Access } | { kind: 'signed-out' };

const OWN_HEADER = { 'x-mainspring-console': '1' };
const REFRESH_AHEAD_MS = 30_000;
const LOCK = `mainspring.session.${apiBase}`;
/** Whether this browser has had a session: whoever comes for the first time need not ask the server. No secret. */
const HAD_SESSION = `mainspring.had-session.${apiBase}`;

export function hadSession(): boolean {
  return localStorage.getItem(HAD_SESSION) !== null;
}

const tabs = new BroadcastChannel(LOCK);
let access: Access | null = null;
let waiting: (() => void)[] = [];

tabs.onmessage = ({ data }: MessageEvent<Message>) => {
  if (data.kind === 'signed-out') leave();
  else if (!isElsewhere(data.access)) {
    if (take(data.access)) void resumed();
  } else if (useSession.getState().status === 'expired') void resumeHere();
};

/** Somebody has signed in again in a tab that is in another workspace: the cookie is good for this one, too. */
async function resumeHere(): Promise<void> {
  if (await refresh(access).catch(() => false)) await resumed();
}

async function post(path: string, body: unknown): Promise<Response> {
  return fetch(`${location.origin}${apiBase}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...OWN_HEADER, ...bearer() },
    body: JSON.stringify(body),
    credentials: 'same-origin',
  });
}

function bearer(): Record<string, string> {
  return access ? { authorization: `Bearer ${access.token}` } : {};
}

async function refused(answer: Response): Promise<Error> {
  const body: unknown = await answer.json().catch(() => null);
  return apiError(answer, body);
}

interface Claims {
  sub: unknown;
  ws: unknown;
}

/** The user and the workspace that a token names. The server checks tokens; this only tells them apart. */
function claimsOf(token: string): Claims {
  const claims = token.split('.')[1] ?? '';
  return JSON.parse(atob(claims.replace(/-/g, '+').replace(/_/g, '/'))) as Claims;
}

/** The workspace that this tab is in, or was in when its page was loaded last. */
function wantedWorkspace(): string | null {
  return useSession.getState().me?.workspace_id ?? placeOfTab();
}

/** Whether a token is for another workspace of the same person: it is for another tab. */
function isElsewhere(found: Access): boolean {
  const { me } = useSession.getState();
  const { sub, ws } = claimsOf(found.token);
  return me !== null && me.id === sub && me.workspace_id !== ws;
}

/**
 * Go on with an access token; false where it is somebody else's, who signed in with this browser meanwhile, or where the
 * person is out of the workspace. Then the page begins anew: nothing that one person began may be sent as another, and
 * nothing of one workspace be seen in another.
 */
function take(found: Access): boolean {
  const { me } = useSession.getState();
  const { sub, ws } = claimsOf(found.token);
  if (me && (me.id !== sub || me.workspace_id !== ws)) {
    if (me.id === sub) isOut(me.workspace_name);
    location.assign(consoleBase);
    return false;
  }
  access = found;
  return true;
}

/** Keep what the server gave, and tell the other tabs; false as `take` is. */
function keep(tokens: Tokens): boolean {
  const found = { token: tokens.access_token, endsAt: Date.now() + tokens.expires_in * 1000 };
  localStorage.setItem(HAD_SESSION, '1');
  tabs.postMessage({ kind: 'access', access: found } satisfies Message);
  return take(found);
}

function isFresh(found: Access | null): found is Access {
  return found !== null && found.endsAt - Date.now() > REFRESH_AHEAD_MS;
}

/** Get a new access token by the cookie; false where there is no session any more. Only one tab does it at a time. */
async function refresh(than: Access | null): Promise<boolean> {
  return navigator.locks.request(LOCK, async () => {
    if (access !== than && isFresh(access)) return true; // another call or tab was first
    const answer = await refreshIn(wantedWorkspace());
    if (answer.status === 401) {
      localStorage.removeItem(HAD_SESSION);
      return false;
    }
    if (!answer.ok) throw await refused(answer);
    return keep((await answer.json()) as Tokens) || new Promise<boolean>(() => undefined); // the page goes
  });
}

function refreshIn(workspaceId: string | null): Promise<Response> {
  return post('/api/auth/refresh?session=cookie', workspaceId === null ? {} : { workspace_id: workspaceId });
}

/** A new session is in the person's own workspace: go where this tab was. */
async function inPlace(tokens: Tokens): Promise<Tokens> {
  const wanted = wantedWorkspace();
  if (wanted === null || wanted === tokens.workspace_id) return tokens;
  const answer = await refreshIn(wanted);
  return answer.ok ? ((await answer.json()) as Tokens) : tokens;
}

/** Wait until somebody is signed in again. The shell shows a dialog meanwhile. */
function signedInAgain(): Promise<void> {
  ended(useSession.getState().status === 'signed-out' ? 'signed-out' : 'expired');
  return new Promise((resolve) => waiting.push(resolve));
}

function ended(status: Status): void {
  access = null;
  useSession.setState(status === 'signed-out' ? { status, me: null } : { status });
}

async function resumed(): Promise<void> {
  if (!useSession.getState().me) {
    const answer = await fetch(`${location.origin}${apiBase}/api/auth/me`, { headers: bearer() });
    if (!answer.ok) throw await refused(answer);
    const me = (await answer.json()) as Me;
    comeTo(me.workspace_id);
    useSession.setState({ me });
  }
  useSession.setState({ status: 'signed-in' });
  const calls = waiting;
  waiting = [];
  for (const goOn of calls) goOn();
}

/** `fetch` with the session's token. */
export async function authorizedFetch(request: Request): Promise<Response> {
  for (;;) {
    const than = access;
    if (!isFresh(than) && !(await refresh(than))) {
      await signedInAgain();
      continue;
    }
    const attempt = request.clone();
    for (const [name, value] of Object.entries(bearer())) attempt.headers.set(name, value);
    const used = access;
    const answer = await fetch(attempt);
    if (answer.status === 403) void lookAgain();
    if (answer.status !== 401) return answer;
    if (!(await refresh(used))) await signedInAgain();
  }
}

/** Go on with the session of this browser's cookie, where there is one. */
export async function resumeSession(): Promise<void> {
  if (!hadSession()) return;
  try {
    if (await refresh(null)) await resumed();
  } catch {
    ended('signed-out'); // the sign-in says what is wrong, if it still is
  }
}

export async function signIn(email: string, password: string): Promise<void> {
  // Not while a tab refreshes: the answer to a session that has ended takes the cookie away.
  const kept = await navigator.locks.request(LOCK, async () => {
    const answer = await post('/api/auth/login?session=cookie', { email, password });
    if (!answer.ok) throw await refused(answer);
    return keep(await inPlace((await answer.json()) as Tokens));
  });
  if (kept) await resumed();
}

/** Show what the person changed of themselves, everywhere. */
export function changed(me: Me): void {
  useSession.setState({ me });
}

const LOOK_EVERY_MS = 5_000;
let lookedAt = 0;

/** Others may have given the person another role: what they may do is asked again, now and then. */
export async function lookAgain(): Promise<void> {
  if (!isFresh(access) || Date.now() - lookedAt < LOOK_EVERY_MS) return;
  lookedAt = Date.now();
  const answer = await fetch(`${location.origin}${apiBase}/api/auth/me`, { headers: bearer() }).catch(() => null);
  if (answer?.ok) changed((await answer.json()) as Me);
}

export interface NewPerson {
  email: string;
  password: string;
  fullName: string;
  /** The token of the invitation that lets them in. */
  invitation?: string;
}

export async function register({ email, password, fullName, invitation }: NewPerson): Promise<void> {
  const more = { ...(fullName ? { full_name: fullName } : {}), ...(invitation ? { invitation } : {}) };
  const answer = await post('/api/auth/register', { email, password, ...more });
  if (!answer.ok) throw await refused(answer);
  await signIn(email, password);
}

/** Another password, with the token of a link. Whoever has one is not signed in: it waits for no session. */
export async function resetPassword(token: string, newPassword: string): Promise<void> {
  const answer = await post('/api/auth/password/reset', { token, new_password: newPassword });
  if (!answer.ok) throw await refused(answer);
}

/** With `stays` the page is not left: it is one for whoever is not signed in, too. */
export async function signOut({ stays = false } = {}): Promise<void> {
  try {
    if (isFresh(access) || (await refresh(access))) await post('/api/auth/logout?session=cookie', {});
  } catch (error) {
    // A session that cannot be ended must not look as if it were.
    const { toastError } = await import('@/ui/Toast');
    toastError(t('You are still signed in'), error);
    return;
  }
  localStorage.removeItem(HAD_SESSION);
  tabs.postMessage({ kind: 'signed-out' } satisfies Message);
  leave(stays);
}

/** The page begins anew, so that nothing of the session stays in memory. */
function leave(stays = false): void {
  ended('signed-out');
  forgetPlace();
  if (!stays) location.assign(consoleBase);
}
