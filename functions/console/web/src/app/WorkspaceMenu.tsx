/** The workspace that this tab is in, and the way to the others. */
import { ChevronsUpDown, House, Plus, Users } from 'lucide-react';
import { Menu, toastError, type MenuEntry } from '@/ui';
import { useOverlay } from './GlobalKeys';
import { t } from './i18n';
import { useSession } from './session';
import { enterWorkspace, useWorkspaces } from './workspaces';

export function WorkspaceMenu({ onNavigate }: { onNavigate?: () => void }) {
  const me = useSession((state) => state.me);
  const { data = [] } = useWorkspaces();
  const show = useOverlay((state) => state.show);
  const name = me?.workspace_name ?? '';
  const go = (id: string) => {
    if (id !== me?.workspace_id) enterWorkspace(id).catch((error: unknown) => toastError(t('That did not work'), error));
  };
  const items: MenuEntry[] = [
    { heading: t('Workspaces') },
    ...data.map((one) => ({
      label: one.name,
      icon: one.is_personal ? House : Users,
      checked: one.id === me?.workspace_id,
      onSelect: () => go(one.id),
    })),
    'separator',
    {
      label: t('Create a workspace'),
      icon: Plus,
      onSelect: () => {
        onNavigate?.();
        show('workspace');
      },
    },
  ];
  return (
    <Menu
      align="start"
      trigger={
        <button
          type="button"
          aria-label={t('Workspace: {name}', { name })}
          className="mb-2 flex h-9 w-full items-center gap-2.5 rounded-md border border-line px-2 text-left font-medium hover:bg-hover max-md:h-11"
        >
          <span className="min-w-0 flex-1 truncate">{name}</span>
          <ChevronsUpDown aria-hidden className="size-4 shrink-0 text-muted" />
        </button>
      }
      items={items}
    />
  );
}
