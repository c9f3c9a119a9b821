import { useEffect, useState } from 'react';
import { formatDateTime, formatDuration, formatMoney, formatRelative } from '@/app/i18n/format';

export function Duration({ ms }: { ms: number }) {
  return <span className="tabular-nums">{formatDuration(ms)}</span>;
}

export function Money({ dollars }: { dollars: number }) {
  return <span className="tabular-nums">{formatMoney(dollars)}</span>;
}

const AGAIN_MS = 30_000;

/** How long ago, or in how long; the exact time is its title. With `exact` the time itself. */
export function Time({ at, exact = false }: { at: string | null | undefined; exact?: boolean }) {
  const [, redraw] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => redraw((count) => count + 1), AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  if (!at) return <span className="text-muted">–</span>;
  const full = formatDateTime(at, { dateStyle: 'full', timeStyle: 'long' });
  return (
    <time dateTime={at} title={full} className="whitespace-nowrap">
      {exact ? formatDateTime(at) : formatRelative(at)}
    </time>
  );
}
