/** What is chosen: a step with its settings, a trigger, a connection, or the workflow itself. */

import { Copy, EllipsisVertical, PlayCircle, StepForward, Trash2, X } from 'lucide-react';
import { useState } from 'react';

import { t } from '@/app/i18n';
import { Button, cx, IconButton, inputClass, Menu, Tabs } from '@/ui';

import * as actions from './actions';
import { titleOf, type Catalogue } from './catalogue';
import * as commands from './commands';
import { FailureTab } from './FailureTab';
import { TypeIcon, tintOf } from './icons';
import { NodeSettings } from './NodeSettings';
import { NotesTab } from './NotesTab';
import { OutputTab } from './OutputTab';
import { SampleScope } from './SampleScope';
import { useDefinition, useEditor, useEditorStore } from './store';
import { findNode, loopsAround } from './tree';
import { TriggerPanel } from './TriggerPanel';
import type { NodeDefinition, Scope } from './types';
import type { TestRuns } from './useTestRun';
import { WorkflowPanel } from './WorkflowPanel';

export interface PanelProps {
  catalogue: Catalogue;
  workflowId: string;
  /** The version that is published; its triggers have addresses. */
  published: number | null;
  runs: TestRuns;
}

export function Panel(props: PanelProps) {
  const definition = useDefinition();
  const selection = useEditor((state) => state.selection);
  if (selection.kind === 'nodes' && selection.ids.length === 1) {
    const found = findNode(definition, selection.ids[0] ?? '');
    if (found) return <NodePanel key={found.node.id} {...props} node={found.node} scope={found.scope} />;
  }
  if (selection.kind === 'nodes') return <ManyPanel count={selection.ids.length} />;
  if (selection.kind === 'edge') return <EdgePanel from={selection.edge.from} to={selection.edge.to} port={selection.edge.port ?? 'main'} />;
  if (selection.kind === 'trigger') {
    const trigger = definition.triggers?.find((one) => one.id === selection.id);
    if (trigger) return <TriggerPanel key={trigger.id} trigger={trigger} catalogue={props.catalogue} workflowId={props.workflowId} published={props.published} />;
  }
  return (
    <SampleScope workflowId={props.workflowId} nodeId={null}>
      <WorkflowPanel />
    </SampleScope>
  );
}

function NodePanel({ node, scope, catalogue, workflowId, runs }: PanelProps & { node: NodeDefinition; scope: Scope }) {
  const [tab, setTab] = useState('settings');
  const type = catalogue.nodes.get(node.type);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex items-start gap-3 px-4 pt-4">
        <span className={cx('mt-0.5 flex size-8.5 shrink-0 items-center justify-center rounded-md', tintOf(type?.group))}>
          <TypeIcon name={type?.icon} className="size-4.5" />
        </span>
        <div className="min-w-0 flex-1">
          <NameInput node={node} title={titleOf({ ...node, name: null }, catalogue)} />
          <p className="flex items-center gap-1 text-sm text-muted">
            {type?.title ?? node.type} · <IdInput key={node.id} id={node.id} />
          </p>
        </div>
        <NodeMenu node={node} scope={scope} runs={runs} />
      </div>
      <SampleScope workflowId={workflowId} nodeId={node.id}>
        <Tabs
          label={titleOf(node, catalogue)}
          value={tab}
          onChange={setTab}
          className="min-h-0 flex-1 pt-2 [&>[role=tablist]]:px-4"
          contentClassName="overflow-y-auto p-4 flex-1"
          tabs={[
            { value: 'settings', label: t('Settings'), content: type ? <NodeSettings node={node} type={type} /> : <UnknownType type={node.type} /> },
            ...(type && type.ports.includes('error') ? [{ value: 'failure', label: t('On failure'), content: <FailureTab node={node} type={type} scope={scope} /> }] : []),
            { value: 'output', label: t('Output'), content: <OutputTab node={node} workflowId={workflowId} {...(type ? { type } : {})} /> },
            { value: 'notes', label: t('Notes'), content: <NotesTab node={node} /> },
          ]}
        />
      </SampleScope>
    </div>
  );
}

function UnknownType({ type }: { type: string }) {
  return <p className="text-bad">{t('There is no type of step called {type} in this installation.', { type })}</p>;
}

function NameInput({ node, title }: { node: NodeDefinition; title: string }) {
  const store = useEditorStore();
  const isReadOnly = useEditor((state) => state.isReadOnly);
  return (
    <input
      aria-label={t('Name of the step')}
      value={node.name ?? ''}
      placeholder={title}
      disabled={isReadOnly}
      maxLength={200}
      className="-ml-1 h-7 w-full rounded px-1 text-lg font-semibold hover:bg-hover focus:bg-card"
      onChange={(event) => {
        const name = event.target.value;
        store.getState().apply(t('Changed the name'), (document) => commands.setNode(document, node.id, { name: name === '' ? undefined : name }), `name:${node.id}`);
      }}
    />
  );
}

/** The id by which expressions name the step. It changes when the field is left, in all that refers to it. */
function IdInput({ id }: { id: string }) {
  const store = useEditorStore();
  const isReadOnly = useEditor((state) => state.isReadOnly);
  const [text, setText] = useState(id);
  const problem = commands.renameProblem(store.getState().history.document.definition, id, text);
  const finish = () => {
    if (problem || text === id) {
      setText(id);
      return;
    }
    const { apply, select } = store.getState();
    apply(t('Renamed {from} to {to}', { from: id, to: text }), (document) => commands.renameNode(document, id, text));
    select({ kind: 'nodes', ids: [text] });
  };
  return (
    <span className="min-w-0 flex-1">
      <input
        aria-label={t('Id of the step')}
        aria-invalid={problem !== undefined}
        value={text}
        disabled={isReadOnly}
        spellCheck={false}
        className={cx('h-6 w-full rounded px-1 font-mono text-sm hover:bg-hover focus:bg-card', problem && 'text-bad')}
        onChange={(event) => setText(event.target.value)}
        onBlur={finish}
        onKeyDown={(event) => {
          if (event.key === 'Enter') finish();
          if (event.key !== 'Escape' || text === id) return;
          event.preventDefault(); // it takes back what was typed, and stays
          setText(id);
        }}
      />
      {problem && <span className="block text-xs text-bad">{problem === 'taken' ? t('Another step has this id.') : t('Letters, digits and _, not first a digit.')}</span>}
    </span>
  );
}

function NodeMenu({ node, scope, runs }: { node: NodeDefinition; scope: Scope; runs: TestRuns }) {
  const store = useEditorStore();
  const isReadOnly = useEditor((state) => state.isReadOnly);
  const close = <IconButton icon={X} label={t('Close')} onClick={() => store.getState().select({ kind: 'none' })} />;
  if (isReadOnly) return close;
  const path = [...loopsAround(store.getState().history.document.definition, node.id).reverse(), node.id].join('.');
  const input = () => ({ input: store.getState().history.document.ui.testInput ?? {} });
  return (
    <div className="flex">
      <Menu
        trigger={<IconButton icon={EllipsisVertical} label={t('More for this step')} />}
        items={[
          { label: t('Run to here'), icon: StepForward, onSelect: () => void runs.start({ ...input(), until: path }) },
          ...(scope === null ? [{ label: t('Run only this step'), icon: PlayCircle, onSelect: () => void runs.start({ ...input(), only: path }) }] : []),
          'separator',
          { label: t('Duplicate'), icon: Copy, onSelect: () => actions.duplicateChosen(store), keys: 'Ctrl D' },
          { label: t('Delete'), icon: Trash2, danger: true, onSelect: () => actions.removeChosen(store), keys: 'Del' },
        ]}
      />
      {close}
    </div>
  );
}

function ManyPanel({ count }: { count: number }) {
  const store = useEditorStore();
  return (
    <div className="flex flex-col gap-3 p-4">
      <h2 className="text-lg font-semibold">{t('{n, plural, one {# step} other {# steps}} chosen', { n: count })}</h2>
      <div className="flex gap-2">
        <Button icon={Copy} onClick={() => actions.duplicateChosen(store)}>
          {t('Duplicate')}
        </Button>
        <Button icon={Trash2} variant="danger" onClick={() => actions.removeChosen(store)}>
          {t('Delete')}
        </Button>
      </div>
    </div>
  );
}

function EdgePanel({ from, to, port }: { from: string; to: string; port: string }) {
  const store = useEditorStore();
  const isReadOnly = useEditor((state) => state.isReadOnly);
  return (
    <div className="flex flex-col gap-3 p-4">
      <h2 className="text-lg font-semibold">{t('Connection')}</h2>
      <p className={cx(inputClass, 'py-1.5 font-mono text-sm')}>
        {from} ({port}) → {to}
      </p>
      {!isReadOnly && (
        <Button icon={Trash2} variant="danger" className="self-start" onClick={() => actions.removeChosen(store)}>
          {t('Delete')}
        </Button>
      )}
    </div>
  );
}
