/** What of an integration's settings is sent: only what has changed, since secrets cannot be read and stay. */
import type { Field } from '@/form/describe';
import type { Config } from './api';

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The settings that were given: the API tells null for those that were not, and a form has nothing in their place. */
export function givenOf(config: Config): Config {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null));
}

/** The settings that differ; what was taken away is null. */
export function changesOf(before: Config, after: Config): Config {
  const changed = Object.entries(after).filter(([key, value]) => !isSame(before[key], value));
  const gone = Object.keys(before).filter((key) => !(key in after));
  return Object.fromEntries([...changed, ...gone.map((key) => [key, null] as [string, unknown])]);
}

/** Problems of the API as the form places them: below `config`. */
export function formProblems(fields: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).flatMap(([path, message]) => (path.startsWith('config.') ? [[path.slice('config.'.length), message]] : [])));
}

export interface Setting {
  key: string;
  label: string;
  value: unknown;
}

/** What people call a setting; its key where the type is not installed any more. */
export function labelIn(fields: readonly Field[], key: string): string {
  return fields.find((field) => field.key === key)?.label ?? key;
}

/** The settings that were given, in the order of the form; those that it does not know come last. */
export function settingsOf(fields: readonly Field[], config: Config): Setting[] {
  const place = (key: string) => {
    const found = fields.findIndex((field) => field.key === key);
    return found < 0 ? fields.length : found;
  };
  return Object.entries(givenOf(config))
    .map(([key, value]) => ({ key, label: labelIn(fields, key), value }))
    .sort((a, b) => place(a.key) - place(b.key));
}

/** A finding of the API as a sentence. */
export function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}
