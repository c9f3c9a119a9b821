import { useState } from 'react';

/**
 * What had the focus when something was opened; it gets it again when that closes. Radix does so for its own triggers
 * only, and most dialogs are opened by what a click or a key does.
 */
export function useOpener(isOpen: boolean): (event: Event) => void {
  const [wasOpen, setWasOpen] = useState(false);
  const [opener, setOpener] = useState<Element | null>(null);
  if (isOpen !== wasOpen) {
    setWasOpen(isOpen);
    if (isOpen) setOpener(stayingOf(document.activeElement));
  }
  return (event) => {
    event.preventDefault();
    if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
  };
}

/** An entry of a menu is gone then; what opens the menu stays. */
function stayingOf(element: Element | null): Element | null {
  const menu = element?.closest('[role=menu]');
  return menu ? document.getElementById(menu.getAttribute('aria-labelledby') ?? '') : element;
}
