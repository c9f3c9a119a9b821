/** The icons that types name, by their Lucide name: only these are in the bundle. */

import {
  Braces,
  Calendar,
  CalendarClock,
  Clock,
  Cloud,
  Code,
  CodeXml,
  Database,
  File,
  FileArchive,
  FileCode,
  FileSpreadsheet,
  GitBranch,
  Globe,
  HardDrive,
  Hash,
  Key,
  KeyRound,
  Mail,
  Merge,
  MessageSquare,
  OctagonX,
  Play,
  Plug,
  Puzzle,
  Radio,
  Repeat,
  Reply,
  RotateCw,
  Route,
  Send,
  Sheet,
  Sparkles,
  Split,
  Table,
  Timer,
  UserCheck,
  Webhook,
  Workflow,
  Zap,
  type LucideIcon,
  type LucideProps,
} from 'lucide-react';
import { createElement } from 'react';

const ICONS: Record<string, LucideIcon> = {
  braces: Braces,
  calendar: Calendar,
  'calendar-clock': CalendarClock,
  clock: Clock,
  cloud: Cloud,
  code: Code,
  'code-xml': CodeXml,
  database: Database,
  file: File,
  'file-archive': FileArchive,
  'file-code': FileCode,
  'file-spreadsheet': FileSpreadsheet,
  globe: Globe,
  'hard-drive': HardDrive,
  hash: Hash,
  key: Key,
  'key-round': KeyRound,
  mail: Mail,
  merge: Merge,
  'octagon-x': OctagonX,
  play: Play,
  plug: Plug,
  radio: Radio,
  repeat: Repeat,
  reply: Reply,
  'rotate-cw': RotateCw,
  route: Route,
  send: Send,
  sheet: Sheet,
  sparkles: Sparkles,
  split: Split,
  table: Table,
  timer: Timer,
  'user-check': UserCheck,
  webhook: Webhook,
  workflow: Workflow,
  zap: Zap,
  // Lucide has no brands any more.
  slack: MessageSquare,
  github: GitBranch,
};

export function hasIcon(name: string): boolean {
  return name in ICONS;
}

function iconOf(name: string | undefined): LucideIcon {
  return ICONS[name ?? ''] ?? Puzzle;
}

/** The icon of a type, by its name. It says nothing that its title does not. */
export function TypeIcon({ name, ...rest }: LucideProps & { name: string | undefined }) {
  return createElement(iconOf(name), { 'aria-hidden': true, ...rest });
}

/** The colors of a group's tile. Groups that are not known here have the quiet one. */
const TINTS: Record<string, string> = {
  Flow: 'bg-violet-soft text-violet',
  AI: 'bg-run-soft text-run',
  Data: 'bg-accent-soft text-accent',
  Code: 'bg-wait-soft text-wait',
  Web: 'bg-ok-soft text-ok',
  Messages: 'bg-ok-soft text-ok',
  People: 'bg-bad-soft text-bad',
  AWS: 'bg-wait-soft text-wait',
  Integrations: 'bg-run-soft text-run',
  State: 'bg-accent-soft text-accent',
};

export function tintOf(group: string | undefined): string {
  return TINTS[group ?? ''] ?? 'bg-hover text-ink';
}
