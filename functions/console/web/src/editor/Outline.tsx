/** The workflow as a tree. It does all that the canvas does, by keys and with a screen reader. */

import { ArrowUpRight, Copy, EllipsisVertical, Plus, Trash2, Unplug } from 'lucide-react';
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';

import { t } from '@/app/i18n';
import { cx, Dialog, IconButton, Menu, statusLook, type MenuEntry } from '@/ui';

import * as actions from './actions';
import { portsOf, titleOf, type Catalogue } from './catalogue';
import { connectionProblem } from './commands';
import { focusSettings } from './focus';
import { TypeIcon } from './icons';
import { useDefinition, useEditor, useEditorStore, type EditorStore } from './store';
import { bodyOf, edgesOf, findNode } from './tree';
import type { Body, Definition, NodeDefinition, Scope } from './types';
import { portOf } from './types';

interface Item {
  key: string;
  level: number;
  label: string;
  icon: string | undefined;
  kind: 'trigger' | 'node';
  id: string;
  scope: Scope;
  isLoop: boolean;
}

/** Nodes in the order in which they run: behind those that lead to them. */
function ordered(body: Body): NodeDefinition[] {
  const nodes = new Map(body.nodes.map((node) => [node.id, node]));
  const left = new Map(body.nodes.map((node) => [node.id, 0]));
  for (const edge of edgesOf(body)) left.set(edge.to, (left.get(edge.to) ?? 0) + 1);
  const queue = body.nodes.filter((node) => !left.get(node.id)).map((node) => node.id);
  const found: NodeDefinition[] = [];
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    const node = nodes.get(id);
    if (node && !found.includes(node)) found.push(node);
    for (const edge of edgesOf(body)) {
      if (edge.from !== id) continue;
      const rest = (left.get(edge.to) ?? 1) - 1;
      left.set(edge.to, rest);
      if (rest === 0) queue.unshift(edge.to);
    }
  }
  return [...found, ...body.nodes.filter((node) => !found.includes(node))];
}

function itemsOf(definition: Definition, catalogue: Catalogue, open: ReadonlySet<string>): Item[] {
  const triggers = (definition.triggers ?? []).map((trigger): Item => {
    const type = catalogue.triggers.get(trigger.type);
    const label = trigger.name ?? type?.title ?? trigger.type;
    return { key: `trigger:${trigger.id}`, level: 1, label, icon: type?.icon, kind: 'trigger', id: trigger.id, scope: null, isLoop: false };
  });
  const inside = (body: Body, level: number, scope: Scope): Item[] =>
    ordered(body).flatMap((node) => {
      const isLoop = node.body !== undefined && node.body !== null;
      const item: Item = {
        key: node.id,
        level,
        label: titleOf(node, catalogue),
        icon: catalogue.nodes.get(node.type)?.icon,
        kind: 'node',
        id: node.id,
        scope,
        isLoop,
      };
      return node.body && open.has(node.id) ? [item, ...inside(node.body, level + 1, node.id)] : [item];
    });
  return [...triggers, ...inside(definition, 1, null)];
}

export function Outline({ catalogue, onChoose }: { catalogue: Catalogue; onChoose?: () => void }) {
  const store = useEditorStore();
  const definition = useDefinition();
  const open = useEditor((state) => state.open);
  const selection = useEditor((state) => state.selection);
  const items = useMemo(() => itemsOf(definition, catalogue, open), [definition, catalogue, open]);
  const [connecting, setConnecting] = useState<string | null>(null);
  const list = useRef<HTMLUListElement>(null);
  const chosen = selection.kind === 'nodes' ? selection.ids : selection.kind === 'trigger' ? [`trigger:${selection.id}`] : [];
  const current = items.find((item) => chosen.includes(item.key)) ?? items[0];

  useEffect(() => {
    list.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
  }, []);
  const choose = (item: Item) => {
    const { select, selectNode } = store.getState();
    if (item.kind === 'trigger') select({ kind: 'trigger', id: item.id });
    else selectNode(item.id);
  };
  const focus = (item: Item | undefined) => {
    if (!item) return;
    choose(item);
    list.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(item.key)}"]`)?.focus();
  };
  const onKeyDown = (event: KeyboardEvent, item: Item) => {
    const at = items.indexOf(item);
    const keys: Record<string, () => void> = {
      ArrowDown: () => focus(items[at + 1]),
      ArrowUp: () => focus(items[at - 1]),
      Home: () => focus(items[0]),
      End: () => focus(items[items.length - 1]),
      ArrowRight: () => {
        if (item.isLoop && !open.has(item.id)) store.getState().toggleLoop(item.id);
        else focus(items[at + 1]);
      },
      ArrowLeft: () => {
        if (item.isLoop && open.has(item.id)) store.getState().toggleLoop(item.id);
        else focus(items.find((one) => one.id === item.scope));
      },
      Enter: () => {
        choose(item);
        onChoose?.();
        focusSettings();
      },
      ' ': () => choose(item),
      c: () => setConnecting(item.kind === 'node' ? item.id : null),
    };
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (!act || event.target !== event.currentTarget) return;
    event.preventDefault();
    act();
  };
  return (
    <div className="flex h-full min-h-0 flex-col">
      <ul ref={list} role="tree" aria-label={t('Steps')} aria-multiselectable className="min-h-0 flex-1 overflow-y-auto p-2">
        {items.map((item) => (
          <li
            key={item.key}
            role="treeitem"
            data-key={item.key}
            aria-level={item.level}
            aria-selected={chosen.includes(item.key)}
            {...(item.isLoop ? { 'aria-expanded': open.has(item.id) } : {})}
            tabIndex={item === current ? 0 : -1}
            onClick={() => {
              choose(item);
              onChoose?.();
            }}
            onKeyDown={(event) => onKeyDown(event, item)}
            className={cx(
              'group flex cursor-pointer items-center gap-2 rounded-md py-1 pr-1 hover:bg-hover',
              chosen.includes(item.key) && 'bg-accent-soft',
            )}
            style={{ paddingLeft: item.level * 14 - 6 }}
          >
            <TypeIcon name={item.icon} className="size-4 shrink-0 text-muted" />
            <Words item={item} definition={definition} />
            <RowMenu item={item} catalogue={catalogue} onConnect={() => setConnecting(item.id)} />
          </li>
        ))}
      </ul>
      {connecting && <ConnectDialog id={connecting} catalogue={catalogue} onClose={() => setConnecting(null)} />}
    </div>
  );
}

/** A step's name, where it leads, and how it went: all that the picture shows of it. */
function Words({ item, definition }: { item: Item; definition: Definition }) {
  const run = useEditor((state) => state.run?.nodes[item.id]);
  const problems = useEditor((state) => state.problems.filter((one) => one.node === item.id).length);
  const body = bodyOf(definition, item.scope) ?? definition;
  const next = item.kind === 'node' ? edgesOf(body).filter((edge) => edge.from === item.id) : [];
  const ways = next.map((edge) => (portOf(edge) === 'main' ? edge.to : `${portOf(edge)} → ${edge.to}`)).join(', ');
  return (
    <span className="min-w-0 flex-1 py-0.5">
      <span className="block truncate">{item.label}</span>
      <span className="block truncate text-xs text-muted">
        {ways ? t('then {ways}', { ways }) : item.kind === 'trigger' ? t('trigger') : t('last step')}
        {run && ` · ${statusLook(run.status).word}`}
        {problems > 0 && ` · ${t('{n, plural, one {# problem} other {# problems}}', { n: problems })}`}
      </span>
    </span>
  );
}

function RowMenu({ item, catalogue, onConnect }: { item: Item; catalogue: Catalogue; onConnect: () => void }) {
  const store = useEditorStore();
  const isReadOnly = useEditor((state) => state.isReadOnly);
  if (isReadOnly) return null;
  const { definition } = store.getState().history.document;
  const onIt = (act: (on: EditorStore) => void) => {
    if (item.kind === 'trigger') store.getState().select({ kind: 'trigger', id: item.id });
    else store.getState().selectNode(item.id);
    act(store);
  };
  const node = item.kind === 'node' ? findNode(definition, item.id)?.node : undefined;
  const edges = edgesOf(bodyOf(definition, item.scope) ?? definition).filter((edge) => edge.from === item.id);
  const entries: MenuEntry[] = node
    ? [
        ...portsOf(node, catalogue).map((port) => ({
          label: t('Add a step behind {port}', { port }),
          icon: Plus,
          onSelect: () => store.getState().openPalette({ kind: 'after', node: node.id, port, scope: item.scope }),
        })),
        ...(item.isLoop
          ? [{ label: t('Add a step inside'), icon: Plus, onSelect: () => store.getState().openPalette({ kind: 'end', scope: node.id }) }]
          : []),
        'separator',
        { label: t('Connect to …'), icon: ArrowUpRight, onSelect: onConnect, keys: 'C' },
        ...edges.map((edge) => ({
          label: t('Disconnect from {to}', { to: edge.to }),
          icon: Unplug,
          onSelect: () => actions.disconnect(store, item.scope, edge),
        })),
        { label: t('Duplicate'), icon: Copy, onSelect: () => onIt(actions.duplicateChosen), keys: 'Ctrl D' },
        { label: t('Delete'), icon: Trash2, danger: true, onSelect: () => onIt(actions.removeChosen), keys: 'Del' },
      ]
    : [{ label: t('Delete'), icon: Trash2, danger: true, onSelect: () => onIt(actions.removeChosen), keys: 'Del' }];
  return (
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions -- keeps clicks on the menu from the row
    <span onClick={(event) => event.stopPropagation()} onKeyDown={(event) => event.stopPropagation()}>
      <Menu trigger={<IconButton icon={EllipsisVertical} size="sm" label={t('{label}: more', { label: item.label })} />} items={entries} />
    </span>
  );
}

/** Which step comes next, by which port. */
function ConnectDialog({ id, catalogue, onClose }: { id: string; catalogue: Catalogue; onClose: () => void }) {
  const store = useEditorStore();
  const { definition } = store.getState().history.document;
  const found = findNode(definition, id);
  const ports = found ? portsOf(found.node, catalogue) : [];
  const body = found ? (bodyOf(definition, found.scope) ?? definition) : definition;
  const choices = ports.flatMap((port) =>
    body.nodes.filter((node) => connectionProblem(definition, id, port, node.id) === undefined).map((node) => ({ port, node })),
  );
  return (
    <Dialog open onOpenChange={onClose} title={t('Connect {id} to …', { id })}>
      {choices.length === 0 && <p className="text-muted">{t('There is no other step that may come next.')}</p>}
      <ul className="flex flex-col">
        {choices.map(({ port, node }) => (
          <li key={`${port}>${node.id}`}>
            <button
              type="button"
              className="flex w-full items-center gap-2 rounded-md px-2 py-1.5 text-left hover:bg-hover"
              onClick={() => {
                onClose();
                actions.connect(store, id, port, node.id);
              }}
            >
              <span className="text-muted">{port}</span> → {titleOf(node, catalogue)}
              <code className="ml-auto text-xs text-muted">{node.id}</code>
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
