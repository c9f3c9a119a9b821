/** Why somebody may not answer an approval, and who may. */
import { t } from '@/app/i18n';
import type { ApprovalSummary } from './api';

function told({ refusal, approvers }: ApprovalSummary): string {
  if (refusal === 'already_answered') return t('You have answered. Further people have to.');
  if (refusal === 'is_the_starter') return t('You started the run, so somebody else decides.');
  if (approvers.length > 0) return t('You are not among those who may answer this.');
  return t('Your role does not let you answer approvals.');
}

export function WhoDecides({ item }: { item: ApprovalSummary }) {
  const { approvers } = item;
  return (
    <p className="rounded-md bg-hover px-3 py-2">
      {told(item)}{' '}
      {approvers.length > 0 ? t('It is up to {people}.', { people: approvers.join(', ') }) : t('It is up to everybody here whose role lets them answer approvals.')}
    </p>
  );
}
