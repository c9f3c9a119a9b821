/** Light, dark, or what the system has. */
import { create } from 'zustand';

export type Theme = 'system' | 'light' | 'dark';

const STORED = 'mainspring.theme';
const systemIsDark = matchMedia('(prefers-color-scheme: dark)');

interface ThemeState {
  theme: Theme;
  /** What is shown, for libraries that must be told (`colorMode` of the canvas). */
  resolved: 'light' | 'dark';
  choose: (theme: Theme) => void;
}

function resolve(theme: Theme): 'light' | 'dark' {
  if (theme !== 'system') return theme;
  return systemIsDark.matches ? 'dark' : 'light';
}

function stored(): Theme {
  const found = localStorage.getItem(STORED);
  return found === 'light' || found === 'dark' ? found : 'system';
}

function show(theme: Theme): void {
  const { dataset } = document.documentElement;
  dataset.theme = theme;
  dataset.resolvedTheme = resolve(theme);
}

export const useTheme = create<ThemeState>((set) => ({
  theme: stored(),
  resolved: resolve(stored()),
  choose: (theme) => {
    localStorage.setItem(STORED, theme);
    set({ theme, resolved: resolve(theme) });
  },
}));

useTheme.subscribe(({ theme }) => show(theme));
systemIsDark.addEventListener('change', () => {
  const { theme } = useTheme.getState();
  useTheme.setState({ resolved: resolve(theme) });
});
show(stored());
