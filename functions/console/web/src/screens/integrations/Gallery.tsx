/** The kinds of services that there are. */
import { useState } from 'react';
import { said, t } from '@/app/i18n';
import { TypeIcon } from '@/editor/icons';
import { Described } from '@/form/Described';
import { Dialog, ErrorState, Skeleton, TextInput } from '@/ui';
import type { IntegrationType } from './api';

interface GalleryProps {
  types: readonly IntegrationType[] | undefined;
  error: Error | null;
  onChoose: (type: IntegrationType) => void;
  onClose: () => void;
}

export function Gallery({ types, error, onChoose, onClose }: GalleryProps) {
  const [words, setWords] = useState('');
  const wanted = words.trim().toLowerCase();
  const found = (types ?? []).filter(({ type, title, description }) => `${type} ${title} ${said(title)} ${description}`.toLowerCase().includes(wanted));
  return (
    <Dialog open typed={null} onOpenChange={onClose} size="xl" title={t('Connect a service')}>
      {error && <ErrorState error={error} />}
      {!types && !error && <Skeleton lines={4} />}
      {types && (
        <div className="flex flex-col gap-4">
          <TextInput type="search" aria-label={t('Search services')} placeholder={t('Search')} value={words} onChange={(event) => setWords(event.target.value)} />
          <ul className="grid gap-2 sm:grid-cols-2 lg:grid-cols-3">
            {found.map((type) => {
              return (
                <li key={type.type}>
                  <button
                    type="button"
                    onClick={() => onChoose(type)}
                    className="flex h-full w-full items-start gap-3 rounded-lg border border-line bg-card p-3 text-left hover:border-accent"
                  >
                    <span className="flex size-9 shrink-0 items-center justify-center rounded-md bg-run-soft text-run">
                      <TypeIcon name={type.icon} className="size-4.5" />
                    </span>
                    <span className="min-w-0">
                      <span className="block font-semibold">{said(type.title)}</span>
                      <span className="line-clamp-2 text-sm text-muted">
                        <Described text={said(type.description.split('\n')[0] ?? '')} />
                      </span>
                    </span>
                  </button>
                </li>
              );
            })}
          </ul>
          {found.length === 0 && <p className="text-muted">{t('None fits. Anything with a web address can be reached by the kind for HTTP.')}</p>}
        </div>
      )}
    </Dialog>
  );
}
