/** A value to look at: short ones at once, long ones cut until they are asked for. Never more than text. */

import { useState } from 'react';

import { t } from '@/app/i18n';
import { Button } from '@/ui';

const SHORT = 4_000;

export function JsonView({ value, label }: { value: unknown; label: string }) {
  const [isWhole, setWhole] = useState(false);
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  const isLong = text.length > SHORT;
  return (
    <div className="flex flex-col gap-1">
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable with keys */}
      <pre tabIndex={0} role="region" aria-label={label} className="max-h-80 overflow-auto rounded-md bg-hover p-2.5 text-sm break-words whitespace-pre-wrap">
        {isLong && !isWhole ? `${text.slice(0, SHORT)}…` : text}
      </pre>
      {isLong && !isWhole && (
        <Button size="sm" variant="ghost" className="self-start" onClick={() => setWhole(true)}>
          {t('Show all')}
        </Button>
      )}
    </div>
  );
}
