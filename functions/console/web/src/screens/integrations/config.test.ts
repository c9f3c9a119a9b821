import { expect, test } from 'vitest';
import { describe as fieldsOf } from '@/form/describe';
import { changesOf, formProblems, givenOf, sentence, settingsOf } from './config';

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

test('settings are called what the form calls them, in its order', () => {
  const fields = fieldsOf({ properties: { host: { type: 'string', title: 'Server' }, from_address: { type: 'string' } } });
  expect(settingsOf(fields, { old: 1, from_address: 'a@b.example', host: 'h', port: null })).toEqual([
    { key: 'host', label: 'Server', value: 'h' },
    { key: 'from_address', label: 'From address', value: 'a@b.example' },
    { key: 'old', label: 'old', value: 1 },
  ]);
});

test('a finding is a sentence', () => {
  expect(sentence('nobody has agreed yet')).toBe('Nobody has agreed yet.');
  expect(sentence('It works.')).toBe('It works.');
});
