/** An edge: solid and green where the run went, dashed where it did not, with what inserts a step in its middle. */

import { BaseEdge, EdgeLabelRenderer, getSmoothStepPath, type EdgeProps } from '@xyflow/react';
import { Plus } from 'lucide-react';

import { t } from '@/app/i18n';
import { cx } from '@/ui';

import type { WayEdge } from './graph';
import { START } from './graph';
import { useEditorStore } from './store';

function strokeOf(taken: boolean | undefined, selected: boolean, mark: string | undefined): { stroke: string; strokeWidth: number; strokeDasharray?: string } {
  if (selected) return { stroke: 'var(--accent)', strokeWidth: 2.5 };
  if (mark) return { stroke: 'var(--ok)', strokeWidth: 2 };
  if (taken === true) return { stroke: 'var(--ok)', strokeWidth: 2 };
  if (taken === false) return { stroke: 'var(--line-strong)', strokeWidth: 1.25, strokeDasharray: '4 4' };
  return { stroke: 'var(--line-strong)', strokeWidth: 1.5 };
}

export function WayLine(props: EdgeProps<WayEdge>) {
  const { id, sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, data, selected } = props;
  const store = useEditorStore();
  const [path, labelX, labelY] = getSmoothStepPath({ sourceX, sourceY, sourcePosition, targetX, targetY: targetY - 7, targetPosition, borderRadius: 10 });
  const style = strokeOf(data?.taken, selected === true, data?.mark);
  const isStart = data?.edge.from.startsWith(START) ?? false;
  const canInsert = data && !isStart && !store.getState().isReadOnly;
  return (
    <>
      <BaseEdge id={id} path={path} style={style} interactionWidth={24} />
      <path d={`M ${targetX - 5} ${targetY - 8} L ${targetX + 5} ${targetY - 8} L ${targetX} ${targetY - 1} Z`} fill={style.stroke} />
      {canInsert && (
        <EdgeLabelRenderer>
          <button
            type="button"
            tabIndex={-1}
            aria-label={t('Insert a step between {from} and {to}', { from: data.edge.from, to: data.edge.to })}
            style={{ transform: `translate(-50%, -50%) translate(${labelX}px, ${labelY}px)` }}
            onClick={() => store.getState().openPalette({ kind: 'edge', edge: data.edge, scope: data.scope })}
            className={cx(
              'nodrag nopan pointer-events-auto absolute z-10 flex size-5 items-center justify-center rounded-full border border-line bg-card text-muted shadow-raised transition-opacity hover:border-accent hover:text-accent focus-visible:opacity-100',
              selected ? 'opacity-100' : 'opacity-40 hover:opacity-100',
            )}
          >
            <Plus aria-hidden className="size-3" />
          </button>
        </EdgeLabelRenderer>
      )}
    </>
  );
}
