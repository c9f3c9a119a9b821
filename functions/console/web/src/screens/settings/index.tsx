/** The person's own settings, those of the workspace, and for administrators who else there is. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { t } from '@/app/i18n';
import { useSession } from '@/app/session';
import { Page, Skeleton, Tabs } from '@/ui';
import { Appearance } from './Appearance';
import { Profile } from './Profile';
import { Users } from './Users';

const Keys = lazy(() => import('./Keys'));
const Members = lazy(() => import('./Members'));
const Roles = lazy(() => import('./Roles'));
const Security = lazy(() => import('./Security'));
const WorkspaceSettings = lazy(() => import('./WorkspaceSettings'));

export default function SettingsScreen() {
  const isAdmin = useSession((state) => state.me?.is_admin ?? false);
  const navigate = useNavigate();
  const { tab }: { tab?: unknown } = useSearch({ strict: false });
  const tabs = [
    { value: 'you', label: t('You'), content: <You /> },
    { value: 'security', label: t('Security'), content: <Security /> },
    { value: 'members', label: t('Members'), content: <Members /> },
    { value: 'roles', label: t('Roles'), content: <Roles /> },
    { value: 'keys', label: t('API keys'), content: <Keys /> },
    { value: 'workspace', label: t('Workspace'), content: <WorkspaceSettings /> },
    ...(isAdmin ? [{ value: 'users', label: t('Users'), content: <Users /> }] : []),
  ].map((one) => ({ ...one, content: <Suspense fallback={<Skeleton />}>{one.content}</Suspense> }));
  const shown = tabs.find(({ value }) => value === tab)?.value ?? 'you';
  return (
    <Page title={t('Settings')}>
      <Tabs
        label={t('Settings')}
        tabs={tabs}
        value={shown}
        onChange={(value) => void navigate({ to: '/settings', search: value === 'you' ? {} : { tab: value }, replace: true })}
      />
    </Page>
  );
}

function You() {
  return (
    <div className="flex flex-col gap-5">
      <Profile />
      <Appearance />
    </div>
  );
}
