/** The picture of a workflow, in which it is made. Everything here is also in the outline, with keys alone. */

import '@xyflow/react/dist/style.css';

import {
  Background,
  BackgroundVariant,
  Controls,
  ReactFlow,
  type Connection,
  type EdgeTypes,
  type NodeChange,
  type NodeTypes,
  type ReactFlowInstance,
} from '@xyflow/react';
import { useCallback, useEffect, useMemo, useRef, useState, type RefObject } from 'react';

import { t } from '@/app/i18n';
import { useTheme } from '@/app/theme';

import * as actions from './actions';
import { MANY_NODES, useArrangements } from './arranging';
import type { Catalogue } from './catalogue';
import type { Difference } from './compare';
import * as commands from './commands';
import { SETTINGS } from './focus';
import { graphOf, START, type CanvasNode, type WayEdge } from './graph';
import { Card, CatalogueContext, LoopFrame, Pill } from './NodeCard';
import { useEditor, useEditorStore } from './store';
import type { Point } from './types';
import { WayLine } from './WayLine';

const NODE_TYPES: NodeTypes = { card: Card, loop: LoopFrame, pill: Pill };
const EDGE_TYPES: EdgeTypes = { way: WayLine };

type Flow = ReactFlowInstance<CanvasNode, WayEdge>;

export interface CanvasProps {
  catalogue: Catalogue;
  difference?: Difference | undefined;
  label?: string;
}

export function Canvas({ catalogue, difference, label }: CanvasProps) {
  const store = useEditorStore();
  const colorMode = useTheme((state) => state.resolved);
  const document = useEditor((state) => state.history.document);
  const open = useEditor((state) => state.open);
  const selection = useEditor((state) => state.selection);
  const problems = useEditor((state) => state.problems);
  const run = useEditor((state) => state.run);
  const isReadOnly = useEditor((state) => state.isReadOnly);
  const arrangements = useArrangements();
  const { nodes, edges } = useMemo(
    () => graphOf({ document, catalogue, open, selection, problems, run, difference }),
    // Arrangements that come in are not seen from here.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [document, catalogue, open, selection, problems, run, difference, arrangements],
  );
  const { dragged, onNodesChange } = useMoves(nodes);
  const flow = useRef<Flow | null>(null);
  const pane = useRef<HTMLDivElement>(null);
  useShownSelection(pane, flow);
  useKeptMiddle(pane, flow);

  const onConnect = useCallback(
    ({ source, sourceHandle, target }: Connection) => actions.connect(store, source, sourceHandle ?? 'main', target),
    [store],
  );
  return (
    <CatalogueContext value={catalogue}>
      <ReactFlow<CanvasNode, WayEdge>
        ref={pane}
        aria-label={label ?? t('Canvas')}
        nodes={dragged}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        colorMode={colorMode}
        onInit={(made) => {
          flow.current = made;
        }}
        fitView
        fitViewOptions={{ maxZoom: 1, minZoom: 0.35, padding: 0.15 }}
        minZoom={0.1}
        maxZoom={1.6}
        onlyRenderVisibleElements={nodes.length > MANY_NODES}
        nodesDraggable={!isReadOnly}
        nodesConnectable={!isReadOnly}
        nodesFocusable={false}
        edgesFocusable={false}
        deleteKeyCode={null}
        selectionKeyCode="Shift"
        multiSelectionKeyCode={['Meta', 'Control', 'Shift']}
        disableKeyboardA11y
        proOptions={{ hideAttribution: true }}
        onNodesChange={onNodesChange}
        onConnect={onConnect}
        isValidConnection={(edge) =>
          !edge.source.startsWith(START) &&
          commands.connectionProblem(document.definition, edge.source, edge.sourceHandle ?? 'main', edge.target) === undefined
        }
        onNodeClick={(event, node) => {
          const { select, selectNode } = store.getState();
          if (node.type === 'pill') select(node.data.trigger ? { kind: 'trigger', id: node.data.trigger.id } : { kind: 'none' });
          else if (event.ctrlKey || event.metaKey || event.shiftKey) select(toggled(store.getState().selection, node.id));
          else selectNode(node.id);
        }}
        onEdgeClick={(_event, edge) => {
          if (edge.data && !edge.data.edge.from.startsWith(START)) {
            store.getState().select({ kind: 'edge', edge: edge.data.edge, scope: edge.data.scope });
          }
        }}
        onPaneClick={() => store.getState().select({ kind: 'none' })}
        onSelectionEnd={() => {
          const ids = flow.current?.getNodes().filter((node) => node.selected && !node.id.startsWith(START)).map(({ id }) => id) ?? [];
          if (ids.length > 0) store.getState().select({ kind: 'nodes', ids });
        }}
      >
        <Background variant={BackgroundVariant.Dots} gap={20} size={1} color="var(--line)" bgColor="var(--page)" />
        <Controls
          showInteractive={false}
          position="bottom-left"
          className="overflow-hidden rounded-md border border-line shadow-raised"
          aria-label={t('Zoom')}
        />
      </ReactFlow>
    </CatalogueContext>
  );
}

function toggled(selection: ReturnType<ReturnType<typeof useEditorStore>['getState']>['selection'], id: string) {
  const ids = selection.kind === 'nodes' ? selection.ids : [];
  const next = ids.includes(id) ? ids.filter((one) => one !== id) : [...ids, id];
  return next.length > 0 ? ({ kind: 'nodes', ids: next } as const) : ({ kind: 'none' } as const);
}

/** Nodes follow the pointer at once; the document learns of it when they are let go. */
function useMoves(nodes: CanvasNode[]) {
  const store = useEditorStore();
  const [moving, setMoving] = useState<Record<string, Point>>({});
  const onNodesChange = useCallback(
    (changes: NodeChange<CanvasNode>[]) => {
      const moved = changes.flatMap((one) => (one.type === 'position' && one.position ? [one] : []));
      if (moved.length === 0) return;
      const positions = Object.fromEntries(moved.flatMap((one) => (one.position ? [[one.id, one.position]] : [])));
      if (moved.some((one) => one.dragging)) {
        setMoving((before) => ({ ...before, ...positions }));
        return;
      }
      setMoving({});
      // Within a loop all stay as they are to one another, as its frame fits itself around them.
      const frames = new Set(nodes.filter((node) => node.parentId && positions[node.id]).map((node) => node.parentId));
      const beside = nodes.filter((node) => node.parentId && frames.has(node.parentId) && !positions[node.id]);
      const all = { ...Object.fromEntries(beside.map((node) => [node.id, node.position])), ...positions };
      store.getState().apply(t('Moved'), (document) => commands.move(document, all));
    },
    [store, nodes],
  );
  const dragged = useMemo(
    () => nodes.map((node) => (moving[node.id] ? { ...node, position: moving[node.id] ?? node.position } : node)),
    [nodes, moving],
  );
  return { dragged, onNodesChange };
}

/** What is in the middle stays there when a panel opens or closes beside the canvas. */
function useKeptMiddle(pane: RefObject<HTMLDivElement | null>, flow: RefObject<Flow | null>): void {
  useEffect(() => {
    if (!pane.current) return;
    let before: { width: number; height: number } | undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (!entry) return;
      const { width, height } = entry.contentRect;
      const instance = flow.current;
      if (before && instance && before.width > 0) {
        const { x, y, zoom } = instance.getViewport();
        void instance.setViewport({ x: x + (width - before.width) / 2, y: y + (height - before.height) / 2, zoom });
      }
      before = { width, height };
    });
    observer.observe(pane.current);
    return () => observer.disconnect();
  }, [pane, flow]);
}

const PRESS_MS = 300;
const LOOK_MS = 60;
const LOOKS = 20;

/**
 * What is chosen elsewhere, such as in the outline, or was just added comes into view.
 *
 * It is looked for until it stays where it is: a new step is placed and measured a little later, and the panel that
 * opens beside it takes a part of the canvas. Whoever moves the canvas meanwhile is left alone.
 */
function useShownSelection(pane: RefObject<HTMLDivElement | null>, flow: RefObject<Flow | null>): void {
  const chosen = useEditor(({ selection }) => (selection.kind === 'nodes' ? selection.ids.join(' ') : ''));
  const pressed = useRef(-Infinity);
  useEffect(() => {
    const press = () => {
      pressed.current = performance.now();
    };
    const box = pane.current;
    box?.addEventListener('pointerup', press);
    return () => box?.removeEventListener('pointerup', press);
  }, [pane]);
  useEffect(() => {
    const box = pane.current;
    if (!chosen || !box) return undefined;
    // Steps that are picked one by one on the canvas stay where the pointer has found them.
    if (chosen.includes(' ') && performance.now() - pressed.current < PRESS_MS) return undefined;
    let looks = 0;
    let seen = 0;
    const stop = () => clearInterval(timer);
    const look = () => {
      looks += 1;
      const isSeen = flow.current ? show(flow.current, box, chosen.split(' ')) : undefined;
      seen = isSeen ? seen + 1 : 0;
      if (seen >= 3 || looks >= LOOKS) stop();
    };
    const timer = setInterval(look, LOOK_MS);
    box.addEventListener('pointerdown', stop);
    box.addEventListener('wheel', stop, { passive: true });
    return () => {
      stop();
      box.removeEventListener('pointerdown', stop);
      box.removeEventListener('wheel', stop);
    };
  }, [chosen, pane, flow]);
}

/** Puts steps into the middle of what is seen of the canvas, unless they are seen; undefined while they are not there. */
function show(flow: Flow, pane: HTMLElement, ids: string[]): boolean | undefined {
  if (ids.some((id) => !flow.getInternalNode(id))) return undefined;
  const { x, y, width, height } = flow.getNodesBounds(ids);
  const { left, top, right, bottom } = pane.getBoundingClientRect();
  // On a phone the settings lie over the canvas.
  const settings = globalThis.document.getElementById(SETTINGS)?.getBoundingClientRect();
  const end = settings && settings.height > 0 && settings.left < right && settings.top > top ? Math.min(bottom, settings.top) : bottom;
  const zoom = flow.getZoom();
  const from = flow.flowToScreenPosition({ x, y });
  // Of what is larger than the canvas its beginning is enough.
  const wide = Math.min(width * zoom, right - left);
  const high = Math.min(height * zoom, end - top);
  if (from.x >= left - 1 && from.y >= top - 1 && from.x + wide <= right + 1 && from.y + high <= end + 1) return true;
  void flow.setCenter(x + wide / zoom / 2, y + high / zoom / 2 + (bottom - end) / zoom / 2, { zoom });
  return false;
}
