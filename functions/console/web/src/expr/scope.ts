/** What expressions of the open form see: samples of real runs, shared by all fields of it. */

import { createContext, useContext } from 'react';

import type { ExampleScope } from './complete';

export interface ExpressionScope {
  scope: ExampleScope;
  /** Values that were asked for and are not known: it is said where the samples come from. */
  source: 'run' | 'none';
}

export const ScopeContext = createContext<ExpressionScope>({ scope: { nodes: {} }, source: 'none' });

export function useScope(): ExpressionScope {
  return useContext(ScopeContext);
}
