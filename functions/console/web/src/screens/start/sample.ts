/** A first workflow: it shows a condition, two ways and a result, and needs nothing but a click. */
import { request } from '@/api/client';
import { t } from '@/app/i18n';

export function sampleDefinition() {
  return {
    nodes: [
      { id: 'large', type: 'conditional', name: t('More than 1,000?'), config: { expression: '{{ trigger.body.total > 1000 }}' } },
      {
        id: 'review',
        type: 'transform',
        name: t('Somebody has to look'),
        config: { value: { order: '{{ trigger.body.order }}', decision: t('a person decides') } },
      },
      {
        id: 'accept',
        type: 'transform',
        name: t('Accepted'),
        config: { value: { order: '{{ trigger.body.order }}', decision: t('accepted at once') } },
      },
    ],
    edges: [
      { from: 'large', port: 'true', to: 'review' },
      { from: 'large', port: 'false', to: 'accept' },
    ],
  };
}

/** Make the workflow and run it once; gives the run's id. */
export async function makeAndRun(): Promise<string> {
  const body = { name: t('My first workflow'), definition: sampleDefinition() };
  const workflow = await request<{ id: string }>('POST', '/api/workflows', { body });
  const input = { order: 'A-1001', total: 1250 };
  const run = await request<{ id: string }>('POST', '/api/executions', { body: { workflow_id: workflow.id, input } });
  return run.id;
}
