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
import { graphOf, START, type CanvasNode, type WayEdge } from './graph';
import { Card, CatalogueContext, LoopFrame, Pill } from './NodeCard';
import { useEditor, useEditorStore } from './store';
import type { Point } from './types';
import { WayLine } from './WayLine';

const NODE_TYPES: NodeTypes = { card: Card, loop: LoopFrame, pill: Pill };
const EDGE_TYPES: EdgeTypes = { way: WayLine };

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
  const flow = useRef<ReactFlowInstance<CanvasNode, WayEdge> | null>(null);
  useShownSelection(flow);
  const pane = useRef<HTMLDivElement>(null);
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
function useKeptMiddle(pane: RefObject<HTMLDivElement | null>, flow: { current: ReactFlowInstance<CanvasNode, WayEdge> | null }): void {
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

/** What is chosen elsewhere, such as in the outline, comes into view. */
function useShownSelection(flow: { current: ReactFlowInstance<CanvasNode, WayEdge> | null }): void {
  const chosen = useEditor(({ selection }) => (selection.kind === 'nodes' && selection.ids.length === 1 ? selection.ids[0] : undefined));
  useEffect(() => {
    const instance = flow.current;
    if (chosen === undefined || !instance) return;
    const timer = setTimeout(() => {
      const node = instance.getInternalNode(chosen);
      const pane = globalThis.document.querySelector('.react-flow')?.getBoundingClientRect();
      if (!node || !pane) return;
      const { x, y } = node.internals.positionAbsolute;
      const zoom = instance.getZoom();
      const at = instance.flowToScreenPosition({ x, y });
      const right = at.x + (node.measured.width ?? 0) * zoom;
      const bottom = at.y + (node.measured.height ?? 0) * zoom;
      const isSeen = at.x >= pane.left && at.y >= pane.top && right <= pane.right && bottom <= pane.bottom;
      if (!isSeen) void instance.setCenter(x + (node.measured.width ?? 0) / 2, y + (node.measured.height ?? 0) / 2, { zoom, duration: 200 });
    }, 60);
    return () => clearTimeout(timer);
  }, [chosen, flow]);
}
