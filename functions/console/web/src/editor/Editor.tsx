/** The editor of one workflow. */

import { useNavigate } from '@tanstack/react-router';
import { ChevronLeft, Code, EllipsisVertical, GitCompare, ListTree, PanelRight, Play, Plus, Redo2, Rocket, Trash2, Undo2, Wand, Zap } from 'lucide-react';
import { Link } from '@tanstack/react-router';
import { useCallback, useState, type ReactNode } from 'react';

import { useCan } from '@/app/can';
import { t } from '@/app/i18n';
import { Badge, Button, confirm, cx, ErrorState, IconButton, Menu, Skeleton, toast, toastError, useTitle } from '@/ui';

import * as actions from './actions';
import { calls } from './api';
import { Canvas } from './Canvas';
import { useCatalogue, type Catalogue } from './catalogue';
import { CodeView } from './CodeView';
import * as commands from './commands';
import { DraftConflict } from './ConflictForm';
import { SETTINGS } from './focus';
import { Outline } from './Outline';
import { Palette } from './Palette';
import { Panel } from './Panel';
import { PublishDialog } from './PublishDialog';
import { RunBar } from './RunBar';
import { SaveStatus } from './SaveStatus';
import { documentOf, EditorContext, useEditor, useEditorStore } from './store';
import { TestRunDialog } from './TestRunDialog';
import { useEditorSession, type EditorSession } from './useEditorSession';
import { useKeys } from './useKeys';
import { useMetadata } from './useMetadata';
import { usePinnedRun } from './usePinnedRun';
import { useTestRun, type TestRuns } from './useTestRun';
import { useValidation } from './useValidation';
import { VersionsDialog } from './VersionsDialog';

export function Editor({ workflowId, pinnedRun }: { workflowId: string; pinnedRun: string | undefined }) {
  const { session, error, retry } = useEditorSession(workflowId);
  const { catalogue, error: catalogueError, retry: retryCatalogue } = useCatalogue();
  if (error ?? catalogueError) {
    const again = () => {
      retry();
      retryCatalogue();
    };
    return <ErrorState error={error ?? catalogueError} onRetry={again} />;
  }
  if (!session || !catalogue) return <Skeleton lines={6} className="p-6" label={t('Loading')} />;
  return (
    <EditorContext value={session.store}>
      <Open session={session} catalogue={catalogue} pinnedRun={pinnedRun} />
    </EditorContext>
  );
}

type DialogName = 'run' | 'publish' | 'versions' | null;
type View = 'canvas' | 'code';

function Open({ session, catalogue, pinnedRun }: { session: EditorSession; catalogue: Catalogue; pinnedRun: string | undefined }) {
  const { workflow, store } = session;
  const [dialog, setDialog] = useState<DialogName>(null);
  const [view, setView] = useState<View>('canvas');
  const [hasOutline, setOutline] = useState(false);
  const runs = useTestRun(store, workflow.id);
  const name = useEditor((state) => state.history.document.name);
  useTitle(name);
  useValidation(store, workflow.id);
  useMetadata(session);
  usePinnedRun(store, runs, pinnedRun);
  const mayRun = useMayTest();
  const mayPublish = useCan('publish');
  const onRun = useCallback(() => setDialog(mayRun ? 'run' : null), [mayRun]);
  const onPublish = useCallback(() => setDialog(mayPublish ? 'publish' : null), [mayPublish]);
  const onOutline = useCallback(() => setOutline((isThere) => !isThere), []);
  useKeys(store, catalogue, { onRun, onPublish, onOutline });
  const close = () => setDialog(null);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <Head session={session} runs={runs} view={view} onView={setView} onOutline={onOutline} onDialog={setDialog} />
      {session.isRecovered && <Recovered />}
      <div className="relative flex min-h-0 flex-1">
        {hasOutline && view === 'canvas' && (
          <aside aria-label={t('Outline')} className="absolute inset-y-0 left-0 z-20 w-64 border-r border-line bg-card md:static md:shrink-0">
            <Outline catalogue={catalogue} onChoose={() => setOutline(globalThis.matchMedia('(min-width: 768px)').matches)} />
          </aside>
        )}
        <div className="relative min-w-0 flex-1">
          {view === 'canvas' ? (
            <>
              <Canvas catalogue={catalogue} />
              <AddButtons catalogue={catalogue} hasOutline={hasOutline} />
            </>
          ) : (
            <CodeView workflowId={workflow.id} />
          )}
        </div>
        {view === 'canvas' && (
          <Side>
            <Panel catalogue={catalogue} workflowId={workflow.id} published={workflow.published_version} runs={runs} />
          </Side>
        )}
      </div>
      <Announcements />
      <Palette catalogue={catalogue} />
      <DraftConflict session={session} />
      {dialog === 'run' && <TestRunDialog workflowId={workflow.id} runs={runs} onClose={close} />}
      {dialog === 'publish' && <PublishDialog session={session} catalogue={catalogue} onClose={close} />}
      {dialog === 'versions' && <VersionsDialog session={session} catalogue={catalogue} onClose={close} />}
    </div>
  );
}

/** Beside the canvas; on a phone above it, and only while something is chosen. */
function Side({ children }: { children: ReactNode }) {
  const isChosen = useEditor((state) => state.selection.kind !== 'none');
  const isAsked = useEditor((state) => state.isPanelOpen);
  return (
    <aside
      id={SETTINGS}
      aria-label={t('Settings')}
      className={cx(
        'border-line bg-card max-md:absolute max-md:inset-x-0 max-md:bottom-0 max-md:z-20 max-md:max-h-[75%] max-md:overflow-y-auto max-md:rounded-t-lg max-md:border-t max-md:shadow-floating md:w-92 md:shrink-0 md:border-l lg:w-100',
        !isChosen && !isAsked && 'max-md:hidden',
      )}
    >
      {children}
    </aside>
  );
}

function Recovered() {
  const [isSeen, setSeen] = useState(false);
  if (isSeen) return null;
  return (
    <div role="status" className="flex items-center gap-3 border-b border-line bg-run-soft px-4 py-1.5 text-run">
      <span className="flex-1">{t('Changes that were not saved the last time have been brought back.')}</span>
      <Button size="sm" onClick={() => setSeen(true)}>
        {t('All right')}
      </Button>
    </div>
  );
}

/** What was done last, for those who do not see it. */
function Announcements() {
  const said = useEditor((state) => state.said);
  return (
    <p role="status" aria-live="polite" className="sr-only">
      {said}
    </p>
  );
}

function AddButtons({ catalogue, hasOutline }: { catalogue: Catalogue; hasOutline: boolean }) {
  const store = useEditorStore();
  const isEmpty = useEditor((state) => state.history.document.definition.nodes.length === 0);
  const { openPalette } = store.getState();
  return (
    <div className={cx('absolute top-3 left-3 z-10 flex gap-2', hasOutline && 'max-md:hidden')}>
      <Button needs="edit" icon={Plus} variant={isEmpty ? 'primary' : 'secondary'} title="/" onClick={() => openPalette(actions.placeFor(store, catalogue))}>
        {isEmpty ? t('Add the first step') : t('Add step')}
      </Button>
      <Button needs="edit" icon={Zap} onClick={() => openPalette({ kind: 'trigger' })}>
        {t('Add trigger')}
      </Button>
    </div>
  );
}

interface HeadProps {
  session: EditorSession;
  runs: TestRuns;
  view: View;
  onView: (view: View) => void;
  onOutline: () => void;
  onDialog: (dialog: DialogName) => void;
}

/** Test runs are of drafts: they take both. */
function useMayTest(): boolean {
  const mayEdit = useCan('edit');
  const mayExecute = useCan('execute');
  return mayEdit && mayExecute;
}

function Head({ session, runs, view, onView, onOutline, onDialog }: HeadProps) {
  const { workflow, store } = session;
  const mayRun = useMayTest();
  const name = useEditor((state) => state.history.document.name);
  const canUndo = useEditor((state) => state.history.past.length > 0);
  const canRedo = useEditor((state) => state.history.future.length > 0);
  const { undo, redo } = store.getState();
  return (
    <header className="flex min-h-13 shrink-0 flex-wrap items-center gap-x-2 gap-y-1 border-b border-line bg-card px-3 py-1.5">
      <Link to="/workflows" aria-label={t('All workflows')} className="rounded-md p-1 text-muted hover:bg-hover hover:text-ink">
        <ChevronLeft aria-hidden className="size-4.5" />
      </Link>
      <h1 className="max-w-72 min-w-0 truncate text-lg font-semibold">{name}</h1>
      <span className="flex items-center gap-1.5 max-lg:hidden">
        <Badge>{workflow.published_version === null ? t('Not published') : t('Version {n}', { n: workflow.published_version })}</Badge>
        <Badge tone={workflow.is_active ? 'ok' : 'neutral'}>{workflow.is_active ? t('On') : t('Off')}</Badge>
      </span>
      <SaveStatus />
      <div className="ml-auto flex flex-wrap items-center gap-1.5">
        <RunBar workflowId={workflow.id} runs={runs} />
        <IconButton icon={Undo2} label={t('Undo')} disabled={!canUndo} onClick={undo} />
        <IconButton icon={Redo2} label={t('Redo')} disabled={!canRedo} onClick={redo} />
        <IconButton icon={ListTree} label={t('Outline')} onClick={onOutline} />
        <MoreMenu session={session} view={view} onView={onView} onDialog={onDialog} />
        {mayRun && (
          <Button icon={Play} onClick={() => onDialog('run')}>
            <span className="max-sm:sr-only">{t('Test run')}</span>
          </Button>
        )}
        <Button needs="publish" icon={Rocket} variant="primary" onClick={() => onDialog('publish')}>
          <span className="max-sm:sr-only">{t('Publish')}</span>
        </Button>
      </div>
    </header>
  );
}

function MoreMenu({ session, view, onView, onDialog }: Pick<HeadProps, 'session' | 'view' | 'onView' | 'onDialog'>) {
  const { workflow, store, setWorkflow } = session;
  const navigate = useNavigate();
  const toggle = async () => {
    try {
      setWorkflow(await calls.setActive(workflow.id, !workflow.is_active));
      toast(workflow.is_active ? t('The workflow is off') : t('The workflow is on: its triggers start it'), { tone: 'ok' });
    } catch (error) {
      toastError(t('That did not work'), error);
    }
  };
  const discard = async () => {
    const isSure = await confirm({ title: t('Discard the draft?'), text: t('What is on the canvas goes back to the newest version.'), action: t('Discard'), danger: true });
    if (!isSure) return;
    try {
      await calls.deleteDraft(workflow.id);
      const newest = workflow.definition ?? { nodes: [], edges: [] };
      session.saver.saved(newest, '');
      session.saver.restart(newest);
      const { definition, ui } = documentOf('', '', newest);
      store.getState().apply(t('Discarded the draft'), (document) => ({ ...document, definition, ui }));
    } catch (error) {
      toastError(t('That did not work'), error);
    }
  };
  return (
    <Menu
      trigger={<IconButton icon={EllipsisVertical} label={t('More')} />}
      items={[
        { label: view === 'code' ? t('Show the canvas') : t('Show as code'), icon: Code, onSelect: () => onView(view === 'code' ? 'canvas' : 'code') },
        { label: t('Versions'), icon: GitCompare, onSelect: () => onDialog('versions') },
        { label: t('Settings of the workflow'), icon: PanelRight, onSelect: () => store.setState({ selection: { kind: 'none' }, isPanelOpen: true }) },
        { label: t('Tidy up'), icon: Wand, needs: 'edit', onSelect: () => store.getState().apply(t('Tidied up'), commands.tidy) },
        'separator',
        { label: workflow.is_active ? t('Switch off') : t('Switch on'), icon: Zap, needs: 'publish', disabled: workflow.published_version === null, onSelect: () => void toggle() },
        { label: t('Runs of this workflow'), icon: Play, onSelect: () => void navigate({ to: '/runs', search: { workflow: workflow.id } }) },
        'separator',
        { label: t('Discard the draft'), icon: Trash2, danger: true, needs: 'edit', onSelect: () => void discard() },
      ]}
    />
  );
}
