/** What the canvas draws: steps, loops that are open, and what starts a workflow. */

import { Handle, Position, useUpdateNodeInternals, type NodeProps } from '@xyflow/react';
import { Ban, Check, ChevronDown, ChevronUp, CircleAlert, Clock, LoaderCircle, Minus, Pin, Play, Plus, X, type LucideIcon } from 'lucide-react';
import { createContext, useContext, useEffect } from 'react';

import { t } from '@/app/i18n';
import { formatDuration } from '@/app/i18n/format';
import { cx } from '@/ui';

import type { RunNode } from './api';
import { summaryOf, titleOf, type Catalogue } from './catalogue';
import type { CardNode, LoopNode, PillNode } from './graph';
import { TypeIcon, tintOf } from './icons';
import { IterationStepper } from './IterationStepper';
import { useEditorStore } from './store';
import { MAIN_PORT, type NodeDefinition } from './types';

export const CatalogueContext = createContext<Catalogue>({ nodes: new Map(), triggers: new Map() });

interface Look {
  icon: LucideIcon;
  className: string;
  spin?: boolean;
}

const LOOKS: Record<string, Look> = {
  succeeded: { icon: Check, className: 'bg-ok text-page' },
  failed: { icon: X, className: 'bg-bad text-page' },
  timed_out: { icon: X, className: 'bg-bad text-page' },
  running: { icon: LoaderCircle, className: 'bg-run text-page', spin: true },
  waiting: { icon: Clock, className: 'bg-wait text-page' },
  cancelled: { icon: Ban, className: 'bg-line-strong text-page' },
  skipped: { icon: Minus, className: 'bg-line-strong text-page' },
};

/** A state at the corner of a card. Its word is in the card's own name. */
function StateBadge({ run }: { run: RunNode }) {
  const look = LOOKS[run.status];
  if (!look) return null;
  const Icon = look.icon;
  return (
    <span aria-hidden className={cx('absolute -top-2.5 -right-2.5 z-10 flex size-5.5 items-center justify-center rounded-full border-2 border-page', look.className)}>
      <Icon className={cx('size-3.5', look.spin && 'animate-spin')} strokeWidth={2.5} />
    </span>
  );
}

export function durationOf(run: RunNode | undefined): number | undefined {
  if (!run?.started_at || !run.completed_at) return undefined;
  return Math.max(0, Date.parse(run.completed_at) - Date.parse(run.started_at));
}

const MARKS = { added: 'border-ok ring-2 ring-ok/25', changed: 'border-wait ring-2 ring-wait/25', removed: 'border-bad ring-2 ring-bad/25' };

/** What names a step on its card: the icon of its type, its title, its type and a line of its settings. */
function Heading({ node }: { node: NodeDefinition }) {
  const catalogue = useContext(CatalogueContext);
  const type = catalogue.nodes.get(node.type);
  return (
    <>
        <span className={cx('flex size-8.5 shrink-0 items-center justify-center rounded-md', tintOf(type?.group))}>
          <TypeIcon name={type?.icon} className="size-4.5" />
        </span>
        <span className="min-w-0 flex-1">
          <span className="block truncate font-semibold">{titleOf(node, catalogue)}</span>
          <Line type={type?.title ?? node.type} text={summaryOf(node, catalogue)} />
        </span>
    </>
  );
}

export function Card({ id, data, selected }: NodeProps<CardNode>) {
  const { node, run, ports, problems } = data;
  const duration = durationOf(run);
  const isSkipped = run?.status === 'skipped';
  return (
    <div
      className={cx(
        'relative flex h-full w-full items-center gap-3 rounded-lg border bg-card px-3 transition-shadow',
        selected ? 'border-accent ring-4 ring-accent/20' : 'border-line shadow-raised hover:border-line-strong',
        data.mark && MARKS[data.mark],
        isSkipped && 'opacity-55',
      )}
    >
      <Target />
      <Heading node={node} />
      {duration !== undefined && <span className="absolute right-3 bottom-0.5 text-xs text-muted tabular-nums">{formatDuration(duration)}</span>}
      {run && <StateBadge run={run} />}
      {!run && problems > 0 && <ProblemBadge />}
      {data.pinned && <Pin aria-hidden className="absolute -top-1.5 -left-1.5 size-4 fill-accent text-accent" />}
      {node.body && <LoopToggle id={id} isOpen={false} />}
      <Ports id={id} ports={ports} free={data.free} scope={data.scope} />
    </div>
  );
}

function Line({ type, text }: { type: string; text: string }) {
  return (
    <span className="block truncate text-sm text-muted">
      {type}
      {text && (
        <>
          {' · '}
          <span className="font-mono text-xs">{text}</span>
        </>
      )}
    </span>
  );
}

function ProblemBadge() {
  return (
    <span aria-hidden className="absolute -top-2.5 -right-2.5 flex size-5.5 items-center justify-center rounded-full border-2 border-page bg-bad text-page">
      <CircleAlert className="size-3.5" />
    </span>
  );
}

const HANDLE = '!size-2 !min-h-0 !min-w-0 !border-2 !border-card !bg-ink';

function Target() {
  const { isReadOnly } = useEditorStore().getState();
  return <Handle type="target" position={Position.Top} className={HANDLE} isConnectable={!isReadOnly} />;
}

interface PortsProps {
  id: string;
  ports: string[];
  free: string[];
  scope: string | null;
}

/** Where edges leave, side by side, with their names if there are several; and what adds the next step. */
function Ports({ id, ports, free, scope }: PortsProps) {
  const store = useEditorStore();
  const { isReadOnly } = store.getState();
  const refresh = useUpdateNodeInternals();
  const key = ports.join('\n');
  useEffect(() => refresh(id), [id, key, refresh]);
  const isNamed = ports.length > 1 || ports.some((port) => port !== MAIN_PORT);
  return ports.map((port, index) => {
    const left = `${((index + 1) / (ports.length + 1)) * 100}%`;
    const isFree = free.includes(port);
    return (
      <div key={port}>
        <Handle type="source" id={port} position={Position.Bottom} style={{ left }} className={HANDLE} isConnectable={!isReadOnly} />
        {isNamed && (
          <span aria-hidden style={{ left }} className="pointer-events-none absolute top-full mt-1.5 max-w-24 translate-x-2 truncate text-xs text-muted">
            {port === 'error' ? t('on error') : port}
          </span>
        )}
        {isFree && !isReadOnly && (
          <button
            type="button"
            tabIndex={-1}
            style={{ left }}
            aria-label={t('Add a step behind {id}, {port}', { id, port })}
            onClick={(event) => {
              event.stopPropagation();
              store.getState().openPalette({ kind: 'after', node: id, port, scope });
            }}
            className="nodrag nopan absolute top-full mt-6 flex size-5 -translate-x-1/2 items-center justify-center rounded-full border border-dashed border-line-strong bg-card text-muted hover:border-solid hover:border-accent hover:text-accent"
          >
            <Plus aria-hidden className="size-3" />
          </button>
        )}
      </div>
    );
  });
}

function LoopToggle({ id, isOpen }: { id: string; isOpen: boolean }) {
  const store = useEditorStore();
  const Chevron = isOpen ? ChevronUp : ChevronDown;
  return (
    <button
      type="button"
      tabIndex={-1}
      aria-label={isOpen ? t('Close the loop {id}', { id }) : t('Open the loop {id}', { id })}
      onClick={(event) => {
        event.stopPropagation();
        store.getState().toggleLoop(id);
      }}
      className="nodrag nopan flex size-6 shrink-0 items-center justify-center rounded-md text-muted hover:bg-hover hover:text-ink"
    >
      <Chevron aria-hidden className="size-4" />
    </button>
  );
}

/** A loop whose body is shown in place. */
export function LoopFrame({ id, data, selected }: NodeProps<LoopNode>) {
  const store = useEditorStore();
  const { node, run } = data;
  const isEmpty = (node.body?.nodes.length ?? 0) === 0;
  return (
    <div
      className={cx(
        'relative h-full w-full rounded-lg border-2 border-dashed bg-hover/60',
        selected ? 'border-accent ring-4 ring-accent/20' : 'border-line-strong/60',
        data.mark && MARKS[data.mark],
      )}
    >
      <Target />
      <div className="flex h-14 items-center gap-3 px-3">
        <Heading node={node} />
        {data.loop && <IterationStepper loop={data.loop} />}
        <LoopToggle id={id} isOpen />
      </div>
      {isEmpty && (
        <button
          type="button"
          tabIndex={-1}
          onClick={(event) => {
            event.stopPropagation();
            store.getState().openPalette({ kind: 'end', scope: id });
          }}
          className="nodrag nopan absolute inset-x-6 bottom-6 flex h-14 items-center justify-center gap-2 rounded-md border border-dashed border-line-strong bg-card text-muted hover:border-accent hover:text-accent"
        >
          <Plus aria-hidden className="size-4" />
          {t('Add the first step of the loop')}
        </button>
      )}
      {run && <StateBadge run={run} />}
      {!run && data.problems > 0 && <ProblemBadge />}
      <Ports id={id} ports={data.ports} free={data.free} scope={data.scope} />
    </div>
  );
}

/** What starts the workflow: a trigger, or a person. */
export function Pill({ data, selected }: NodeProps<PillNode>) {
  const { trigger, type, problems } = data;
  return (
    <div
      className={cx(
        'relative flex h-full w-full items-center gap-2.5 rounded-full border bg-card pr-4 pl-2.5',
        selected ? 'border-accent ring-4 ring-accent/20' : 'border-line shadow-raised hover:border-line-strong',
      )}
    >
      <span className="flex size-7 shrink-0 items-center justify-center rounded-full bg-accent text-accent-ink">
        {trigger ? <TypeIcon name={type?.icon ?? 'zap'} className="size-3.5" /> : <Play aria-hidden className="size-3.5 fill-current" />}
      </span>
      <span className="min-w-0 flex-1 truncate font-semibold">{trigger ? (trigger.name ?? type?.title ?? trigger.type) : t('By hand')}</span>
      {problems > 0 && <ProblemBadge />}
      <Handle type="source" position={Position.Bottom} className={HANDLE} isConnectable={false} />
    </div>
  );
}
