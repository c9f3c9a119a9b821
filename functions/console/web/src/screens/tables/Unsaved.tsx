/** What was typed and could not be saved, and what can be done with it: it is not lost. */
import { CircleAlert } from 'lucide-react';
import { t } from '@/app/i18n';
import { Button } from '@/ui';
import { cellOf, textOf } from './cells';
import type { RowEdits, Unsaved } from './edits';

function told({ key, column, row, message, isBroughtBack }: Unsaved): string {
  if (isBroughtBack) return t('“{column}” of {key} was not saved the last time.', { column, key });
  if (message) return t('“{column}” of {key} could not be saved: {message}', { column, key, message });
  if (!row) return t('{key} was deleted meanwhile.', { key });
  return t('{key} has changed meanwhile: “{column}” is {there} now.', { key, column, there: textOf(cellOf(row.value, column)) || t('empty') });
}

export function UnsavedEdits({ edits }: { edits: RowEdits }) {
  if (!edits.unsaved.length) return null;
  return (
    <div role="alert" className="flex flex-col gap-2">
      {edits.unsaved.map((one) => (
        <div key={`${one.key} ${one.column}`} className="flex flex-wrap items-center gap-3 rounded-lg border border-wait/30 bg-wait-soft px-4 py-3 text-wait">
          <CircleAlert aria-hidden className="size-4 shrink-0" />
          <p className="min-w-0 flex-1 break-words">
            {told(one)} {t('You typed: {text}', { text: one.text || t('empty') })}
          </p>
          <span className="flex gap-2">
            <Button size="sm" onClick={() => edits.forget(one)}>
              {t('Leave it')}
            </Button>
            <Button size="sm" variant="primary" onClick={() => edits.insist(one)}>
              {one.message || one.isBroughtBack ? t('Try again') : t('Save mine')}
            </Button>
          </span>
        </div>
      ))}
    </div>
  );
}
