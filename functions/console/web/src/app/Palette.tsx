/** The command palette: where to go, what to do, and workflows by their names. */
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Command } from 'cmdk';
import { ArrowLeftRight, Keyboard, Languages, LogOut, Moon, Plus, Sun, Workflow, type LucideIcon } from 'lucide-react';
import { Dialog } from 'radix-ui';
import { useEffect, useState } from 'react';
import { request } from '@/api/client';
import { toastError } from '@/ui';
import { can } from './can';
import { useOverlay } from './GlobalKeys';
import { chooseLocale, locale, t } from './i18n';
import { navigation, screens } from './screen';
import { signOut, useSession } from './session';
import { useTheme } from './theme';
import { enterWorkspace, useWorkspaces } from './workspaces';

const PAUSE_MS = 200;

interface Found {
  items: { id: string; name: string }[];
}

/** A text once nothing was typed for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

export default function Palette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('');
  return (
    <Dialog.Root open onOpenChange={onClose}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-black/40" />
        <Dialog.Content
          aria-describedby={undefined}
          className="fixed inset-x-3 top-[10vh] z-40 mx-auto max-w-xl overflow-hidden rounded-lg border border-line bg-raised shadow-floating"
        >
          <Dialog.Title className="sr-only">{t('Search and do anything')}</Dialog.Title>
          <Command label={t('Search and do anything')} loop>
            <Command.Input
              value={text}
              onValueChange={setText}
              placeholder={t('Where to, or what to do?')}
              className="h-12 w-full border-b border-line bg-transparent px-4 text-lg outline-none"
            />
            <Command.List className="max-h-[50vh] overflow-y-auto p-2">
              <Command.Empty className="px-3 py-8 text-center text-muted">{t('Nothing found')}</Command.Empty>
              <Entries text={text} onClose={onClose} />
            </Command.List>
          </Command>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Entries({ text, onClose }: { text: string; onClose: () => void }) {
  const navigate = useNavigate();
  const { resolved, choose } = useTheme();
  const show = useOverlay((state) => state.show);
  const go = (to: string) => () => {
    onClose();
    void navigate({ to });
  };
  const does = (action: () => void) => () => {
    onClose();
    action();
  };
  const me = useSession((state) => state.me);
  const commands = screens.flatMap((screen) => screen.commands ?? []).filter(({ needs }) => can(me, needs));
  return (
    <>
      <Workflows text={text} go={go} />
      <Group heading={t('Go to')}>
        {navigation.map(({ to, label, icon }) => (
          <Item key={to} label={t(label)} icon={icon} onSelect={go(to)} />
        ))}
      </Group>
      <Group heading={t('Do')}>
        {commands.map(({ to, label, icon }) => (
          <Item key={label} label={t(label)} icon={icon} onSelect={go(to)} />
        ))}
        <Item
          label={resolved === 'dark' ? t('Light colors') : t('Dark colors')}
          icon={resolved === 'dark' ? Sun : Moon}
          onSelect={does(() => choose(resolved === 'dark' ? 'light' : 'dark'))}
        />
        <Item
          label={locale() === 'de' ? 'English' : 'Deutsch'}
          icon={Languages}
          onSelect={does(() => void chooseLocale(locale() === 'de' ? 'en' : 'de'))}
        />
        <Workspaces does={does} />
        <Item label={t('Create a workspace')} icon={Plus} onSelect={does(() => show('workspace'))} />
        <Item label={t('Show the keys')} icon={Keyboard} onSelect={does(() => show('keys'))} />
        <Item label={t('Sign out')} icon={LogOut} onSelect={does(() => void signOut())} />
      </Group>
    </>
  );
}

/** The ways to the person's other workspaces. */
function Workspaces({ does }: { does: (action: () => void) => () => void }) {
  const here = useSession((state) => state.me?.workspace_id);
  const { data = [] } = useWorkspaces();
  const go = (id: string) => does(() => void enterWorkspace(id).catch((error: unknown) => toastError(t('That did not work'), error)));
  return data
    .filter(({ id }) => id !== here)
    .map(({ id, name }) => <Item key={id} id={id} label={t('Go to workspace {name}', { name })} icon={ArrowLeftRight} onSelect={go(id)} />);
}

function Workflows({ text, go }: { text: string; go: (to: string) => () => void }) {
  const wanted = useSettled(text.trim());
  const { data } = useQuery({
    queryKey: ['palette', wanted],
    queryFn: ({ signal }) => request<Found>('GET', '/api/workflows', { query: { q: wanted, limit: 8 }, signal }),
    enabled: wanted.length > 0,
    retry: false,
  });
  if (!data?.items.length) return null;
  return (
    <Group heading={t('Workflows')}>
      {data.items.map(({ id, name }) => (
        <Item key={id} id={id} label={name} icon={Workflow} onSelect={go(`/workflows/${id}`)} />
      ))}
    </Group>
  );
}

function Group({ heading, children }: { heading: string; children: React.ReactNode }) {
  return (
    <Command.Group
      heading={heading}
      className="[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:text-muted"
    >
      {children}
    </Command.Group>
  );
}

function Item({ id, label, icon: Icon, onSelect }: { id?: string; label: string; icon: LucideIcon; onSelect: () => void }) {
  return (
    <Command.Item
      value={id ? `${label} ${id}` : label}
      onSelect={onSelect}
      className="flex cursor-pointer items-center gap-3 rounded-md px-2 py-2 data-[selected=true]:bg-hover"
    >
      <Icon aria-hidden className="size-4 shrink-0 text-muted" />
      <span className="truncate">{label}</span>
    </Command.Item>
  );
}
