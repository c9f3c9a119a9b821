import { expect, test } from 'vitest';
import { changesOf, formProblems, givenOf } from './config';

test('only what has changed is sent', () => {
  expect(changesOf({ host: 'a', port: 1, tls: { on: true } }, { host: 'b', port: 1, tls: { on: true }, password: 'new' })).toEqual({
    host: 'b',
    password: 'new',
  });
});

test('what was taken away is null, so that it is not kept', () => {
  expect(changesOf({ host: 'a', port: 1 }, { host: 'a' })).toEqual({ port: null });
});

test('what was never given is not in the form, and not sent', () => {
  expect(givenOf({ host: 'a', port: null, tls: false })).toEqual({ host: 'a', tls: false });
  expect(changesOf(givenOf({ host: 'a', port: null }), { host: 'a' })).toEqual({});
});

test('problems stand at the fields of the form', () => {
  expect(formProblems({ 'config.host': 'no host', name: 'taken' })).toEqual({ host: 'no host' });
});
