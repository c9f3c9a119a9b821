/** A text that may hold templates: they are marked, completed from samples, and shown with their value. */

import { useId, useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react';

import { t } from '@/app/i18n';
import { cx, inputClass, useFieldProps } from '@/ui';

import { completeText, preview, type Completion, type Suggestion } from './complete';
import { templatesIn } from './scanner';
import { useScope } from './scope';
import { usePreview, type Shown } from './usePreview';

export interface ExpressionInputProps {
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  /** Rows to begin with; it grows with its text. */
  rows?: number;
  /** It is one expression: written in the font of code. */
  isExpression?: boolean;
  disabled?: boolean;
  label?: string;
}

export function ExpressionInput({ value, onChange, placeholder, rows = 1, isExpression = false, disabled, label }: ExpressionInputProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const list = useId();
  const { scope } = useScope();
  const [isFocused, setFocused] = useState(false);
  const [completion, setCompletion] = useState<Completion | null>(null);
  const [chosen, setChosen] = useState(0);
  const suggestions = completion?.suggestions ?? [];
  const answer = usePreview(value, scope, isFocused);
  const cursorAfter = useRef<number | null>(null);

  useLayoutEffect(() => {
    const area = field.current;
    if (!area) return;
    area.style.height = 'auto';
    area.style.height = `${area.scrollHeight + 2}px`;
    if (cursorAfter.current !== null) {
      area.setSelectionRange(cursorAfter.current, cursorAfter.current);
      cursorAfter.current = null;
    }
  }, [value]);

  const complete = (text: string, cursor: number) => {
    const found = completeText(text, cursor, scope);
    setCompletion(found && found.suggestions.length > 0 ? found : null);
    setChosen(0);
  };
  const take = (suggestion: Suggestion) => {
    const area = field.current;
    if (!area || !completion) return;
    const text = value.slice(0, completion.from) + suggestion.insert + value.slice(area.selectionEnd);
    cursorAfter.current = completion.from + suggestion.insert.length;
    setCompletion(null);
    onChange(text);
    area.focus();
  };
  /** `{{ }}` at the cursor, and what may stand in it. */
  const insertValue = () => {
    const area = field.current;
    const at = area && isFocused ? area.selectionStart : value.length;
    const text = `${value.slice(0, at)}{{  }}${value.slice(at)}`;
    cursorAfter.current = at + 3;
    onChange(text);
    area?.focus();
    complete(text, at + 3);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    const area = event.currentTarget;
    if (event.key === ' ' && event.ctrlKey) {
      event.preventDefault();
      complete(value, area.selectionStart);
      return;
    }
    if (!completion) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const picked = suggestions[chosen];
    if (step !== undefined) setChosen((chosen + step + suggestions.length) % suggestions.length);
    else if ((event.key === 'Enter' || event.key === 'Tab') && picked) take(picked);
    else if (event.key === 'Escape') {
      setCompletion(null);
      event.stopPropagation();
    } else return;
    event.preventDefault();
  };
  const shared = cx('block w-full py-1.5 break-words whitespace-pre-wrap', isExpression && 'font-mono text-sm');

  return (
    <div className="relative flex flex-col gap-1">
      <div className="relative">
        <div aria-hidden className={cx(shared, 'pointer-events-none absolute inset-0 overflow-hidden rounded-md border border-transparent pr-8 pl-2.5 text-transparent')}>
          <Marked text={value} />
        </div>
        <textarea
          {...useFieldProps()}
          ref={field}
          rows={rows}
          value={value}
          disabled={disabled}
          {...(label ? { 'aria-label': label } : {})}
          placeholder={placeholder}
          spellCheck={!isExpression && !value.includes('{{')}
          aria-haspopup="listbox"
          aria-controls={list}
          aria-autocomplete="list"
          {...(completion ? { 'aria-activedescendant': `${list}-${chosen}` } : {})}
          className={cx(inputClass, shared, 'relative resize-none overflow-hidden bg-transparent pr-8')}
          onChange={(event) => {
            const { value: text, selectionStart } = event.target;
            onChange(text);
            complete(text, selectionStart);
          }}
          onFocus={() => setFocused(true)}
          onBlur={() => {
            setFocused(false);
            setCompletion(null);
          }}
          onKeyDown={onKeyDown}
        />
        <button
          type="button"
          disabled={disabled}
          aria-label={t('Insert a value')}
          title={t('Insert a value')}
          onMouseDown={(event) => event.preventDefault()}
          onClick={insertValue}
          className="absolute top-1 right-1 flex size-6 items-center justify-center rounded font-mono text-xs text-muted hover:bg-hover hover:text-ink disabled:hidden"
        >
          {'{}'}
        </button>
        <Suggestions id={list} suggestions={suggestions} chosen={chosen} onTake={take} />
      </div>
      {isFocused && answer && <PreviewLine answer={answer} />}
    </div>
  );
}

function Marked({ text }: { text: string }) {
  const parts: { text: string; isTemplate: boolean }[] = [];
  let at = 0;
  for (const { start, end } of templatesIn(text)) {
    parts.push({ text: text.slice(at, start), isTemplate: false }, { text: text.slice(start, end), isTemplate: true });
    at = end;
  }
  parts.push({ text: text.slice(at), isTemplate: false });
  return parts.map((part, index) =>
    part.isTemplate ? (
      <mark key={index} className="rounded-sm bg-accent-soft text-transparent">
        {part.text}
      </mark>
    ) : (
      part.text
    ),
  );
}

interface SuggestionsProps {
  id: string;
  suggestions: readonly Suggestion[];
  chosen: number;
  onTake: (suggestion: Suggestion) => void;
}

/** The list below the text. It is always there, so that what names it names something. */
function Suggestions({ id, suggestions, chosen, onTake }: SuggestionsProps) {
  const box = useRef<HTMLUListElement>(null);
  useLayoutEffect(() => {
    box.current?.children[chosen]?.scrollIntoView({ block: 'nearest' });
  }, [chosen, suggestions]);
  return (
    <ul
      ref={box}
      id={id}
      role="listbox"
      aria-label={t('Suggestions')}
      className={cx(
        'absolute inset-x-0 top-full z-30 mt-1 max-h-60 overflow-y-auto rounded-md border border-line bg-raised p-1 shadow-floating',
        suggestions.length === 0 && 'hidden',
      )}
    >
      {suggestions.map((one, index) => (
        // eslint-disable-next-line jsx-a11y/click-events-have-key-events -- the keys are those of the text field
        <li
          key={one.label}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === chosen}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onTake(one)}
          className={cx('flex cursor-pointer items-baseline gap-3 rounded-[6px] px-2 py-1', index === chosen && 'bg-hover')}
        >
          <span className="shrink-0 font-mono text-sm">{one.label}</span>
          {one.detail && <span className="ml-auto min-w-0 truncate text-xs text-muted">{one.kind === 'function' ? t(one.detail) : one.detail}</span>}
        </li>
      ))}
    </ul>
  );
}

function PreviewLine({ answer }: { answer: Shown }) {
  if (answer === 'failed') return <p className="text-sm text-wait">{t('What it gives cannot be shown right now.')}</p>;
  const [problem] = answer.problems;
  if (problem) return <p className="text-sm text-wait">{problem.message}</p>;
  return (
    <p className="flex min-w-0 items-baseline gap-1.5 text-sm text-muted">
      <span className="shrink-0">{t('gives')}</span>
      <code className="min-w-0 truncate text-ink">{preview(answer.value, 200)}</code>
    </p>
  );
}
