/** What ran, drawn: the version of the run with the state of each step, also after the workflow was changed. */
import { useEffect, useMemo } from 'react';
import { t } from '@/app/i18n';
import { Canvas } from '@/editor/Canvas';
import { useCatalogue } from '@/editor/catalogue';
import type { ShownRun } from '@/editor/shownRun';
import { createEditorStore, documentOf, EditorContext } from '@/editor/store';
import type { Definition } from '@/editor/types';
import { EmptyState, ErrorState, Skeleton } from '@/ui';
import type { Run } from './api';
import { placeOf, type Row } from './model';
import { useRanDefinition } from './useNodeTitles';

export interface RunCanvasProps {
  run: Run;
  /** The nodes outside of loops, and those of the chosen iterations. */
  rows: readonly Row[];
  chosen: string | undefined;
  onChoose: (path: string) => void;
}

export default function RunCanvas(props: RunCanvasProps) {
  const ran = useRanDefinition(props.run.id);
  const { catalogue, error, retry } = useCatalogue();
  if (error) return <ErrorState error={error} onRetry={retry} />;
  if (ran === null) return <EmptyState title={t('What ran is not kept any more')} text={t('The list of steps still tells what happened.')} />;
  if (!ran || !catalogue) return <Skeleton lines={6} className="p-6" />;
  return <Drawn {...props} definition={ran.definition as unknown as Definition} catalogue={catalogue} />;
}

/** The timeline beside the canvas goes through the iterations of loops. */
const STEPPED_ELSEWHERE = { loops: {}, chosen: {}, all: [] };

/** The states by the id of the node, as the canvas wants them. */
export function shownRun(run: Run, rows: readonly Row[]): ShownRun {
  const nodes = Object.fromEntries(rows.map(({ id, node }) => [id, node]));
  return { id: run.id, status: run.status, isTest: run.test, dollars: run.dollars, nodes, ...STEPPED_ELSEWHERE };
}

interface DrawnProps extends RunCanvasProps {
  definition: Definition;
  catalogue: NonNullable<ReturnType<typeof useCatalogue>['catalogue']>;
}

function Drawn({ run, rows, chosen, onChoose, definition, catalogue }: DrawnProps) {
  const store = useMemo(() => {
    const made = createEditorStore(documentOf(run.workflow_name ?? '', null, definition), { isReadOnly: true });
    // Loops are open where their iterations are what is of interest.
    for (const { id, iterations } of rows) if (iterations.length) made.getState().toggleLoop(id);
    return made;
    // Made once for what ran; its run is set below.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [definition]);
  useEffect(() => store.setState({ run: shownRun(run, rows) }), [store, run, rows]);
  useEffect(() => {
    const id = chosen === undefined ? undefined : placeOf(chosen).id;
    const { selection } = store.getState();
    if (id !== undefined && !(selection.kind === 'nodes' && selection.ids[0] === id)) store.getState().selectNode(id);
  }, [store, chosen]);
  useEffect(
    () =>
      store.subscribe((state, before) => {
        if (state.selection === before.selection || state.selection.kind !== 'nodes') return;
        const [id] = state.selection.ids;
        const row = rows.find((one) => one.id === id);
        if (row && row.node.id !== chosen) onChoose(row.node.id);
      }),
    [store, rows, chosen, onChoose],
  );
  return (
    <EditorContext value={store}>
      <Canvas catalogue={catalogue} label={t('What ran')} />
    </EditorContext>
  );
}
