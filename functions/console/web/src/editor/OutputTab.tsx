/** What a step was given and what it gave: of the shown run, else of earlier ones; and what stands in for it. */

import { useQuery } from '@tanstack/react-query';
import { Pin as PinIcon, PinOff } from 'lucide-react';
import { useState } from 'react';

import { t } from '@/app/i18n';
import { Button, Duration, Field, Select, Skeleton, Status, toast } from '@/ui';

import { CodeInput } from '../form/CodeInput';
import { JsonText } from '../form/JsonText';
import { calls, type NodeType, type RunNode, type Sample, type Samples } from './api';
import { IterationStepper } from './IterationStepper';
import { JsonView } from './JsonView';
import { durationOf } from './NodeCard';
import { omit } from './omit';
import { useSamples } from './SampleScope';
import { useEditor, useEditorStore } from './store';
import { loopsAround } from './tree';
import type { Json, NodeDefinition, Pin } from './types';

const MAX_PIN_BYTES = 64_000;

export function OutputTab({ node, type, workflowId }: { node: NodeDefinition; type?: NodeType; workflowId: string }) {
  const run = useEditor((state) => state.run);
  const ran = run?.nodes[node.id];
  const samples = useSamples(workflowId);
  const sample = sampleOf(samples, node.id);
  const { pin, setPin } = usePin(node.id);
  const definition = useEditor((state) => state.history.document.definition);
  const around = [...loopsAround(definition, node.id).reverse(), node.id].flatMap((id) => run?.loops[id] ?? []);
  return (
    <div className="flex flex-col gap-4">
      {around.map((loop) => (
        <div key={loop.path} className="flex items-center justify-between gap-2 rounded-md border border-line bg-page py-1 pr-1 pl-2.5">
          <span className="min-w-0 truncate">{t('Iteration of {loop}', { loop: loop.path })}</span>
          <IterationStepper loop={loop} />
        </div>
      ))}
      {pin ? (
        <PinForm pin={pin} keptAs={`pin.${workflowId}.${node.id}`} ports={type?.ports ?? ['main']} onChange={setPin} />
      ) : (
        <>
          {run && ran && <OfRun runId={run.id} ran={ran} />}
          {run && !ran && <p className="text-muted">{t('This step has not run in this run.')}</p>}
          {!run && sample && (
            <>
              <p className="text-sm text-muted">{t('From the last run that has it.')}</p>
              <JsonView value={sample.output} label={t('Output')} />
            </>
          )}
          {!run && !sample && <p className="text-muted">{t('It has not run yet. Start a test run to see what it gives.')}</p>}
          {ran?.status !== 'skipped' && <PinButton pin={pinFor(ran, sample)} onPin={setPin} />}
        </>
      )}
    </div>
  );
}

/** What a step gave, as a pin; undefined where it has given nothing yet, or its output is too large to be shown. */
function pinFor(ran: RunNode | undefined, sample: Sample | undefined): Pin | undefined {
  const of = (output: unknown, port: string | null | undefined): Pin => ({ output: output as Json, ...(port ? { port } : {}) });
  if (ran) {
    if (ran.status === 'succeeded') return of(ran.output, ran.port);
    return ran.status === 'failed' ? of(ran.error, 'error') : undefined;
  }
  if (!sample || sample.omitted) return undefined;
  return sample.status === 'failed' ? of(sample.error, 'error') : of(sample.output, sample.port);
}

function sampleOf(samples: Samples | undefined, id: string): Sample | undefined {
  return samples?.nodes[id] ?? Object.entries(samples?.nodes ?? {}).find(([path]) => path.endsWith(`.${id}`))?.[1];
}

function OfRun({ runId, ran }: { runId: string; ran: RunNode }) {
  const duration = durationOf(ran);
  return (
    <>
      <div className="flex items-center gap-2">
        <Status status={ran.status} />
        {duration !== undefined && <Duration ms={duration} />}
        {ran.attempts > 1 && <span className="text-muted">{t('{n} attempts', { n: ran.attempts })}</span>}
      </div>
      {ran.error && (
        <div className="rounded-md bg-bad-soft p-2.5 text-bad">
          <p className="font-medium">{String(ran.error.code)}</p>
          <p className="break-words">{String(ran.error.message)}</p>
        </div>
      )}
      {ran.status !== 'skipped' && (
        <section className="flex flex-col gap-1">
          <h2 className="font-medium">{t('Output')}</h2>
          <JsonView value={ran.output} label={t('Output')} />
        </section>
      )}
      <Given runId={runId} path={ran.id} />
    </>
  );
}

/** The settings as they were evaluated: what the step was given. */
function Given({ runId, path }: { runId: string; path: string }) {
  const { data, isPending, error } = useQuery({ queryKey: ['run-node', runId, path], queryFn: () => calls.runNode(runId, path), retry: false, staleTime: 5_000 });
  if (error) return null;
  return (
    <section className="flex flex-col gap-1">
      <h2 className="font-medium">{t('Input')}</h2>
      {isPending ? <Skeleton lines={2} /> : <JsonView value={data.evaluated ?? data.config} label={t('Input')} />}
    </section>
  );
}

function usePin(id: string): { pin: Pin | undefined; setPin: (pin: Pin | undefined) => void } {
  const store = useEditorStore();
  const document = useEditor((state) => state.history.document);
  const pins = document.ui.pins ?? {};
  const loops = loopsAround(document.definition, id);
  const path = [...loops.reverse(), id].join('.');
  const setPin = (pin: Pin | undefined) => {
    if (pin && JSON.stringify(pin).length > MAX_PIN_BYTES) {
      toast(t('That is too much to pin'), { tone: 'bad', text: t('At most {n} KB of a step can be pinned.', { n: MAX_PIN_BYTES / 1000 }) });
      return;
    }
    store.getState().apply(
      pin ? t('Pinned an output') : t('Took away a pin'),
      (one) => {
        const rest = omit(one.ui.pins ?? {}, path);
        return { ...one, ui: { ...one.ui, pins: pin ? { ...rest, [path]: pin } : rest } };
      },
      `pin:${path}`,
    );
  };
  return { pin: pins[path], setPin };
}

function PinButton({ pin, onPin }: { pin: Pin | undefined; onPin: (pin: Pin) => void }) {
  const isReadOnly = useEditor((state) => state.isReadOnly);
  if (isReadOnly) return null;
  return (
    <div className="flex flex-col gap-1">
      <Button size="sm" icon={PinIcon} className="self-start" onClick={() => onPin(pin ?? { output: {} })}>
        {pin === undefined ? t('Pin an example') : pin.port === 'error' ? t('Pin this failure') : t('Pin this output')}
      </Button>
      <p className="text-sm text-muted">{t('A pinned step does not run in test runs: it gives what is pinned.')}</p>
    </div>
  );
}

interface PinFormProps {
  pin: Pin;
  ports: readonly string[];
  keptAs: string;
  onChange: (pin: Pin | undefined) => void;
}

function PinForm({ pin, ports, keptAs, onChange }: PinFormProps) {
  const [label] = useState(() => t('Pinned output'));
  return (
    <div className="flex flex-col gap-3">
      <Field label={label} hint={t('Test runs give this instead of running the step.')}>
        <JsonText value={pin.output} keptAs={keptAs} onChange={(value) => onChange({ ...pin, output: (value ?? null) as Json })}>
          {(text, setText) => <CodeInput value={text} onChange={setText} language="json" label={label} />}
        </JsonText>
      </Field>
      {ports.length > 1 && (
        <Field label={t('It goes on by')}>
          <Select value={pin.port ?? ports[0] ?? ''} options={ports.map((port) => ({ value: port, label: port }))} onChange={(port) => onChange({ ...pin, port })} />
        </Field>
      )}
      <Button size="sm" icon={PinOff} className="self-start" onClick={() => onChange(undefined)}>
        {t('Take the pin away')}
      </Button>
    </div>
  );
}
