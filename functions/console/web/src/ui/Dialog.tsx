import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import { useRef, type ReactNode, type SyntheticEvent } from 'react';
import { create } from 'zustand';
import { t } from '@/app/i18n';
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
}

const FOCUSABLE = 'input:not([type=hidden],:disabled),textarea:not(:disabled),select:not(:disabled),button:not(:disabled),[href],[contenteditable=true],[tabindex="0"]';
const WIDTH = { sm: 'sm:max-w-sm', md: 'sm:max-w-lg', lg: 'sm:max-w-2xl', xl: 'sm:max-w-5xl' };

export function Dialog(props: DialogProps) {
  const { open, onOpenChange, title, description, size = 'md', drawer = false, persistent = false } = props;
  const body = useRef<HTMLDivElement>(null);
  const stay = (event: Event) => {
    if (persistent) event.preventDefault();
  };
  const stayForToasts = (event: CustomEvent) => {
    if (persistent || (event.target as Element | null)?.closest(`[${TOASTS}]`)) event.preventDefault();
  };
  // What is asked for first has the focus, not the cross that closes.
  const begin = (event: Event) => {
    event.preventDefault();
    const first = body.current?.querySelector<HTMLElement>(FOCUSABLE);
    (first ?? (event.currentTarget as HTMLElement)).focus();
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
            <Body {...props} />
          </div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function Body({ children, footer, onSubmit }: DialogProps) {
  const inside = (
    <>
      {children !== undefined && <div className="min-h-0 flex-1 overflow-y-auto px-5 pb-4">{children}</div>}
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
