/** What differs between two versions, by step, in words. */

import { CircleMinus, CirclePlus, PencilLine, type LucideIcon } from 'lucide-react';

import { msg, t } from '@/app/i18n';
import { cx } from '@/ui';

import { titleOf, type Catalogue } from './catalogue';
import { edgeText, isEqual, type Difference, type Kind } from './compare';

const LOOK: Record<Kind, { icon: LucideIcon; className: string; word: string }> = {
  added: { icon: CirclePlus, className: 'text-ok', word: msg('added') },
  removed: { icon: CircleMinus, className: 'text-bad', word: msg('removed') },
  changed: { icon: PencilLine, className: 'text-wait', word: msg('changed') },
};

function Line({ kind, name, detail }: { kind: Kind; name: string; detail?: string }) {
  const { icon: Icon, className, word } = LOOK[kind];
  return (
    <li className="flex items-start gap-2 py-0.5">
      <Icon aria-hidden className={cx('mt-0.5 size-4 shrink-0', className)} />
      <span className="min-w-0 break-words">
        {name} <span className="text-muted">{t(word)}</span>
        {detail && <span className="block text-sm text-muted">{detail}</span>}
      </span>
    </li>
  );
}

export function DiffList({ difference, catalogue }: { difference: Difference; catalogue: Catalogue }) {
  if (isEqual(difference)) return <p className="text-muted">{t('Nothing is different.')}</p>;
  const { nodes, edges, triggers, settings } = difference;
  return (
    <ul aria-label={t('Changes')}>
      {triggers.map(({ kind, id, trigger, fields }) => (
        <Line key={`trigger:${id}`} kind={kind} name={t('Trigger {name}', { name: trigger.name ?? id })} detail={fields.join(', ')} />
      ))}
      {nodes.map(({ kind, id, node, fields }) => (
        <Line key={id} kind={kind} name={titleOf(node, catalogue) === id ? id : `${titleOf(node, catalogue)} (${id})`} detail={fields.join(', ')} />
      ))}
      {edges.map(({ kind, edge }) => (
        <Line key={edgeText(edge) + kind} kind={kind} name={edgeText(edge)} />
      ))}
      {settings.map((field) => (
        <Line key={`setting:${field}`} kind="changed" name={field} />
      ))}
    </ul>
  );
}
