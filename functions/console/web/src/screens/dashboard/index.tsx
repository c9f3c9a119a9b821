/** How it goes: runs, failures, duration and dollars by day and workflow, and what wants somebody's attention. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { t } from '@/app/i18n';
import { ErrorState, Page, Select, Skeleton } from '@/ui';
import { GettingStarted } from '../start/GettingStarted';
import { Approvals, Failures, SickTriggers } from './Attention';
import { ByWorkflow } from './ByWorkflow';
import { Charts, Tiles } from './Figures';
import { anyWorkflow, byDay, isOfDay } from './queries';

const SPANS = [7, 30, 90];

export default function Dashboard() {
  const [days, setDays] = useState(30);
  const workflows = useQuery(anyWorkflow);
  const stats = useQuery(byDay(days));
  const isEmpty = workflows.data?.items.length === 0;
  if (isEmpty) return <GettingStarted />;
  // Not the dashboard yet: whoever has nothing would see it for a moment.
  if (workflows.isPending)
    return (
      <Page title={t('Dashboard')}>
        <Skeleton lines={8} />
      </Page>
    );
  const span = (
    <Select
      aria-label={t('Time')}
      className="w-auto"
      value={String(days)}
      onChange={(value) => setDays(Number(value))}
      options={SPANS.map((span) => ({ value: String(span), label: t('Last {n} days', { n: span }) }))}
    />
  );
  return (
    <Page title={t('Dashboard')} actions={span}>
      {stats.isPending && <Skeleton lines={8} />}
      {stats.isError && <ErrorState error={stats.error} onRetry={() => void stats.refetch()} />}
      {stats.data && (
        <>
          <Tiles total={stats.data.total} />
          <Charts days={stats.data.items.filter(isOfDay)} />
        </>
      )}
      <div className="grid items-start gap-5 lg:grid-cols-3">
        <Approvals />
        <SickTriggers />
        <Failures />
      </div>
      <ByWorkflow days={days} />
    </Page>
  );
}
