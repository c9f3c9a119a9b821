/** Bars by day, as SVG; the same as a table for screen readers. */
import { t } from '@/app/i18n';
import { formatDateTime, formatMoney, formatNumber } from '@/app/i18n/format';
import type { DayFigures } from './queries';

const HEIGHT = 120;
const STEP = 20;
const GAP = 4;

export interface Series {
  label: string;
  of: (day: DayFigures) => number;
  /** A Tailwind class that fills. */
  fill: string;
}

export interface BarsProps {
  label: string;
  days: readonly DayFigures[];
  /** Stacked, the first one below. */
  series: readonly Series[];
  money?: boolean;
}

function dayName(day: string): string {
  return formatDateTime(`${day}T12:00:00Z`, { day: 'numeric', month: 'short', timeZone: 'UTC' });
}

export function Bars({ label, days, series, money = false }: BarsProps) {
  const written = (value: number) => (money ? formatMoney(value) : formatNumber(value));
  const sums = days.map((day) => series.reduce((sum, one) => sum + one.of(day), 0));
  const highest = Math.max(...sums, 0);
  const first = days[0];
  const last = days.at(-1);
  return (
    <figure aria-label={label}>
      <svg viewBox={`0 0 ${days.length * STEP} ${HEIGHT}`} preserveAspectRatio="none" className="h-32 w-full" aria-hidden>
        <line x1={0} x2={days.length * STEP} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} className="stroke-line" vectorEffect="non-scaling-stroke" />
        {days.map((day, index) => (
          <Bar key={day.day} day={day} index={index} series={series} highest={highest} title={`${dayName(day.day)}: ${written(sums[index] ?? 0)}`} />
        ))}
      </svg>
      <figcaption className="mt-1 flex justify-between text-xs text-muted">
        <span>{first && dayName(first.day)}</span>
        <span>{t('at most {value} a day', { value: written(highest) })}</span>
        <span>{last && dayName(last.day)}</span>
      </figcaption>
      <Table label={label} days={days} series={series} written={written} />
    </figure>
  );
}

interface Segment {
  label: string;
  fill: string;
  top: number;
  height: number;
}

/** Where each series of a day is, one on the other. */
function segments(day: DayFigures, series: readonly Series[], highest: number): Segment[] {
  const heights = series.map((one) => (highest ? (one.of(day) / highest) * (HEIGHT - 4) : 0));
  return series.map(({ label, fill }, index) => {
    const height = heights[index] ?? 0;
    const below = heights.slice(0, index).reduce((sum, one) => sum + one, 0);
    return { label, fill, height, top: HEIGHT - below - height };
  });
}

function Bar({ day, index, series, highest, title }: { day: DayFigures; index: number; series: readonly Series[]; highest: number; title: string }) {
  return (
    <g>
      <title>{title}</title>
      <rect x={index * STEP} y={0} width={STEP} height={HEIGHT} className="fill-transparent hover:fill-hover" />
      {segments(day, series, highest).map(({ label, fill, top, height }) => (
        <rect key={label} x={index * STEP + GAP / 2} y={top} width={STEP - GAP} height={height} className={`pointer-events-none ${fill}`} />
      ))}
    </g>
  );
}

function Table({ label, days, series, written }: { label: string; days: readonly DayFigures[]; series: readonly Series[]; written: (value: number) => string }) {
  return (
    <table className="sr-only">
      <caption>{label}</caption>
      <thead>
        <tr>
          <th scope="col">{t('Day')}</th>
          {series.map((one) => (
            <th key={one.label} scope="col">
              {one.label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {days.map((day) => (
          <tr key={day.day}>
            <th scope="row">{dayName(day.day)}</th>
            {series.map((one) => (
              <td key={one.label}>{written(one.of(day))}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
