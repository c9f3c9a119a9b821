import { t } from '@/app/i18n';
import { Field, TextInput } from '@/ui';

/** The characters that a password has at least. */
export const LEAST_PASSWORD = 8;

interface NewPasswordProps {
  value: string;
  onChange: (value: string) => void;
  error: string | null | undefined;
  autoFocus?: boolean;
}

/** Where somebody who has an account types the password that they want. */
export function NewPassword({ value, onChange, error, autoFocus = false }: NewPasswordProps) {
  return (
    <Field label={t('New password')} hint={t('At least {n} characters.', { n: LEAST_PASSWORD })} error={error}>
      <TextInput
        type="password"
        name="password"
        autoComplete="new-password"
        autoFocus={autoFocus}
        required
        minLength={LEAST_PASSWORD}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </Field>
  );
}
