/** Findings of a form in sentences. */

import { msg, t } from '@/app/i18n';

import type { Finding } from './check';

const SENTENCES: Record<Finding['code'], string> = {
  missing: msg('This is needed.'),
  number: msg('This has to be a number, or an expression.'),
  integer: msg('This has to be a whole number.'),
  minimum: msg('This has to be at least {expected}.'),
  maximum: msg('This has to be at most {expected}.'),
  too_short: msg('This has to have at least {expected} characters.'),
  too_long: msg('This has to have at most {expected} characters.'),
  pattern: msg('This does not have the form that is expected.'),
  choice: msg('This has to be one of: {expected}.'),
  kind: msg('This has another kind of value than is expected.'),
};

export function sentenceOf(finding: Finding): string {
  return t(SENTENCES[finding.code], { expected: finding.expected ?? '' });
}
