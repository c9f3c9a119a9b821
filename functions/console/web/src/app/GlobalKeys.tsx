/** Listens for the keys of everywhere, and shows what opens over any screen, which is loaded then. */
import { useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useEffect } from 'react';
import { create } from 'zustand';
import { isTyping, makeSequence } from './keys';
import { navigation } from './screen';

const Palette = lazy(() => import('./Palette'));
const KeyHelpDialog = lazy(() => import('./KeyHelpDialog'));
const NewWorkspaceDialog = lazy(() => import('./NewWorkspaceDialog'));

type Open = 'palette' | 'keys' | 'workspace' | null;

export const useOverlay = create<{ open: Open; show: (open: Open) => void }>((set) => ({
  open: null,
  show: (open) => set({ open }),
}));

export function GlobalKeys() {
  const { open, show } = useOverlay();
  const navigate = useNavigate();
  useEffect(() => {
    const places = new Map(navigation.flatMap(({ key, to }) => (key ? [[key, () => void navigate({ to })] as const] : [])));
    const sequence = makeSequence(places);
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        show('palette');
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      if (document.querySelector('[role=dialog],[role=alertdialog],[role=menu]')) return;
      if (event.key === '?') show('keys');
      else if (!sequence(event.key)) return;
      event.preventDefault();
    };
    window.addEventListener('keydown', listen);
    return () => window.removeEventListener('keydown', listen);
  }, [navigate, show]);
  const close = () => show(null);
  return (
    <Suspense fallback={null}>
      {open === 'palette' && <Palette onClose={close} />}
      {open === 'keys' && <KeyHelpDialog onClose={close} />}
      {open === 'workspace' && <NewWorkspaceDialog onClose={close} />}
    </Suspense>
  );
}
