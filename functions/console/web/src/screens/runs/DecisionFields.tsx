/** The inputs of a decision: what the form of the approval asks, a comment, and the two buttons. */
import { Check, X } from 'lucide-react';
import { useMemo } from 'react';
import { ApiError, messageOf } from '@/api/errors';
import { t } from '@/app/i18n';
import { useTyped } from '@/app/typed';
import { describe, type Schema } from '@/form/describe';
import { placed } from '@/form/place';
import { FormContext, SchemaForm } from '@/form/SchemaForm';
import { BroughtBack, Button, Field, TextArea } from '@/ui';

export interface DecisionGiven {
  decision: 'approved' | 'rejected';
  comment?: string;
  values?: Record<string, never>;
}

interface DecisionFieldsProps {
  /** By this name, what is typed outlives the tab; whoever sends it forgets it. */
  keptAs: string;
  /** JSON Schema of what who approves fills in. */
  form: object | null | undefined;
  error: Error | null;
  /** The decision that is on its way. */
  sending: 'approved' | 'rejected' | null;
  onDecide: (given: DecisionGiven) => void;
}

export function DecisionFields({ keptAs, form, error, sending, onDecide }: DecisionFieldsProps) {
  const typed = useTyped<{ comment: string; values: Record<string, unknown> }>(keptAs, { comment: '', values: {} });
  const { comment, values } = typed.value;
  const fields = useMemo(() => (form ? describe(form as Schema) : []), [form]);
  const told = error instanceof ApiError ? error.fields : {};
  const problems = placed(
    fields,
    Object.entries(told).flatMap(([path, message]) => (path.startsWith('values') ? [{ path: path.replace(/^values\.?/, ''), message }] : [])),
  );
  const elsewhere = error && (problems[''] ?? (Object.keys(problems).length ? null : messageOf(error)));
  const decide = (decision: 'approved' | 'rejected') =>
    onDecide({
      decision,
      ...(comment.trim() ? { comment: comment.trim() } : {}),
      ...(form && decision === 'approved' ? { values: values as Record<string, never> } : {}),
    });
  return (
    <div className="flex flex-col gap-3">
      <BroughtBack typed={typed} />
      {fields.length > 0 && (
        <FormContext value={{ problems, integrations: [], isLiteral: true, isReadOnly: sending !== null }}>
          <SchemaForm fields={fields} values={values} onChange={(next) => typed.change({ values: next })} />
        </FormContext>
      )}
      <Field label={t('Comment')} hint={t('Optional. The workflow can use it.')}>
        <TextArea rows={2} value={comment} maxLength={4000} onChange={(event) => typed.change({ comment: event.target.value })} />
      </Field>
      {elsewhere && (
        <p role="alert" className="text-bad">
          {elsewhere}
        </p>
      )}
      <div className="grid grid-cols-2 gap-2">
        <Button icon={X} variant="danger" className="h-10" disabled={sending !== null} loading={sending === 'rejected'} onClick={() => decide('rejected')}>
          {t('Reject')}
        </Button>
        <Button icon={Check} variant="primary" className="h-10" disabled={sending !== null} loading={sending === 'approved'} onClick={() => decide('approved')}>
          {t('Approve')}
        </Button>
      </div>
    </div>
  );
}
