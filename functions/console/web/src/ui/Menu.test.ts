import { expect, test } from 'vitest';
import type { Me } from '@/app/me';
import { entriesFor, type MenuEntry } from './Menu';

const viewer = { permissions: ['read'] } as unknown as Me;
const owner = { permissions: ['read', 'edit', 'publish'] } as unknown as Me;
const entry = (label: string, needs?: 'edit' | 'publish'): MenuEntry => ({ label, onSelect: () => undefined, ...(needs ? { needs } : {}) });
const ITEMS: MenuEntry[] = ['separator', entry('Edit', 'edit'), 'separator', entry('Export'), 'separator', 'separator', entry('Publish', 'publish')];

function shown(me: Me | null): string[] {
  return entriesFor(me, ITEMS).map((one) => (one === 'separator' ? '-' : 'label' in one ? one.label : one.heading));
}

test('a menu has what the person may do, and no line that separates nothing', () => {
  expect(shown(owner)).toEqual(['Edit', '-', 'Export', '-', 'Publish']);
  expect(shown(viewer)).toEqual(['Export']);
  expect(shown(null)).toEqual(['Export']);
});
