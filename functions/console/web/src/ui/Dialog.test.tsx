// @vitest-environment jsdom
import { cleanup, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { Tooltip } from 'radix-ui';
import { useState } from 'react';
import { afterEach, expect, test, vi } from 'vitest';

vi.mock('@/app/session', () => ({ useSession: { getState: () => ({ me: { id: 'ada', workspace_id: 'home' } }) } }));

import { useTyped } from '@/app/typed';
import { Dialog } from './Dialog';
import { Field, TextInput } from './Field';

const asks = () => !window.dispatchEvent(new Event('beforeunload', { cancelable: true }));

function Plain({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('');
  return (
    <Dialog open onOpenChange={onClose} title="Plain">
      <Field label="Secret">
        <TextInput value={text} onChange={(event) => setText(event.target.value)} />
      </Field>
    </Dialog>
  );
}

function Kept() {
  const typed = useTyped('dialog', { name: '' });
  return (
    <Dialog open typed={typed} onOpenChange={() => undefined} title="Kept">
      <Field label="Name">
        <TextInput value={typed.value.name} onChange={(event) => typed.change({ name: event.target.value })} />
      </Field>
    </Dialog>
  );
}

const shown = (dialog: React.ReactNode) => render(<Tooltip.Provider>{dialog}</Tooltip.Provider>);

afterEach(() => {
  cleanup();
  localStorage.clear();
});

test('a dialog with something typed that is nowhere else has the browser ask, until it is closed', async () => {
  const { unmount } = shown(<Plain onClose={() => undefined} />);
  expect(asks()).toBe(false);
  await userEvent.type(screen.getByLabelText('Secret'), 'x');
  expect(asks()).toBe(true);
  unmount();
  expect(asks()).toBe(false);
});

test('a dialog that keeps what is typed asks nothing, and shows it again the next time', async () => {
  const { unmount } = shown(<Kept />);
  await userEvent.type(screen.getByLabelText('Name'), 'Mail');
  expect(asks()).toBe(false);
  unmount();
  shown(<Kept />);
  expect(screen.getByLabelText<HTMLInputElement>('Name').value).toBe('Mail');
  expect(document.activeElement).toBe(screen.getByLabelText('Name'));
  await userEvent.click(screen.getByRole('button', { name: 'Begin anew' }));
  expect(screen.getByLabelText<HTMLInputElement>('Name').value).toBe('');
});
