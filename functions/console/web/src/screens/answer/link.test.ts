import { expect, test, vi } from 'vitest';

vi.stubGlobal('document', { querySelector: () => null });
vi.stubGlobal('location', { origin: 'http://console.test' });
const { answerLink, isAnswerPage, readLink } = await import('./link');
const { tokenIn } = await import('@/app/mailedLink');

test('the page of a link is one address, and the token is behind the hash', () => {
  expect(isAnswerPage('/console/answer')).toBe(true);
  expect(isAnswerPage('/console/answer/')).toBe(true);
  expect(isAnswerPage('/console/answers')).toBe(false);
  expect(tokenIn('#abc.def')).toBe('abc.def');
  expect(tokenIn('#%E0%A4%A')).toBe('');
});

test('looking is a GET, and only a decision is a POST', async () => {
  const calls: string[] = [];
  vi.stubGlobal('fetch', (address: string, { method = 'GET' }: { method?: string } = {}) => {
    calls.push(`${method} ${address}`);
    return Promise.resolve(new Response('{}', { status: calls.length < 3 ? 200 : 404 }));
  });
  await readLink('a.b');
  await answerLink('a.b', { decision: 'approved' });
  expect(await readLink('a.b')).toBe(null);
  expect(calls.map((one) => one.replace(/https?:\/\/[^/]+/, ''))).toEqual(
    ['GET', 'POST', 'GET'].map((method) => `${method} /api/approvals/links/a.b`),
  );
});
