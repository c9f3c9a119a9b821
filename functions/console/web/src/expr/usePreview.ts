/** The value of a text with templates over the samples, as the engine gives it, shortly after one has stopped typing. */

import { useEffect, useState } from 'react';

import { request } from '@/api/client';

import type { ExampleScope } from './complete';
import { referencesIn } from './references';
import { hasTemplate, templatesIn } from './scanner';

export interface PreviewAnswer {
  value: unknown;
  found: boolean;
  problems: { message: string; offset?: number; length?: number }[];
}

/** `failed`: the server could not be asked. */
export type Shown = PreviewAnswer | 'failed';

const AFTER_MS = 400;
const MAX_SCOPE = 200_000;

/** Only what the text reads, so that little is sent. */
function neededScope(text: string, scope: ExampleScope): Record<string, unknown> | undefined {
  const ids = new Set(referencesIn(text).filter((one) => one.root === 'nodes').map((one) => one.id));
  const isWhole = /\bnodes\b(?!\s*\.)/.test(text);
  const nodes = Object.fromEntries(Object.entries(scope.nodes).filter(([id]) => isWhole || ids.has(id)));
  const needed = { ...scope, nodes };
  return JSON.stringify(needed).length > MAX_SCOPE ? undefined : needed;
}

export function usePreview(text: string, scope: ExampleScope, isActive: boolean): Shown | undefined {
  const [answer, setAnswer] = useState<{ text: string; answer: Shown }>();
  const isReady = isActive && hasTemplate(text) && templatesIn(text).every((one) => one.closed && one.source.trim());
  useEffect(() => {
    if (!isReady) return;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      const body = { text, scope: neededScope(text, scope) ?? { nodes: {} } };
      request<PreviewAnswer>('POST', '/api/expressions', { body, signal: controller.signal })
        .then((found) => setAnswer({ text, answer: found }))
        .catch(() => {
          if (!controller.signal.aborted) setAnswer({ text, answer: 'failed' });
        });
    }, AFTER_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [text, scope, isReady]);
  return isReady && answer?.text === text ? answer.answer : undefined;
}
