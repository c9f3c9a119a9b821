/** What expressions in a step see: outputs of the shown run, of earlier runs, and pins, of the steps before it. */

import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo, type ReactNode } from 'react';

import type { ExampleScope } from '../expr/complete';
import { ScopeContext } from '../expr/scope';
import { calls, type Samples } from './api';
import { triggerOf } from './samples';
import type { ShownRun } from './shownRun';
import { useEditor } from './store';
import { ancestors, bodyOf, findNode, loopsAround } from './tree';
import type { Definition, Pin, WorkflowDocument } from './types';

/** How long it may take until the server knows a trigger that was just added. */
const SAVED_MS = 2_000;

export function useSamples(workflowId: string): Samples | undefined {
  const triggers = useEditor((state) => state.history.document.definition.triggers);
  return useQuery({
    // Before the first run they are made up by the triggers of the draft.
    queryKey: ['samples', workflowId, JSON.stringify(triggers ?? [])],
    queryFn: () => calls.samples(workflowId),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
    retry: false,
    refetchInterval: ({ state }) => (triggers?.length && state.data?.trigger === null && state.dataUpdateCount < 5 ? SAVED_MS : false),
  }).data;
}

/** The steps that may have run before one: those before it, before its loops, and the loops themselves not. */
export function knownBefore(definition: Definition, id: string | null): string[] {
  if (id === null) return definition.nodes.map((node) => node.id);
  return [id, ...loopsAround(definition, id)].flatMap((one) => {
    const scope = findNode(definition, one)?.scope ?? null;
    const body = bodyOf(definition, scope);
    return body ? [...ancestors(body, one)] : [];
  });
}

function outputOf(id: string, run: ShownRun | null, samples: Samples | undefined, pins: Record<string, Pin>): unknown {
  const pin = pins[id];
  if (pin) return pin.output;
  const ran = run?.nodes[id];
  if (ran && ran.output !== null) return ran.output;
  const found = samples?.nodes[id] ?? Object.entries(samples?.nodes ?? {}).find(([path]) => path.endsWith(`.${id}`))?.[1];
  return found?.output;
}

function scopeFor(document: WorkflowDocument, id: string | null, run: ShownRun | null, samples: Samples | undefined): ExampleScope {
  const { definition, ui } = document;
  const pins = ui.pins ?? {};
  const nodes = Object.fromEntries(
    knownBefore(definition, id).map((one) => {
      const output = outputOf(one, run, samples, pins);
      return [one, output === undefined ? {} : output];
    }),
  );
  const trigger = triggerOf(samples, ui.testInput);
  const loop = id === null ? undefined : loopsAround(definition, id)[0];
  const item = loop === undefined ? {} : { item: samples?.nodes[loop]?.item ?? {}, index: samples?.nodes[loop]?.index ?? 0 };
  const execution = { id: '', workflow_id: '', api_url: '', callbacks: {} };
  return { trigger, nodes, vars: definition.vars ?? {}, execution, ...item };
}

interface SampleScopeProps {
  workflowId: string;
  nodeId: string | null;
  children: ReactNode;
}

export function SampleScope({ workflowId, nodeId, children }: SampleScopeProps) {
  const samples = useSamples(workflowId);
  const document = useEditor((state) => state.history.document);
  const run = useEditor((state) => state.run);
  const value = useMemo(
    () => ({ scope: scopeFor(document, nodeId, run, samples), source: run ? ('run' as const) : ('none' as const) }),
    [document, nodeId, run, samples],
  );
  return <ScopeContext value={value}>{children}</ScopeContext>;
}
