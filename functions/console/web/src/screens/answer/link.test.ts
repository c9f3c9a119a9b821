import { expect, test } from 'vitest';
import { isAnswerPage, tokenIn } from './link';

test('the page of a link is one address, and the token is behind the hash', () => {
  expect(isAnswerPage('/console/answer')).toBe(true);
  expect(isAnswerPage('/console/answer/')).toBe(true);
  expect(isAnswerPage('/console/answers')).toBe(false);
  expect(tokenIn('#abc.def')).toBe('abc.def');
  expect(tokenIn('#%E0%A4%A')).toBe('');
});
