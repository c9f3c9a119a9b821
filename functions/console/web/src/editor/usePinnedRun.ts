/**
 * Opened from a run: it is shown, what its steps gave is pinned, and what it began with is the test input, so that a
 * test run goes the same way.
 */

import { useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';

import { t } from '@/app/i18n';
import { toast, toastError } from '@/ui';

import { calls } from './api';
import { withDataOf } from './runData';
import type { EditorStore } from './store';
import type { TestRuns } from './useTestRun';

export function usePinnedRun(store: EditorStore, runs: TestRuns, runId: string | undefined): void {
  const navigate = useNavigate();
  useEffect(() => {
    if (runId === undefined) return;
    let isLeft = false;
    calls
      .run(runId)
      .then((run) => {
        if (isLeft) return;
        store.getState().apply(t('Pinned the outputs of a run'), (document) => withDataOf(document, run));
        runs.show(runId);
        toast(t('What its steps gave is pinned'), { text: t('Test runs use it. Take a pin away to run the step anew.') });
        // Once: loading the page again must not bring back pins that were taken away since.
        void navigate({ to: '.', search: {}, replace: true });
      })
      .catch((error: unknown) => toastError(t('The run could not be read'), error));
    return () => {
      isLeft = true;
    };
    // `runs` is made anew each time; the run is pinned once.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [store, runId]);
}
