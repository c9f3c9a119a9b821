/** How a trigger is doing, in a word. */
import { CircleAlert, CircleCheck, CirclePause, MoonStar, type LucideIcon } from 'lucide-react';
import { msg } from '@/app/i18n';
import type { Tone } from '@/ui';
import type { Trigger } from './api';

export interface Health {
  /** The sick ones first. */
  rank: number;
  tone: Tone;
  icon: LucideIcon;
  word: string;
}

/** Whether it refused what came last; what it refused before something that it took is no trouble any more. */
export function isRefusing({ last_refused_at: refused, last_fired_at: fired }: Pick<Trigger, 'last_refused_at' | 'last_fired_at'>): boolean {
  return Boolean(refused && (!fired || refused > fired));
}

/** The state of a trigger: what keeps it from working counts more than that it works. */
export function healthOf(trigger: Pick<Trigger, 'is_active' | 'silent_since' | 'consecutive_failures' | 'last_refused_at' | 'last_fired_at' | 'fired' | 'has_secret'>): Health {
  if (!trigger.is_active) return { rank: 4, tone: 'neutral', icon: CirclePause, word: msg('Off') };
  if (trigger.consecutive_failures > 0) return { rank: 0, tone: 'bad', icon: CircleAlert, word: msg('Failing') };
  if (trigger.has_secret === false) return { rank: 1, tone: 'wait', icon: CircleAlert, word: msg('Secret missing') };
  if (trigger.silent_since) return { rank: 1, tone: 'wait', icon: MoonStar, word: msg('Silent') };
  if (isRefusing(trigger)) return { rank: 2, tone: 'wait', icon: CircleAlert, word: msg('Refusing') };
  return { rank: 3, tone: 'ok', icon: CircleCheck, word: trigger.fired ? msg('Healthy') : msg('Ready') };
}

/** The sick ones first, then by workflow. */
export function bySickness<T extends Trigger>(triggers: readonly T[]): T[] {
  return [...triggers].sort((a, b) => healthOf(a).rank - healthOf(b).rank || a.workflow_name.localeCompare(b.workflow_name));
}
