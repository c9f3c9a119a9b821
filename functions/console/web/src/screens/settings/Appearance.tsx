/** Colors and language, for this browser. */
import { useSyncExternalStore } from 'react';
import { chooseLocale, locale, LOCALES, onLocaleChange, t, type Locale } from '@/app/i18n';
import { useTheme, type Theme } from '@/app/theme';
import { Card, Field, Select } from '@/ui';

export function Appearance() {
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
