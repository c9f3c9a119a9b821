/** Where the keys go: from the picture or the outline to the settings of what is chosen, and back. */

export const SETTINGS = 'editor-settings';

const PLACES = ['[role=tabpanel] :is(input, textarea, select):enabled', '[role=tabpanel] button:enabled', 'input:enabled', 'button:enabled'];

/** The first field of the settings has the focus, once they are there. */
export function focusSettings(): void {
  requestAnimationFrame(() => {
    const panel = globalThis.document.getElementById(SETTINGS);
    const [field] = PLACES.flatMap((place) => panel?.querySelector<HTMLElement>(place) ?? []);
    field?.focus();
  });
}

const currentItem = () => globalThis.document.querySelector<HTMLElement>('[role=tree] [role=treeitem][tabindex="0"]');

/** The chosen step in the outline has the focus; where there is no outline, nothing has it, and all keys are the editor's. */
export function leaveSettings(): void {
  const item = currentItem();
  if (item) item.focus();
  else (globalThis.document.activeElement as HTMLElement | null)?.blur();
}

/** Where there is an outline, what was just added has the focus in it, once the dialog has given it back. */
export function focusAdded(): void {
  setTimeout(() => currentItem()?.focus(), 100);
}
