/** All versions, what each has changed on the canvas, and bringing one back. */

import { useQuery } from '@tanstack/react-query';
import { History, Rocket, RotateCcw } from 'lucide-react';
import { useMemo, useState } from 'react';

import { t } from '@/app/i18n';
import { Badge, Button, cx, Dialog, EmptyState, Skeleton, Time } from '@/ui';

import { calls, type Version } from './api';
import { Canvas } from './Canvas';
import type { Catalogue } from './catalogue';
import { compare } from './compare';
import { DiffList } from './DiffList';
import { PublishVersionDialog } from './PublishVersionDialog';
import { createEditorStore, documentOf, EditorContext, useEditorStore } from './store';
import type { Definition } from './types';
import type { EditorSession } from './useEditorSession';

const EMPTY: Definition = { nodes: [], edges: [] };

export function VersionsDialog({ session, catalogue, onClose }: { session: EditorSession; catalogue: Catalogue; onClose: () => void }) {
  const { workflow } = session;
  const { data: versions, isPending } = useQuery({ queryKey: ['versions', workflow.id], queryFn: () => calls.versions(workflow.id) });
  const [chosen, setChosen] = useState<number | null>(null);
  const shown = chosen ?? versions?.[0]?.version ?? null;
  const version = versions?.find((one) => one.version === shown);
  return (
    <Dialog open onOpenChange={onClose} size="xl" title={t('Versions')} description={t('Each publication makes a version, which never changes.')}>
      {isPending && <Skeleton lines={4} />}
      {versions?.length === 0 && <EmptyState icon={History} title={t('There is no version yet')} text={t('The first one is made when you publish.')} />}
      {versions && versions.length > 0 && (
        <div className="flex flex-col gap-4 md:flex-row">
          <VersionList versions={versions} shown={shown} onChoose={setChosen} />
          {version && <VersionView key={version.version} version={version} versions={versions} session={session} catalogue={catalogue} onClose={onClose} />}
        </div>
      )}
    </Dialog>
  );
}

function VersionList({ versions, shown, onChoose }: { versions: readonly Version[]; shown: number | null; onChoose: (version: number) => void }) {
  return (
    <ul className="flex max-h-40 shrink-0 flex-col gap-1 overflow-y-auto md:max-h-[55vh] md:w-60" aria-label={t('Versions')}>
      {versions.map((one) => (
        <li key={one.version}>
          <button
            type="button"
            autoFocus={one.version === versions[0]?.version}
            aria-current={one.version === shown}
            onClick={() => onChoose(one.version)}
            className={cx('flex w-full flex-col rounded-md px-2.5 py-1.5 text-left hover:bg-hover', one.version === shown && 'bg-accent-soft')}
          >
            <span className="flex items-center gap-2 font-medium">
              {t('Version {n}', { n: one.version })}
              {one.is_published && <Badge tone="ok">{t('published')}</Badge>}
            </span>
            <span className="truncate text-sm text-muted">{one.message ?? (one.restored_from === null ? '' : t('Version {n} brought back', { n: one.restored_from }))}</span>
            <span className="text-xs text-muted">
              {one.author.name} · <Time at={one.created_at} />
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function useDefinitionOf(workflowId: string, version: number | undefined): Definition | undefined {
  const { data } = useQuery({
    queryKey: ['version', workflowId, version],
    queryFn: () => calls.version(workflowId, version ?? 0),
    enabled: version !== undefined,
    staleTime: Infinity,
  });
  return version === undefined ? EMPTY : data?.definition;
}

interface VersionViewProps {
  version: Version;
  versions: readonly Version[];
  session: EditorSession;
  catalogue: Catalogue;
  onClose: () => void;
}

function VersionView({ version, versions, session, catalogue, onClose }: VersionViewProps) {
  const { workflow } = session;
  const earlier = versions.find((one) => one.version < version.version);
  const after = useDefinitionOf(workflow.id, version.version);
  const before = useDefinitionOf(workflow.id, earlier?.version);
  const editor = useEditorStore();
  const [isPublishing, setPublishing] = useState(false);
  const restore = () => {
    if (!after) return;
    const { definition, ui } = documentOf('', '', after);
    editor.getState().apply(t('Brought back version {n}', { n: version.version }), (document) => ({ ...document, definition, ui: { ...document.ui, ...ui } }));
    onClose();
  };
  if (!after || !before) return <Skeleton lines={6} />;
  return (
    <div className="flex min-w-0 flex-1 flex-col gap-3">
      <DiffCanvas before={before} after={after} catalogue={catalogue} />
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0">
          <h3 className="mb-1 font-medium">{earlier ? t('What version {n} changed', { n: version.version }) : t('The first version')}</h3>
          {earlier && <DiffList difference={compare(before, after)} catalogue={catalogue} />}
        </div>
        <div className="flex shrink-0 flex-wrap justify-end gap-2">
          <Button needs="edit" icon={RotateCcw} onClick={restore}>
            {t('Bring back into the draft')}
          </Button>
          {!version.is_published && (
            <Button needs="publish" icon={Rocket} onClick={() => setPublishing(true)}>
              {t('Publish this version')}
            </Button>
          )}
        </div>
      </div>
      {isPublishing && (
        <PublishVersionDialog session={session} version={version.version} definition={after} catalogue={catalogue} onClose={() => setPublishing(false)} />
      )}
    </div>
  );
}

/** A picture of a version, in which what it has changed is marked. */
function DiffCanvas({ before, after, catalogue }: { before: Definition; after: Definition; catalogue: Catalogue }) {
  const store = useMemo(() => createEditorStore(documentOf('', '', after), { isReadOnly: true }), [after]);
  const difference = useMemo(() => compare(documentOf('', '', before).definition, documentOf('', '', after).definition), [before, after]);
  return (
    <div className="h-64 overflow-hidden rounded-md border border-line md:h-80">
      <EditorContext value={store}>
        <Canvas catalogue={catalogue} difference={difference} label={t('Picture of the version')} />
      </EditorContext>
    </div>
  );
}
