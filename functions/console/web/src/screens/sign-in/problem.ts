import { ApiError } from '@/api/errors';
import { t } from '@/app/i18n';

/** Why it did not work, in the reader's language where it is one of the usual reasons. */
export function problemOf(error: unknown): string {
  if (!(error instanceof ApiError)) return t('The server cannot be reached. Check your connection and try again.');
  switch (error.code) {
    case 'wrong_credentials':
      return t('The e-mail address or the password is wrong.');
    case 'registration_closed':
      return t('Registration is closed. An administrator can add you.');
    case 'email_taken':
      return t('There is an account with this address. Sign in with it.');
    default:
      if (error.status === 429) return t('Too many failed sign-ins. Try again later.');
      return error.message;
  }
}
