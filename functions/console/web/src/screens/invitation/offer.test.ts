import { afterEach, expect, test, vi } from 'vitest';

vi.stubGlobal('document', { querySelector: () => null });
vi.stubGlobal('location', { origin: 'http://console.test' });
const { isInvitation, readOffer } = await import('./offer');
const { tokenIn } = await import('@/app/mailedLink');

afterEach(() => void vi.unstubAllGlobals());

test('the page is known with and without a slash at its end, and no other is taken for it', () => {
  expect(['/console/invitation', '/console/invitation/', '/console/invitations', '/console'].map(isInvitation)).toEqual([true, true, false, false]);
});

test('the token is what is behind the hash, also where it was cut off', () => {
  expect(['#a.b.c', '', '#a%2Eb', '#%'].map(tokenIn)).toEqual(['a.b.c', '', 'a.b', '']);
});

test('a link that is good for nothing any more offers nothing; a server that fails is an error', async () => {
  const answers = vi.fn<(url: string) => Promise<Response>>();
  vi.stubGlobal('location', { origin: 'http://console.test' });
  vi.stubGlobal('fetch', answers);
  expect(await readOffer('')).toBeNull();
  answers.mockResolvedValue(Response.json({ error: { code: 'not_found', message: 'gone' } }, { status: 404 }));
  expect(await readOffer('a/b')).toBeNull();
  expect(answers.mock.calls).toEqual([['http://console.test/api/invitations/a%2Fb']]);
  answers.mockResolvedValue(Response.json({ error: { code: 'internal', message: 'broken' } }, { status: 500 }));
  await expect(readOffer('x')).rejects.toThrow('broken');
});
