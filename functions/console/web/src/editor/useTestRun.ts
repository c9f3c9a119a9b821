/** Starts a test run of what is on the canvas, and follows a run: this one, the last, or any other. */

import { useCallback, useEffect, useRef } from 'react';

import { POLL } from '@/api/queries';
import { toastError } from '@/ui';
import { t } from '@/app/i18n';

import { calls, type TestRun } from './api';
import { shownRun } from './shownRun';
import type { EditorStore } from './store';
import type { Pin } from './types';

const OPEN = new Set(['pending', 'queued', 'running', 'waiting']);
const QUICK_MS = 10_000;

export function isOpen(status: string): boolean {
  return OPEN.has(status);
}

export function pinsOf(store: EditorStore): Record<string, Pin> {
  return store.getState().history.document.ui.pins ?? {};
}

export interface TestRuns {
  start: (options: Omit<TestRun, 'workflow_id' | 'draft' | 'pins'>) => Promise<boolean>;
  show: (id: string) => void;
  hide: () => void;
}

export function useTestRun(store: EditorStore, workflowId: string): TestRuns {
  const followed = useRef<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  const follow = useCallback(
    (id: string) => {
      followed.current = id;
      clearTimeout(timer.current);
      const begun = Date.now();
      const look = async (): Promise<void> => {
        if (followed.current !== id) return;
        try {
          const run = await calls.run(id);
          if (followed.current !== id) return;
          store.setState({ run: shownRun(run, store.getState().run) });
          if (!isOpen(run.status)) return;
        } catch (error) {
          toastError(t('The run could not be read'), error);
          return;
        }
        const pause = Date.now() - begun < QUICK_MS ? POLL.first : POLL.running;
        timer.current = setTimeout(() => void look(), globalThis.document.hidden ? POLL.waiting : pause);
      };
      void look();
    },
    [store],
  );
  useEffect(
    () => () => {
      followed.current = null;
      clearTimeout(timer.current);
    },
    [],
  );
  return {
    async start(options) {
      const { document } = store.getState().history;
      const draft = document.definition;
      const pins = pinsOf(store);
      const body: TestRun = { workflow_id: workflowId, draft, ...(Object.keys(pins).length > 0 ? { pins } : {}), ...options };
      try {
        const run = await calls.startTest(body, crypto.randomUUID());
        store.setState({ run: shownRun(run) });
        follow(run.id);
        return true;
      } catch (error) {
        toastError(t('The test run could not be started'), error);
        return false;
      }
    },
    show: follow,
    hide() {
      followed.current = null;
      store.setState({ run: null });
    },
  };
}
