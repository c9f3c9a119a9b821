/** Where the focus goes when what has it goes away. */

const INPUTS = 'input:enabled, textarea:enabled, select:enabled';

/** A button that is pressed makes room for something else: that of the same field which comes first has the focus then. */
export function focusInPlace({ currentTarget }: { currentTarget: Element }): void {
  const field = currentTarget.closest('[role=group]');
  requestAnimationFrame(() => {
    const { activeElement, body } = globalThis.document;
    if (activeElement !== null && activeElement !== body) return;
    (field?.querySelector<HTMLElement>(INPUTS) ?? field?.querySelector<HTMLElement>('button:enabled'))?.focus();
  });
}
