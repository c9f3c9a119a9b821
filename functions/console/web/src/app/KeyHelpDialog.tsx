import { Dialog } from '@/ui';
import { t } from './i18n';
import { useKeyGroups } from './keys';
import { navigation } from './screen';

export default function KeyHelpDialog({ onClose }: { onClose: () => void }) {
  const { groups } = useKeyGroups();
  const places = navigation.flatMap(({ key, label }) => (key ? [{ keys: `G ${key.toUpperCase()}`, label }] : []));
  const all = [...groups, { title: t('Go to'), keys: places }];
  return (
    <Dialog open onOpenChange={onClose} title={t('Keys')} size="lg">
      <div className="grid gap-x-8 gap-y-5 sm:grid-cols-2">
        {all.map(({ title, keys }) => (
          <section key={title}>
            <h3 className="mb-1 font-semibold">{t(title)}</h3>
            <dl>
              {keys.map(({ keys: pressed, label }) => (
                <div key={label} className="flex items-center justify-between gap-4 border-b border-line py-1.5 last:border-0">
                  <dt className="text-muted">{t(label)}</dt>
                  <dd className="flex gap-1">
                    {pressed.split(' ').map((key) => (
                      <kbd key={key} className="rounded border border-line bg-page px-1.5 py-0.5 text-xs">
                        {key}
                      </kbd>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
