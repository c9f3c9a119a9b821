/** The list of screens: a column, or on phones a bar with the most used ones and a drawer with all. */
import { Link } from '@tanstack/react-router';
import { Ellipsis, Keyboard, LogOut, Monitor, Moon, Search, Sun, UserRound } from 'lucide-react';
import { useState } from 'react';
import { cx, Dialog, Menu } from '@/ui';
import { useOverlay } from './GlobalKeys';
import { t } from './i18n';
import { MOD } from './keys';
import { navigation, type NavigationEntry } from './screen';
import { signOut, useSession } from './session';
import { useTheme } from './theme';
import { Wordmark } from './Wordmark';
import { WorkspaceMenu } from './WorkspaceMenu';

const PLACES = 4;

function Count({ useCount, floating = false }: { useCount: () => number | undefined; floating?: boolean }) {
  const count = useCount();
  if (!count) return null;
  return (
    <span
      className={cx(
        'rounded-full bg-accent px-1.5 text-xs font-medium text-accent-ink tabular-nums',
        floating ? 'absolute -top-1 left-1/2 ml-1.5' : 'ml-auto',
      )}
    >
      {count > 99 ? '99+' : count}
    </span>
  );
}

function Entry({ entry, onNavigate }: { entry: NavigationEntry; onNavigate?: () => void }) {
  const { to, label, icon: Icon, useCount } = entry;
  return (
    <Link
      to={to}
      {...(onNavigate ? { onClick: onNavigate } : {})}
      activeOptions={{ exact: to === '/' }}
      className="flex h-8 items-center gap-2.5 rounded-md px-2 text-muted hover:bg-hover hover:text-ink max-md:h-11 [&[aria-current=page]]:bg-hover [&[aria-current=page]]:font-medium [&[aria-current=page]]:text-ink"
    >
      <Icon aria-hidden className="size-4 shrink-0" />
      {t(label)}
      {useCount && <Count useCount={useCount} />}
    </Link>
  );
}

export function Sidebar() {
  return (
    <nav aria-label={t('Main')} className="hidden w-52 shrink-0 flex-col gap-0.5 border-r border-line bg-card px-3 py-3.5 md:flex">
      <div className="mb-3 px-1.5">
        <Wordmark />
      </div>
      <WorkspaceMenu />
      <SearchButton />
      {navigation.map((entry) => (
        <Entry key={entry.to} entry={entry} />
      ))}
      <div className="mt-auto">
        <PersonMenu />
      </div>
    </nav>
  );
}

function SearchButton({ onClick }: { onClick?: () => void }) {
  const show = useOverlay((state) => state.show);
  return (
    <button
      type="button"
      onClick={() => {
        onClick?.();
        show('palette');
      }}
      className="mb-2 flex h-8 items-center gap-2.5 rounded-md border border-line px-2 text-muted hover:bg-hover max-md:h-11"
    >
      <Search aria-hidden className="size-4" />
      {t('Search')}
      <kbd className="ml-auto text-xs max-md:hidden">{MOD} K</kbd>
    </button>
  );
}

/** Who is signed in; colors, keys, signing out. */
function PersonMenu() {
  const me = useSession((state) => state.me);
  const { theme, choose } = useTheme();
  const show = useOverlay((state) => state.show);
  const name = me?.full_name ?? me?.email ?? '';
  return (
    <Menu
      align="start"
      trigger={
        <button type="button" className="flex h-9 w-full items-center gap-2.5 rounded-md px-2 text-left text-muted hover:bg-hover hover:text-ink">
          <UserRound aria-hidden className="size-4 shrink-0" />
          <span className="truncate">{name}</span>
        </button>
      }
      items={[
        { heading: me?.email ?? '' },
        { label: t('As the system'), icon: Monitor, checked: theme === 'system', onSelect: () => choose('system') },
        { label: t('Light'), icon: Sun, checked: theme === 'light', onSelect: () => choose('light') },
        { label: t('Dark'), icon: Moon, checked: theme === 'dark', onSelect: () => choose('dark') },
        'separator',
        { label: t('Keys'), icon: Keyboard, keys: '?', onSelect: () => show('keys') },
        { label: t('Sign out'), icon: LogOut, onSelect: () => void signOut() },
      ]}
    />
  );
}

export function BottomBar() {
  const [open, setOpen] = useState(false);
  const main = navigation.filter((entry) => entry.onPhone).slice(0, PLACES);
  const place = 'relative flex min-w-0 flex-1 flex-col items-center gap-0.5 py-1.5 text-xs text-muted [&[aria-current=page]]:text-accent';
  return (
    <nav aria-label={t('Main')} className="flex shrink-0 border-t border-line bg-card pb-[env(safe-area-inset-bottom)] md:hidden">
      {main.map(({ to, label, icon: Icon, useCount }) => (
        <Link key={to} to={to} activeOptions={{ exact: to === '/' }} className={place}>
          <Icon aria-hidden className="size-5" />
          <span className="max-w-full truncate">{t(label)}</span>
          {useCount && <Count useCount={useCount} floating />}
        </Link>
      ))}
      <button type="button" className={place} onClick={() => setOpen(true)}>
        <Ellipsis aria-hidden className="size-5" />
        {t('More')}
      </button>
      <Dialog open={open} onOpenChange={setOpen} title={t('Go to')}>
        <div className="flex flex-col">
          <WorkspaceMenu onNavigate={() => setOpen(false)} />
          <SearchButton onClick={() => setOpen(false)} />
          {navigation.map((entry) => (
            <Entry key={entry.to} entry={entry} onNavigate={() => setOpen(false)} />
          ))}
        </div>
      </Dialog>
    </nav>
  );
}
