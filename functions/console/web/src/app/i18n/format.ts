/** Numbers, money, durations and times as the reader writes them. */
import { locale, t } from '.';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function formatNumber(value: number, options?: Intl.NumberFormatOptions): string {
  return new Intl.NumberFormat(locale(), options).format(value);
}

/** Dollars with as many digits as it takes to see them: a run costs fractions of a cent. */
export function formatMoney(dollars: number): string {
  const small = Math.abs(dollars) < 0.01 && dollars !== 0;
  const digits = small ? { maximumSignificantDigits: 3 } : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return formatNumber(dollars, { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol', ...digits });
}

/** `46 ms`, `2.0 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${formatNumber(Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${formatNumber(seconds, { minimumFractionDigits: 1, maximumFractionDigits: 1 })} s`;
  if (seconds < MINUTE) return `${formatNumber(Math.round(seconds))} s`;
  const whole = Math.round(seconds);
  if (whole < HOUR) return parts(whole, MINUTE, 'min', 1, 's');
  if (whole < DAY) return parts(whole, HOUR, t('h'), MINUTE, 'min');
  return parts(whole, DAY, t('d'), HOUR, t('h'));
}

function parts(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % large) / small);
  const first = `${formatNumber(Math.floor(seconds / large))} ${largeName}`;
  return rest ? `${first} ${rest} ${smallName}` : first;
}

export function formatDateTime(at: string | Date, options?: Intl.DateTimeFormatOptions): string {
  const chosen = options ?? { dateStyle: 'medium', timeStyle: 'short' };
  return new Intl.DateTimeFormat(locale(), chosen).format(new Date(at));
}

/** `just now`, `5 minutes ago`, `in 2 hours`, and the date where that is more than six days away. */
export function formatRelative(at: string | Date, now: Date = new Date()): string {
  const then = new Date(at);
  const seconds = (then.getTime() - now.getTime()) / 1000;
  const away = Math.abs(seconds);
  if (away < 10) return t('just now');
  const relative = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' });
  if (away < MINUTE) return relative.format(Math.round(seconds), 'second');
  if (away < HOUR) return relative.format(Math.round(seconds / MINUTE), 'minute');
  if (away < DAY) return relative.format(Math.round(seconds / HOUR), 'hour');
  if (away < 6 * DAY) return relative.format(Math.round(seconds / DAY), 'day');
  const sameYear = then.getFullYear() === now.getFullYear();
  return formatDateTime(then, { day: 'numeric', month: 'short', ...(sameYear ? {} : { year: 'numeric' }) });
}
