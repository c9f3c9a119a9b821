// @vitest-environment jsdom
import { act, renderHook } from '@testing-library/react';
import { afterEach, describe, expect, test, vi } from 'vitest';

vi.mock('./session', () => ({ useSession: { getState: () => ({ me: { id: 'ada', workspace_id: 'home' } }) } }));

import { readKept } from './kept';
import { together, useLeaveQuestion, useTyped } from './typed';

const SAVED = { name: 'Mail', url: 'https://a.example', secret: '' };
const opened = (saved: typeof SAVED = SAVED) => renderHook(() => useTyped('form', saved, ['secret'])).result;
const asks = () => !window.dispatchEvent(new Event('beforeunload', { cancelable: true }));

afterEach(() => {
  vi.restoreAllMocks();
  localStorage.clear();
});

describe('what is typed into a form', () => {
  test('is there the next time, and says so, until it is saved or given up', () => {
    const first = opened();
    act(() => first.current.change({ name: 'Post' }));
    const next = opened();
    expect(next.current).toMatchObject({ value: { ...SAVED, name: 'Post' }, isBroughtBack: true, isKept: true });
    act(() => next.current.forget());
    expect(next.current).toMatchObject({ value: SAVED, isBroughtBack: false });
    expect(opened().current.value).toEqual(SAVED);
  });

  test('does not undo what somebody else has saved in other fields', () => {
    const first = opened();
    act(() => first.current.change({ name: 'Post' }));
    expect(opened({ ...SAVED, url: 'https://b.example' }).current.value).toEqual({ ...SAVED, name: 'Post', url: 'https://b.example' });
  });

  test('may also be that a field is taken away', () => {
    const first = renderHook(() => useTyped<Record<string, unknown>>('form', { a: 1, b: 2 })).result;
    act(() => first.current.set({ b: 2 }));
    expect(renderHook(() => useTyped<Record<string, unknown>>('form', { a: 1, b: 2 })).result.current.value).toEqual({ b: 2 });
  });

  test('is forgotten once it is typed back', () => {
    const first = opened();
    act(() => first.current.change({ name: 'Post' }));
    act(() => first.current.change({ name: 'Mail' }));
    expect(readKept('form')).toBeNull();
  });

  test('is kept for the other tab when this one is done', () => {
    const [one, other] = [opened(), opened()];
    act(() => one.current.change({ name: 'Mine' }));
    act(() => other.current.change({ name: 'Theirs' }));
    act(() => one.current.forget());
    expect(opened().current.value.name).toBe('Theirs');
  });

  test('is left out where a form of another version of the console kept something else', () => {
    localStorage.setItem('mainspring.kept..ada.home.form', '1');
    const first = opened();
    act(() => first.current.change({ name: 'Post' }));
    const [key] = Object.keys(localStorage).filter((one) => one.endsWith('.form'));
    localStorage.setItem(key ?? '', JSON.stringify({ set: { name: 7, url: 'https://b.example' } }));
    expect(opened().current.value).toEqual({ ...SAVED, url: 'https://b.example' });
  });

  test('is never written down where it is a secret, and where there is no room: the browser asks then', () => {
    const guarded = renderHook(() => {
      const typed = useTyped('form', SAVED, ['secret']);
      useLeaveQuestion(!together(typed).isKept);
      return typed;
    }).result;
    act(() => guarded.current.change({ name: 'Post' }));
    expect(asks()).toBe(false);
    act(() => guarded.current.change({ secret: 'hunter2' }));
    expect(JSON.stringify(Object.entries(localStorage))).not.toContain('hunter2');
    expect(asks()).toBe(true);
    act(() => guarded.current.change({ secret: '' }));
    expect(asks()).toBe(false);
    vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError');
    });
    act(() => guarded.current.change({ name: 'Letters' }));
    expect(asks()).toBe(true);
  });
});
