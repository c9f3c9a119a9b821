/** Fields that name something of the workspace: an integration, another workflow. */

import { Link } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import { useContext, useId } from 'react';

import { t } from '@/app/i18n';
import { Select, TextInput } from '@/ui';

import { calls } from '../editor/api';
import { useIntegrations } from '../editor/catalogue';
import { FormContext } from './SchemaForm';
import type { InputProps } from './widgets';

export function IntegrationInput({ field, value, onChange }: InputProps) {
  const { integrations: types, isReadOnly } = useContext(FormContext);
  const fitting = useIntegrations().filter((one) => types.includes('*') || types.includes(one.type));
  const chosen = typeof value === 'string' ? value : '';
  const isKnown = chosen === '' || fitting.some((one) => one.name === chosen);
  const options = fitting.map((one) => ({ value: one.name, label: `${one.name} (${one.type})` }));
  return (
    <div className="flex flex-col gap-1">
      <Select
        value={chosen}
        disabled={isReadOnly}
        placeholder={field.required ? t('Choose an integration') : t('None')}
        options={isKnown ? options : [...options, { value: chosen, label: t('{name} (is not there)', { name: chosen }) }]}
        onChange={(next) => onChange(next === '' ? undefined : next)}
      />
      {fitting.length === 0 && (
        <p className="text-sm text-muted">
          {t('There is none that fits yet.')}{' '}
          <Link to="/integrations" className="text-accent underline">
            {t('Add an integration')}
          </Link>
        </p>
      )}
    </div>
  );
}

export function WorkflowInput({ field, value, onChange }: InputProps) {
  const { isReadOnly } = useContext(FormContext);
  const list = useId();
  const { data: workflows = [] } = useQuery({ queryKey: ['workflows', 'names'], queryFn: calls.everyWorkflow, staleTime: 30_000 });
  return (
    <>
      <TextInput
        list={list}
        disabled={isReadOnly}
        value={typeof value === 'string' ? value : ''}
        placeholder={t('Name of a workflow')}
        onChange={(event) => onChange(event.target.value === '' && !field.required ? undefined : event.target.value)}
      />
      <datalist id={list}>
        {workflows.map((one) => (
          <option key={one.id} value={one.name} />
        ))}
      </datalist>
    </>
  );
}
