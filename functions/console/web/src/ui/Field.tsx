import { CircleAlert } from 'lucide-react';
import {
  createContext,
  useContext,
  useId,
  type InputHTMLAttributes,
  type ReactNode,
  type Ref,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
} from 'react';
import { cx } from './cx';

interface FieldIds {
  id: string;
  describedBy: string | undefined;
  invalid: boolean;
  required: boolean;
}

const FieldContext = createContext<FieldIds | null>(null);

/** What an input inside of a `Field` carries, so that its label, hint and problem are its own. */
export function useFieldProps(): { id?: string; 'aria-describedby'?: string | undefined; 'aria-invalid'?: true; 'aria-required'?: true } {
  const field = useContext(FieldContext);
  if (!field) return {};
  return {
    id: field.id,
    'aria-describedby': field.describedBy,
    ...(field.invalid ? { 'aria-invalid': true } : {}),
    ...(field.required ? { 'aria-required': true } : {}),
  };
}

export interface FieldProps {
  label: ReactNode;
  /** Below the input: what is expected. */
  hint?: ReactNode;
  /** The problem, in a sentence. */
  error?: string | null | undefined;
  required?: boolean;
  /** At the right of the label, such as the type. */
  aside?: ReactNode;
  className?: string;
  children: ReactNode;
}

/** A label, one input, a hint and its problem. The input is any of this file, or one that spreads `useFieldProps()`. */
export function Field({ label, hint, error, required = false, aside, className, children }: FieldProps) {
  const id = useId();
  const hintId = `${id}-hint`;
  const errorId = `${id}-error`;
  const describedBy = [error ? errorId : '', hint ? hintId : ''].filter(Boolean).join(' ') || undefined;
  return (
    <div className={cx('flex flex-col gap-1', className)}>
      <div className="flex items-baseline justify-between gap-2">
        <label htmlFor={id} className="font-medium">
          {label}
          {required && (
            <span aria-hidden className="text-bad">
              {' '}
              *
            </span>
          )}
        </label>
        {aside && <span className="text-xs text-muted">{aside}</span>}
      </div>
      <FieldContext value={{ id, describedBy, invalid: Boolean(error), required }}>{children}</FieldContext>
      {error && (
        <p id={errorId} className="flex items-start gap-1.5 text-sm text-bad">
          <CircleAlert aria-hidden className="mt-0.5 size-3.5 shrink-0" />
          {error}
        </p>
      )}
      {hint && (
        <p id={hintId} className="text-sm text-muted">
          {hint}
        </p>
      )}
    </div>
  );
}

/** The look of anything that takes text. */
export const inputClass =
  'w-full min-w-0 rounded-md border border-line-strong/60 bg-card px-2.5 text-ink transition-colors hover:border-line-strong aria-invalid:border-bad disabled:bg-hover disabled:text-muted';

export function TextInput({ className, ref, ...rest }: InputHTMLAttributes<HTMLInputElement> & { ref?: Ref<HTMLInputElement> }) {
  return <input type="text" className={cx(inputClass, 'h-8', className)} {...useFieldProps()} ref={ref} {...rest} />;
}

export function TextArea({ className, ref, ...rest }: TextareaHTMLAttributes<HTMLTextAreaElement> & { ref?: Ref<HTMLTextAreaElement> }) {
  return <textarea rows={4} className={cx(inputClass, 'py-1.5', className)} {...useFieldProps()} ref={ref} {...rest} />;
}

export interface Option {
  value: string;
  label: string;
  disabled?: boolean;
}

export interface SelectProps extends Omit<SelectHTMLAttributes<HTMLSelectElement>, 'onChange'> {
  options: readonly Option[];
  onChange?: (value: string) => void;
  /** The first entry, with an empty value. */
  placeholder?: string;
}

/** The platform's own select: it works with keys, screen readers and thumbs. */
export function Select({ options, onChange, placeholder, className, ...rest }: SelectProps) {
  return (
    <select
      className={cx(inputClass, 'h-8 pr-7', className)}
      {...useFieldProps()}
      onChange={(event) => onChange?.(event.target.value)}
      {...rest}
    >
      {placeholder !== undefined && <option value="">{placeholder}</option>}
      {options.map(({ value, label, disabled }) => (
        <option key={value} value={value} disabled={disabled}>
          {label}
        </option>
      ))}
    </select>
  );
}
