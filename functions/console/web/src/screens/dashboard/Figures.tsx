import type { ReactNode } from 'react';
import { t } from '@/app/i18n';
import { formatNumber } from '@/app/i18n/format';
import { Card, Duration, Money } from '@/ui';
import { Bars } from './Bars';
import type { DayFigures, Figures } from './queries';

function unwell(figures: Figures): number {
  return figures.failed + figures.timed_out;
}

export function Tiles({ total }: { total: Figures }) {
  const failed = unwell(total);
  const share = total.runs ? failed / total.runs : 0;
  return (
    <dl className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      <Tile name={t('Runs')} value={formatNumber(total.runs)} note={t('{n, plural, one {# test} other {# tests}} besides', { n: total.tests })} />
      <Tile
        name={t('Failed')}
        value={formatNumber(failed)}
        note={t('{share} of all runs', { share: formatNumber(share, { style: 'percent', maximumFractionDigits: 1 }) })}
        isBad={failed > 0}
      />
      <Tile name={t('Mean duration')} value={total.runs ? <Duration ms={total.duration_ms / total.runs} /> : '–'} note={t('from start to end, waiting included')} />
      <Tile name={t('Cost')} value={<Money dollars={total.dollars + total.test_dollars} />} note={t('of AWS, as far as runs cause it')} />
    </dl>
  );
}

function Tile({ name, value, note, isBad = false }: { name: string; value: ReactNode; note: string; isBad?: boolean }) {
  return (
    <div className="flex flex-col rounded-lg border border-line bg-card p-4">
      <dt className="text-muted">{name}</dt>
      <dd className={`mt-1 text-2xl font-semibold tabular-nums ${isBad ? 'text-bad' : ''}`}>{value}</dd>
      <dd className="mt-0.5 text-sm text-muted">{note}</dd>
    </div>
  );
}

export function Charts({ days }: { days: DayFigures[] }) {
  return (
    <div className="grid gap-5 lg:grid-cols-2">
      <Card title={t('Runs a day')} aside={<Legend />}>
        <Bars
          label={t('Runs a day')}
          days={days}
          series={[
            { label: t('Succeeded'), of: (day) => day.succeeded, fill: 'fill-ok' },
            { label: t('Failed'), of: unwell, fill: 'fill-bad' },
            { label: t('Canceled'), of: (day) => day.cancelled, fill: 'fill-line-strong' },
          ]}
        />
      </Card>
      <Card title={t('Cost a day')}>
        <Bars label={t('Cost a day')} days={days} money series={[{ label: t('Cost'), of: (day) => day.dollars + day.test_dollars, fill: 'fill-accent' }]} />
      </Card>
    </div>
  );
}

function Legend() {
  const entries = [
    { label: t('Succeeded'), color: 'bg-ok' },
    { label: t('Failed'), color: 'bg-bad' },
    { label: t('Canceled'), color: 'bg-line-strong' },
  ];
  return (
    <ul className="flex flex-wrap gap-x-3 text-xs text-muted">
      {entries.map(({ label, color }) => (
        <li key={label} className="flex items-center gap-1.5">
          <span aria-hidden className={`size-2 rounded-sm ${color}`} />
          {label}
        </li>
      ))}
    </ul>
  );
}
