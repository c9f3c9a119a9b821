/** Asks the server 400 ms after the last change what is wrong with the workflow. */

import { useEffect } from 'react';

import { calls } from './api';
import { definitionOf, type EditorStore } from './store';

const AFTER_MS = 400;
const AGAIN_MS = 15_000;

export function useValidation(store: EditorStore, workflowId: string): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let controller: AbortController | undefined;
    const validate = () => {
      clearTimeout(timer);
      controller?.abort();
      controller = new AbortController();
      const { signal } = controller;
      const { document } = store.getState().history;
      calls
        .validate(workflowId, definitionOf(document), signal)
        .then(({ problems }) => {
          if (!signal.aborted) store.setState({ problems, isUnchecked: false });
        })
        .catch(() => {
          if (signal.aborted) return;
          store.setState({ isUnchecked: true });
          timer = setTimeout(validate, AGAIN_MS);
        });
    };
    validate();
    const end = store.subscribe((state, before) => {
      if (state.history.document === before.history.document) return;
      clearTimeout(timer);
      timer = setTimeout(validate, AFTER_MS);
    });
    return () => {
      end();
      clearTimeout(timer);
      controller?.abort();
    };
  }, [store, workflowId]);
}
