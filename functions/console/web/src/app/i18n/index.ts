/**
 * English is the source: a text is its own key. `t('Runs')`, `t('{n, plural, one {# run} other {# runs}}', { n })`.
 *
 * German is in `de/<screen>.ts`, and a test fails for a text without it. Texts that are not told where they are
 * written, such as in tables, are marked with `msg('…')` there and given to `t` where they are shown.
 */
import { i18n } from '@lingui/core';
import { compileMessage } from '@lingui/message-utils/compileMessage';

export const LOCALES = { en: 'English', de: 'Deutsch' } as const;
export type Locale = keyof typeof LOCALES;

const STORED = 'mainspring.locale';

i18n.setMessagesCompiler(compileMessage);
i18n.loadAndActivate({ locale: 'en', messages: {} });

/** The text in the reader's language. */
export function t(text: string, values?: Record<string, unknown>): string {
  return i18n._(text, values);
}

/** Marks a text for translation that `t` shows elsewhere. */
export function msg(text: string): string {
  return text;
}

export function locale(): Locale {
  return i18n.locale === 'de' ? 'de' : 'en';
}

/** What this person chose, or what their browser prefers. */
export function preferredLocale(): Locale {
  const stored = localStorage.getItem(STORED);
  if (stored === 'en' || stored === 'de') return stored;
  return navigator.language.toLowerCase().startsWith('de') ? 'de' : 'en';
}

/** Load a language and use it. Whoever shows texts is drawn anew (`useLocale`). */
export async function activate(wanted: Locale): Promise<void> {
  const messages = wanted === 'de' ? (await import('./de')).default : {};
  document.documentElement.lang = wanted;
  i18n.loadAndActivate({ locale: wanted, messages });
}

export async function chooseLocale(wanted: Locale): Promise<void> {
  localStorage.setItem(STORED, wanted);
  await activate(wanted);
}

export function onLocaleChange(listener: () => void): () => void {
  return i18n.on('change', listener);
}
