/** Opened from a run: it is shown, and what its steps gave is pinned, so that a test run goes the same way. */

import { useEffect } from 'react';

import { t } from '@/app/i18n';
import { toast, toastError } from '@/ui';

import { calls, type Pin } from './api';
import type { EditorStore } from './store';
import { allIds } from './tree';
import type { TestRuns } from './useTestRun';

const MAX_PINS_BYTES = 100_000;

export function usePinnedRun(store: EditorStore, runs: TestRuns, runId: string | undefined): void {
  useEffect(() => {
    if (runId === undefined) return;
    let isLeft = false;
    calls
      .run(runId)
      .then((run) => {
        if (isLeft) return;
        const ids = allIds(store.getState().history.document.definition);
        const pins: Record<string, Pin> = {};
        let bytes = 0;
        for (const node of run.nodes ?? []) {
          if (node.status !== 'succeeded' || !ids.has(node.id)) continue;
          const pin = { output: node.output, ...(node.port ? { port: node.port } : {}) };
          bytes += JSON.stringify(pin).length;
          if (bytes <= MAX_PINS_BYTES) pins[node.id] = pin;
        }
        store.getState().apply(t('Pinned the outputs of a run'), (document) => ({ ...document, ui: { ...document.ui, pins } }));
        runs.show(runId);
        toast(t('What its steps gave is pinned'), { text: t('Test runs use it. Take a pin away to run the step anew.') });
      })
      .catch((error: unknown) => toastError(t('The run could not be read'), error));
    return () => {
      isLeft = true;
    };
    // `runs` is made anew each time; the run is pinned once.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [store, runId]);
}
