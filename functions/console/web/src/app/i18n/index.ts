/**
 * English is the source: a text is its own key. `t('Runs')`, `t('{n, plural, one {# run} other {# runs}}', { n })`.
 *
 * German is in `de/<screen>.ts`, and a test fails for a text without it. Texts that are not told where they are
 * written, such as in tables, are marked with `msg('…')` there and given to `t` where they are shown.
 */
import { IntlMessageFormat } from 'intl-messageformat';

export const LOCALES = { en: 'English', de: 'Deutsch' } as const;
export type Locale = keyof typeof LOCALES;

const STORED = 'mainspring.locale';

let current: Locale = 'en';
let messages: Record<string, string> = {};
let schemaTexts: Record<string, string> = {};
const formats = new Map<string, IntlMessageFormat>();
const listeners = new Set<() => void>();

/** The text in the reader's language. */
export function t(text: string, values?: Record<string, unknown>): string {
  const found = messages[text] ?? text;
  return values ? String(formatOf(found).format(values as Record<string, string>)) : found;
}

function formatOf(text: string): IntlMessageFormat {
  const known = formats.get(text);
  if (known) return known;
  const made = new IntlMessageFormat(text, current);
  formats.set(text, made);
  return made;
}

/**
 * What a schema calls a field or a type, or says of it, in the reader's language. Schemas are English; other languages
 * are in `schema/<locale>.json` by the English text, and a test fails for one that is not there.
 */
export function said(text: string): string {
  return schemaTexts[text] ?? text;
}

/** Marks a text for translation that `t` shows elsewhere. */
export function msg(text: string): string {
  return text;
}

export function locale(): Locale {
  return current;
}

/** What this person chose, or what their browser prefers. */
export function preferredLocale(): Locale {
  const stored = localStorage.getItem(STORED);
  if (stored === 'en' || stored === 'de') return stored;
  return navigator.language.toLowerCase().startsWith('de') ? 'de' : 'en';
}

/** Load a language and use it. Whoever shows texts is drawn anew (`useLocale`). */
export async function activate(wanted: Locale): Promise<void> {
  const [own, schema] = wanted === 'de' ? await Promise.all([import('./de'), import('./schema/de.json')]) : [];
  messages = own?.default ?? {};
  schemaTexts = schema?.default ?? {};
  current = wanted;
  formats.clear();
  document.documentElement.lang = wanted;
  for (const listener of listeners) listener();
}

export async function chooseLocale(wanted: Locale): Promise<void> {
  localStorage.setItem(STORED, wanted);
  await activate(wanted);
}

export function onLocaleChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
