import { describe, expect, it } from 'vitest';
import { parseGuestPath } from '../../src/namespace/guest-path.js';

describe('paths of guests', () => {
  it('are the same with and without a leading slash', () => {
    expect(parseGuestPath('/a/b')).toEqual(parseGuestPath('a/b'));
    expect(parseGuestPath('a/b')).toEqual({ components: ['a', 'b'], mustBeDirectory: false });
  });

  it('lose empty components and dots, and keep ..', () => {
    expect(parseGuestPath('//a/./b/../c').components).toEqual(['a', 'b', '..', 'c']);
  });

  it.each(['/', '.', 'a/', 'a/.', 'a/..'])('%s asks for a directory', (path) => {
    expect(parseGuestPath(path).mustBeDirectory).toBe(true);
  });

  it.each([
    ['empty', ''],
    ['with a NUL character', 'a\0b'],
    ['of more than 4096 bytes', 'ä/'.repeat(1_400)],
    ['with a name of more than 255 bytes', 'ö'.repeat(128)],
  ])('%s are refused', (_what, path) => {
    expect(() => parseGuestPath(path)).toThrow(expect.objectContaining({ code: 'bad-path' }));
  });

  it('may have 4096 bytes, and names of 255', () => {
    expect(parseGuestPath('x'.repeat(255)).components).toHaveLength(1);
    expect(parseGuestPath('a/'.repeat(2_048)).components).toHaveLength(2_048);
  });

  it.each(['a\\..\\..\\b', 'c:'])('%s is refused where the host would take it apart', (path) => {
    expect(() => parseGuestPath(path, 'win32')).toThrow(expect.objectContaining({ code: 'bad-path' }));
    expect(parseGuestPath(path, 'linux').components).toEqual([path]);
  });
});
