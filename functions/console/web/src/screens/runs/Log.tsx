/** The log of a run, or of one of its steps: it grows while the run goes on. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { ScrollText } from 'lucide-react';
import { useState } from 'react';
import { POLL } from '@/api/queries';
import { msg, t } from '@/app/i18n';
import { formatDateTime } from '@/app/i18n/format';
import { Button, cx, EmptyState, ErrorState, Select, Skeleton } from '@/ui';
import { isOpen, readLogs, type LogLine, type Run } from './api';

const LEVELS = [
  { value: 'debug', label: msg('Everything') },
  { value: 'info', label: msg('Without details') },
  { value: 'warning', label: msg('Warnings and errors') },
  { value: 'error', label: msg('Errors') },
];

const COLORS: Record<string, string> = { debug: 'text-muted', info: 'text-ink', warning: 'text-wait', error: 'text-bad' };

export function Log({ run, node }: { run: Run; node: string | undefined }) {
  const [level, setLevel] = useState('debug');
  const logs = useInfiniteQuery({
    queryKey: ['runs', 'logs', run.id, node, level, run.status],
    queryFn: ({ pageParam }) => readLogs(run.id, { node_id: node, level: level === 'debug' ? undefined : level, after: pageParam }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: (query) => (isOpen(run.status) && (query.state.data?.pages.length ?? 1) === 1 ? POLL.running : false),
  });
  const lines = logs.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className="flex flex-col gap-3">
      <Select
        className="w-auto self-start"
        aria-label={t('Which lines')}
        value={level}
        options={LEVELS.map(({ value, label }) => ({ value, label: t(label) }))}
        onChange={setLevel}
      />
      {logs.isPending && <Skeleton lines={4} />}
      {logs.error && <ErrorState error={logs.error} onRetry={() => void logs.refetch()} />}
      {logs.isSuccess && lines.length === 0 && !logs.hasNextPage && <EmptyState icon={ScrollText} title={t('No lines')} text={t('Steps write here what they do, and what went wrong.')} />}
      {lines.length > 0 && (
        <ol aria-label={t('Log')} className="overflow-hidden rounded-lg border border-line bg-card font-mono text-xs">
          {lines.map((line) => (
            <Line key={line.cursor} line={line} withNode={node === undefined} />
          ))}
        </ol>
      )}
      {logs.hasNextPage && (
        <Button className="self-center" loading={logs.isFetchingNextPage} onClick={() => void logs.fetchNextPage()}>
          {t('Show more')}
        </Button>
      )}
    </div>
  );
}

function Line({ line, withNode }: { line: LogLine; withNode: boolean }) {
  return (
    <li className="flex flex-wrap gap-x-3 border-b border-line px-3 py-1.5 last:border-0">
      <time dateTime={line.timestamp} className="text-muted tabular-nums">
        {formatDateTime(line.timestamp, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 })}
      </time>
      <span className={cx('w-14 font-semibold', COLORS[line.level.toLowerCase()])}>{line.level}</span>
      {withNode && line.node_id && <span className="text-muted">{line.node_id}</span>}
      <span className="min-w-0 flex-1 basis-60 break-words whitespace-pre-wrap">
        {line.message}
        {line.metadata && <span className="text-muted"> {JSON.stringify(line.metadata)}</span>}
      </span>
    </li>
  );
}
