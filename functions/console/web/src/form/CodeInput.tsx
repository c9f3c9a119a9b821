/** A field for code, JSON or SQL. The editor for it is loaded when one is shown. */

import { lazy, Suspense } from 'react';

import { Skeleton } from '@/ui';

import type { CodeEditorProps } from './CodeEditor';

const CodeEditor = lazy(() => import('./CodeEditor'));

export function CodeInput(props: CodeEditorProps) {
  return (
    <Suspense fallback={<Skeleton lines={4} />}>
      <CodeEditor {...props} />
    </Suspense>
  );
}
