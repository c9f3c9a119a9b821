import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import { createContext, use, useCallback, useEffect, useRef, useState, type ReactNode, type SyntheticEvent } from 'react';
import { create } from 'zustand';
import { t } from '@/app/i18n';
import { useLeaveQuestion, type Keeping } from '@/app/typed';
import { Button } from './Button';
import { cx } from './cx';
import { IconButton } from './IconButton';
import { TOASTS } from './Toast';
import { useOpener } from './useOpener';

export interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: ReactNode;
  children?: ReactNode;
  /** Buttons, the main one last. */
  footer?: ReactNode;
  size?: 'sm' | 'md' | 'lg' | 'xl';
  /** It comes in from the right, over the whole height. */
  drawer?: boolean;
  /** It stays until it is answered: no cross, no Escape. */
  persistent?: boolean;
  /** Makes it a form; Enter sends it. */
  onSubmit?: () => void;
  /**
   * How what is typed into it is kept; null where it is nothing to lose. Otherwise the browser asks before it closes a tab with
   * something typed in it.
   */
  typed?: Keeping | null;
}

const FOCUSABLE = 'input:not([type=hidden],:disabled),textarea:not(:disabled),select:not(:disabled),button:not(:disabled),[href],[contenteditable=true],[tabindex="0"]';
const TYPED = 'textarea,[contenteditable=true],input:is([type=text],[type=email],[type=url],[type=password],[type=number])';
const WIDTH = { sm: 'sm:max-w-sm', md: 'sm:max-w-lg', lg: 'sm:max-w-2xl', xl: 'sm:max-w-5xl' };

export function Dialog(props: DialogProps) {
  const { open, onOpenChange, title, description, size = 'md', drawer = false, persistent = false } = props;
  const body = useRef<HTMLDivElement>(null);
  const wouldLose = useRef(false);
  const onLoss = useCallback((isLost: boolean) => {
    wouldLose.current = isLost;
  }, []);
  const stay = (event: Event) => {
    if (persistent) event.preventDefault();
  };
  const stayForToasts = (event: CustomEvent) => {
    if (persistent || wouldLose.current || (event.target as Element | null)?.closest(`[${TOASTS}]`)) event.preventDefault();
  };
  // What is asked for first has the focus, not the cross that closes.
  const begin = (event: Event) => {
    event.preventDefault();
    const first = [...(body.current?.querySelectorAll<HTMLElement>(FOCUSABLE) ?? [])].find((one) => !one.closest('[data-note]'));
    (first ?? (event.currentTarget as HTMLElement)).focus();
  };
  const giveUp = () => {
    props.typed?.forget();
    onOpenChange(false);
  };
  const giveBack = useOpener(open);
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-black/40" />
        <Radix.Content
          onEscapeKeyDown={stay}
          onPointerDownOutside={stayForToasts}
          onOpenAutoFocus={begin}
          {...(description ? {} : { 'aria-describedby': undefined })}
          className={cx(
            'fixed z-40 flex flex-col border border-line bg-raised shadow-floating outline-none',
            drawer
              ? 'inset-y-0 right-0 w-full sm:w-[min(34rem,92vw)] sm:rounded-l-lg'
              : `inset-x-2 bottom-2 mx-auto max-h-[92dvh] rounded-lg sm:inset-x-4 sm:top-[12vh] sm:bottom-auto sm:max-h-[80vh] ${WIDTH[size]}`,
          )}
          onCloseAutoFocus={giveBack}
        >
          <div className="flex items-start gap-4 px-5 pt-4 pb-3">
            <div className="min-w-0 flex-1">
              <Radix.Title className="text-lg font-semibold">{title}</Radix.Title>
              {description && <Radix.Description className="mt-1 text-muted">{description}</Radix.Description>}
            </div>
            {!persistent && (
              <Radix.Close asChild>
                <IconButton label={t('Close')} icon={X} className="-mt-1 -mr-2" />
              </Radix.Close>
            )}
          </div>
          <div ref={body} className="contents">
            <Guarded typed={props.typed} onLoss={onLoss}>
              <GiveUp value={giveUp}>
                <Body {...props} />
              </GiveUp>
            </Guarded>
          </div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface GuardedProps {
  typed: Keeping | null | undefined;
  /** Told whenever it changes. */
  onLoss: (isLost: boolean) => void;
  children: ReactNode;
}

/** Knows whether something is typed that is nowhere else: no click beside the dialog loses it, and no closed tab unasked. */
function Guarded({ typed, onLoss, children }: GuardedProps) {
  const [isTyped, setTyped] = useState(false);
  const isLost = typed === undefined ? isTyped : typed !== null && !typed.isKept;
  useLeaveQuestion(isLost);
  useEffect(() => {
    onLoss(isLost);
    return () => onLoss(false);
  }, [isLost, onLoss]);
  // A dialog that this one has opened is drawn elsewhere, and guards itself.
  const see = (event: SyntheticEvent) => {
    const target = event.target as Element;
    if (event.currentTarget.contains(target) && target.matches(TYPED)) setTyped(true);
  };
  return (
    <div className="contents" onInput={see}>
      {children}
    </div>
  );
}

const GiveUp = createContext<() => void>(() => undefined);

/** The button that closes its dialog, and lets go of what was typed into it. */
export function Cancel() {
  return <Button onClick={use(GiveUp)}>{t('Cancel')}</Button>;
}

/** Says that a form begins with what was typed into it the last time, and lets go of that. */
export function BroughtBack({ typed }: { typed: Keeping }) {
  if (!typed.isBroughtBack) return null;
  return (
    <p role="status" data-note className="mb-4 flex items-center gap-3 rounded-md bg-wait-soft px-3 py-2 text-wait">
      <span className="min-w-0 flex-1">{t('This is what you typed the last time. It is not saved yet.')}</span>
      <Button size="sm" onClick={() => typed.forget()}>
        {t('Begin anew')}
      </Button>
    </p>
  );
}

function Body({ children, footer, onSubmit, typed }: DialogProps) {
  const inside = (
    <>
      {children !== undefined && (
        <div className="min-h-0 flex-1 overflow-y-auto px-5 pb-4">
          {typed && <BroughtBack typed={typed} />}
          {children}
        </div>
      )}
      {footer && (
        <div className="flex flex-wrap justify-end gap-2 rounded-b-lg border-t border-line bg-page px-5 py-3">{footer}</div>
      )}
    </>
  );
  if (!onSubmit) return inside;
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    event.stopPropagation(); // a form in a dialog may be drawn inside of another form
    onSubmit();
  };
  return (
    <form onSubmit={submit} noValidate className="flex min-h-0 flex-1 flex-col">
      {inside}
    </form>
  );
}

interface Question {
  title: string;
  text?: ReactNode;
  /** What the button says. */
  action: string;
  danger?: boolean;
}

const useQuestion = create<{ question: Question | null; answer: (yes: boolean) => void }>(() => ({
  question: null,
  answer: () => undefined,
}));

/** Ask before something that cannot be taken back. */
export function confirm(question: Question): Promise<boolean> {
  return new Promise((resolve) => {
    useQuestion.setState({
      question,
      answer: (yes) => {
        useQuestion.setState({ question: null });
        resolve(yes);
      },
    });
  });
}

export function ConfirmHost() {
  const { question, answer } = useQuestion();
  if (!question) return null;
  return (
    <Dialog
      open
      onOpenChange={() => answer(false)}
      title={question.title}
      description={question.text}
      size="sm"
      footer={
        <>
          <Button onClick={() => answer(false)}>{t('Cancel')}</Button>
          <Button variant={question.danger ? 'danger' : 'primary'} autoFocus onClick={() => answer(true)}>
            {question.action}
          </Button>
        </>
      }
    />
  );
}
