import { expect, test, vi } from 'vitest';

vi.stubGlobal('navigator', { userAgent: 'Linux', language: 'en' });
vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined });
const { makeSequence } = await import('./keys');

function sequence() {
  const clock = { now: 0 };
  const went: string[] = [];
  const press = makeSequence(new Map([['r', () => void went.push('runs')]]), () => clock.now);
  return { clock, went, press };
}

test('g and then a letter goes there', () => {
  const { press, went } = sequence();
  expect([press('g'), press('r')]).toEqual([false, true]);
  expect(went).toEqual(['runs']);
});

test('the letter alone, or too late, or behind another key goes nowhere', () => {
  const { press, went, clock } = sequence();
  press('r');
  press('g');
  clock.now = 1500;
  press('r');
  press('g');
  press('x');
  press('r');
  expect(went).toEqual([]);
});
