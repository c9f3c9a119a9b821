/** The person's own settings, and for administrators who else there is. */
import { useSyncExternalStore } from 'react';
import { chooseLocale, locale, LOCALES, onLocaleChange, t, type Locale } from '@/app/i18n';
import { signOut, useSession } from '@/app/session';
import { useTheme, type Theme } from '@/app/theme';
import { Badge, Button, Card, Field, Page, Select, Time } from '@/ui';
import { Users } from './Users';

export default function SettingsScreen() {
  const isAdmin = useSession((state) => state.me?.is_admin ?? false);
  return (
    <Page title={t('Settings')}>
      <Profile />
      <Appearance />
      {isAdmin && <Users />}
    </Page>
  );
}

function Profile() {
  const me = useSession((state) => state.me);
  if (!me) return null;
  return (
    <Card title={t('You')} aside={<Button onClick={() => void signOut()}>{t('Sign out')}</Button>}>
      <dl className="grid grid-cols-[auto_1fr] items-center gap-x-6 gap-y-2">
        <dt className="text-muted">{t('Name')}</dt>
        <dd>{me.full_name ?? '–'}</dd>
        <dt className="text-muted">{t('E-mail address')}</dt>
        <dd className="break-all">{me.email}</dd>
        <dt className="text-muted">{t('Rights')}</dt>
        <dd>{me.is_admin ? <Badge tone="accent">{t('Administrator')}</Badge> : t('Member')}</dd>
        <dt className="text-muted">{t('Since')}</dt>
        <dd>
          <Time at={me.created_at} exact />
        </dd>
      </dl>
    </Card>
  );
}

function Appearance() {
  const { theme, choose } = useTheme();
  const language = useSyncExternalStore(onLocaleChange, locale);
  return (
    <Card title={t('Appearance')}>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={t('Colors')}>
          <Select
            value={theme}
            onChange={(value) => choose(value as Theme)}
            options={[
              { value: 'system', label: t('As the system') },
              { value: 'light', label: t('Light') },
              { value: 'dark', label: t('Dark') },
            ]}
          />
        </Field>
        <Field label={t('Language')}>
          <Select
            value={language}
            onChange={(value) => void chooseLocale(value as Locale)}
            options={Object.entries(LOCALES).map(([value, label]) => ({ value, label }))}
          />
        </Field>
      </div>
    </Card>
  );
}
