/** What triggers are, in words. */
import { CalendarClock, CircleAlert, Radio, Webhook, Zap, type LucideIcon } from 'lucide-react';
import { msg, t } from '@/app/i18n';
import type { Trigger } from './api';

const TYPES: Record<string, { word: string; icon: LucideIcon }> = {
  schedule: { word: msg('Schedule'), icon: CalendarClock },
  webhook: { word: msg('Webhook'), icon: Webhook },
  event: { word: msg('Event'), icon: Radio },
  failure: { word: msg('Failure of another workflow'), icon: CircleAlert },
};

export function typeLook(type: string): { word: string; icon: LucideIcon } {
  const found = TYPES[type];
  return found ? { ...found, word: t(found.word) } : { word: type, icon: Zap };
}

/** Its name, else what it listens to. */
export function nameOf(trigger: Trigger): string {
  return trigger.name ?? trigger.id;
}

/** What it listens to, in a line. */
export function detailOf({ type, config }: Trigger): string {
  const text = (key: string) => (typeof config[key] === 'string' || typeof config[key] === 'number' ? String(config[key]) : '');
  if (type === 'schedule') return [text('cron') || text('every') || text('at'), text('timezone')].filter(Boolean).join(', ');
  if (type === 'webhook') return [text('method') || 'POST', text('path')].filter(Boolean).join(' ');
  return [text('source'), text('type')].filter(Boolean).join(' · ');
}
