// @vitest-environment jsdom
import { afterEach, describe, expect, test, vi } from 'vitest';

const session = vi.hoisted(() => ({ me: { id: 'ada', workspace_id: 'home' } }));
vi.mock('./session', () => ({ useSession: { getState: () => session } }));

import { keep, readKept } from './kept';

afterEach(() => {
  session.me = { id: 'ada', workspace_id: 'home' };
  localStorage.clear();
});

describe('what is kept', () => {
  test('is there the next time, until it is forgotten', () => {
    keep('code.1', { text: '{' });
    expect(readKept('code.1')).toEqual({ text: '{' });
    keep('code.1', null);
    expect(readKept('code.1')).toBeNull();
  });

  test('is not shown to somebody else who uses this browser', () => {
    keep('code.1', 'mine');
    session.me = { id: 'bob', workspace_id: 'home' };
    expect(readKept('code.1')).toBeNull();
  });

  test('is not shown in another workspace, and is there again in its own', () => {
    keep('message.1', 'of home');
    session.me = { id: 'ada', workspace_id: 'accounting' };
    expect(readKept('message.1')).toBeNull();
    session.me = { id: 'ada', workspace_id: 'home' };
    expect(readKept('message.1')).toBe('of home');
  });

  test('may be spoiled, or find no room', () => {
    keep('code.1', 'x');
    localStorage.setItem(Object.keys(localStorage)[0] ?? '', '{');
    expect(readKept('code.1')).toBeNull();
    const set = vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError');
    });
    expect(keep('code.2', 'x')).toBe(false);
    set.mockRestore();
  });
});
