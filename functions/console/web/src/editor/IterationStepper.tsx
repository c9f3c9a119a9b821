/** Goes through the iterations of a loop in the run that is shown. */

import { ChevronLeft, ChevronRight } from 'lucide-react';

import { t } from '@/app/i18n';
import { IconButton } from '@/ui';

import type { ShownLoop } from './shownRun';
import { useEditorStore } from './store';

export function IterationStepper({ loop }: { loop: ShownLoop }) {
  const store = useEditorStore();
  const at = loop.iterations.findIndex((one) => one.index === loop.index);
  const go = (to: number) => {
    const next = loop.iterations[to];
    if (next) store.getState().stepLoop(loop.path, next.index);
  };
  return (
    // A click here is none on the step around it.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions
    <span className="nodrag nopan flex items-center text-sm text-muted" onClick={(event) => event.stopPropagation()}>
      <IconButton size="sm" icon={ChevronLeft} label={t('Iteration before')} disabled={at <= 0} onClick={() => go(at - 1)} />
      <span className="tabular-nums">{t('{n} of {total}', { n: at + 1, total: loop.iterations.length })}</span>
      <IconButton size="sm" icon={ChevronRight} label={t('Next iteration')} disabled={at >= loop.iterations.length - 1} onClick={() => go(at + 1)} />
    </span>
  );
}
