/** The person's own settings, and for administrators who else there is. */
import { useSyncExternalStore } from 'react';
import { chooseLocale, locale, LOCALES, onLocaleChange, t, type Locale } from '@/app/i18n';
import { useSession } from '@/app/session';
import { useTheme, type Theme } from '@/app/theme';
import { Card, Field, Page, Select } from '@/ui';
import { Profile } from './Profile';
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
