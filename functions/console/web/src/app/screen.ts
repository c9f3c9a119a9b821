/**
 * What a screen tells about itself, in `screens/<name>/screen.ts`. The folder is all that it takes to add one: the
 * router, the navigation and the command palette find it.
 */
import type { LucideIcon } from 'lucide-react';
import type { ComponentType } from 'react';
import type { Permission } from './can';

export interface ScreenRoute {
  /** As TanStack Router writes it: `/runs/$runId`. */
  path: string;
  /** The module is loaded when the route is; its default export is drawn. */
  load: () => Promise<{ default: ComponentType }>;
}

export interface NavigationEntry {
  to: string;
  /** Marked with `msg()`. */
  label: string;
  icon: LucideIcon;
  /** Places in the navigation: 10 dashboard, 20 workflows, 30 runs, 40 approvals, 50 triggers, 60 integrations,
   * 65 subscriptions, 70 files, 75 tables, 80 templates, 90 settings, 95 help. */
  order: number;
  /** One of the few that have a place at the bottom of a phone's screen; the others are behind "More". */
  onPhone?: boolean;
  /** A hook that gives a number to show beside it, such as approvals that wait. */
  useCount?: () => number | undefined;
  /** The second key of its shortcut: `g` and then this. */
  key?: string;
}

/** What can be done from anywhere, by the command palette. */
export interface Command {
  /** Marked with `msg()`. */
  label: string;
  icon: LucideIcon;
  to: string;
  /** It is not offered to those who may not do it. */
  needs?: Permission;
}

export interface Screen {
  routes: ScreenRoute[];
  nav?: NavigationEntry;
  commands?: Command[];
}

export function defineScreen(screen: Screen): Screen {
  return screen;
}

const modules = import.meta.glob<Screen>('../screens/*/screen.ts', { eager: true, import: 'default' });

/** All that there are. */
export const screens: Screen[] = Object.values(modules);

export const navigation: NavigationEntry[] = screens
  .flatMap((screen) => (screen.nav ? [screen.nav] : []))
  .sort((a, b) => a.order - b.order);
