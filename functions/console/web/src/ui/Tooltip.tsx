import { Tooltip as Radix } from 'radix-ui';
import type { FocusEvent, ReactNode } from 'react';

/** What gets the focus by a click, or since a dialog opens or closes, was not asked about. */
function onlyByKeys(event: FocusEvent): void {
  if (!event.currentTarget.matches(':focus-visible')) event.preventDefault();
}

/** A short text beside what has the pointer or the focus. It says nothing that is not also elsewhere. */
export function Tooltip({ text, children, side = 'bottom' }: { text: string; children: ReactNode; side?: 'top' | 'bottom' | 'left' | 'right' }) {
  return (
    <Radix.Root>
      <Radix.Trigger asChild onFocus={onlyByKeys}>
        {children}
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          side={side}
          sideOffset={6}
          collisionPadding={8}
          className="z-50 max-w-72 rounded-md bg-ink px-2 py-1 text-xs text-page shadow-floating"
        >
          {text}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
