/** What may be added: all types in groups, found by what they are called and what they do. */

import { Command } from 'cmdk';
import { Search } from 'lucide-react';
import { useMemo } from 'react';

import { msg, said, t } from '@/app/i18n';
import { cx, Dialog } from '@/ui';

import * as actions from './actions';
import type { NodeType, TriggerType } from './api';
import { firstSentence, type Catalogue } from './catalogue';
import { focusAdded } from './focus';
import { TypeIcon, tintOf } from './icons';
import { useEditor, useEditorStore, type Place } from './store';

/** What most workflows are made of comes first. */
const GROUPS = [
  msg('Flow'),
  msg('Web'),
  msg('Messages'),
  msg('People'),
  msg('Data'),
  msg('Code'),
  msg('AI'),
  msg('Integrations'),
  msg('State'),
  msg('AWS'),
  msg('Extensions'),
];

function grouped<T extends { group: string }>(types: Iterable<T>): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const type of types) groups.set(type.group, [...(groups.get(type.group) ?? []), type]);
  const place = (name: string) => {
    const at = GROUPS.indexOf(name);
    return at < 0 ? GROUPS.length : at;
  };
  return [...groups].sort(([one], [other]) => place(one) - place(other) || one.localeCompare(other));
}

export function Palette({ catalogue }: { catalogue: Catalogue }) {
  const store = useEditorStore();
  const place = useEditor((state) => state.palette);
  const close = () => store.getState().openPalette(null);
  return (
    <Dialog open={place !== null} typed={null} onOpenChange={close} title={place?.kind === 'trigger' ? t('Add a trigger') : t('Add a step')} description={place ? whereOf(place) : undefined}>
      {place && <Choices catalogue={catalogue} place={place} onDone={close} />}
    </Dialog>
  );
}

/** How well a type fits the words: those of its title count most. */
function fit(value: string, search: string, keywords: string[] = []): number {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const title = value.toLowerCase();
  const rest = keywords.join(' ').toLowerCase();
  if (!words.every((word) => title.includes(word) || rest.includes(word))) return 0;
  if (words.every((word) => title.startsWith(word))) return 1;
  return words.every((word) => title.includes(word)) ? 0.8 : 0.3;
}

function whereOf(place: Place): string | undefined {
  if (place.kind === 'edge') return t('Between {from} and {to}', { from: place.edge.from, to: place.edge.to });
  if (place.kind === 'after') return t('Behind {id}, {port}', { id: place.node, port: place.port });
  return undefined;
}

function Choices({ catalogue, place, onDone }: { catalogue: Catalogue; place: Place; onDone: () => void }) {
  const store = useEditorStore();
  const isInLoop = 'scope' in place && place.scope !== null;
  const groups = useMemo(() => grouped(catalogue.nodes.values()), [catalogue]);
  const add = (type: NodeType) => {
    onDone();
    actions.addStep(store, type, place);
    focusAdded();
  };
  const addTrigger = (type: TriggerType) => {
    onDone();
    actions.addTrigger(store, type);
    focusAdded();
  };
  return (
    <Command label={t('Add a step')} className="flex flex-col gap-2" loop filter={fit}>
      <div className="flex items-center gap-2 rounded-md border border-line-strong/60 px-2.5">
        <Search aria-hidden className="size-4 text-muted" />
        <Command.Input autoFocus placeholder={t('Search')} className="h-9 min-w-0 flex-1 bg-transparent outline-none" />
      </div>
      <Command.List className="max-h-[46dvh] overflow-y-auto">
        <Command.Empty className="px-2 py-6 text-center text-muted">{t('Nothing fits that.')}</Command.Empty>
        {place.kind !== 'trigger' &&
          groups.map(([group, types]) => (
            <Command.Group key={group} heading={t(group)} className={HEADING}>
              {types.map((type) => (
                <Choice key={type.type} type={type} onSelect={() => add(type)} />
              ))}
            </Command.Group>
          ))}
        {!isInLoop && (
          <Command.Group heading={t('Triggers')} className={HEADING}>
            {[...catalogue.triggers.values()].map((type) => (
              <Choice key={type.type} type={type} onSelect={() => addTrigger(type)} />
            ))}
          </Command.Group>
        )}
      </Command.List>
    </Command>
  );
}

const HEADING = '[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:font-medium [&_[cmdk-group-heading]]:text-muted';

function Choice({ type, onSelect }: { type: NodeType | TriggerType; onSelect: () => void }) {
  return (
    <Command.Item
      value={[...new Set([said(type.title), type.title, type.type])].join(' ')}
      keywords={[firstSentence(type.description), type.group]}
      onSelect={onSelect}
      className="flex cursor-pointer items-center gap-3 rounded-[6px] px-2 py-1.5 data-[selected=true]:bg-hover"
    >
      <span className={cx('flex size-8 shrink-0 items-center justify-center rounded-md', tintOf(type.group))}>
        <TypeIcon name={type.icon} className="size-4" />
      </span>
      <span className="min-w-0">
        <span className="block font-medium">{said(type.title)}</span>
        <span className="block truncate text-sm text-muted">{said(firstSentence(type.description)).replaceAll('`', '')}</span>
      </span>
    </Command.Item>
  );
}

