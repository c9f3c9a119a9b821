/** Whether what is on the canvas is saved: said in words, and to screen readers when it changes for the worse. */

import { Check, CloudOff, Eye, LoaderCircle, PencilLine, TriangleAlert, type LucideIcon } from 'lucide-react';

import { msg, t } from '@/app/i18n';
import { cx } from '@/ui';

import type { SaveState } from './autosave';
import { useEditor } from './store';

const LOOK: Record<SaveState, { icon: LucideIcon; word: string; className: string }> = {
  saved: { icon: Check, word: msg('Saved'), className: 'text-muted' },
  unsaved: { icon: PencilLine, word: msg('Not saved yet'), className: 'text-muted' },
  saving: { icon: LoaderCircle, word: msg('Saving'), className: 'text-muted [&>svg]:animate-spin' },
  retrying: { icon: CloudOff, word: msg('Kept in this browser, trying again'), className: 'text-wait' },
  conflict: { icon: TriangleAlert, word: msg('Waiting for your decision'), className: 'text-wait' },
  refused: { icon: TriangleAlert, word: msg('Could not be saved'), className: 'text-bad' },
};

/** For those who may only look. */
const READ_ONLY = { icon: Eye, word: msg('Only to look at'), className: 'text-muted' };

export function SaveStatus() {
  const save = useEditor((state) => state.save);
  const error = useEditor((state) => state.saveError);
  const isReadOnly = useEditor((state) => state.isReadOnly);
  const { icon: Icon, word, className } = isReadOnly ? READ_ONLY : LOOK[save];
  return (
    <span data-save={save} role="status" title={error ?? undefined} className={cx('flex items-center gap-1.5 text-sm whitespace-nowrap', className)}>
      <Icon aria-hidden className="size-3.5" />
      <span className="max-sm:sr-only">{t(word)}</span>
      {save === 'refused' && error && <span className="max-w-64 truncate max-sm:sr-only">{error}</span>}
    </span>
  );
}
