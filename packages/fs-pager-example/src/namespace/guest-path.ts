import { FaultlineError } from '../faultline-error.js';

/** Bytes of UTF-8 in a path at most. */
export const MAX_PATH_BYTES = 4_096;
/** Bytes of UTF-8 in one component at most. */
export const MAX_NAME_BYTES = 255;

/** A path of a namespace, taken apart. */
export interface GuestPath {
  /** Without empty ones and `.`; `..` is kept, since what it means depends on symbolic links before it. */
  readonly components: readonly string[];
  /** It ends in `/`, `.` or `..`: only a directory will do. */
  readonly mustBeDirectory: boolean;
}

const encoder = new TextEncoder();

/**
 * Takes a path apart. A leading `/` stands for the root of the namespace, so `/a/b` and `a/b` are the same.
 *
 * @param path also the target of a relative symbolic link
 * @throws {FaultlineError} `bad-path`: empty, a NUL character, longer than 4096 bytes, a component longer than 255,
 *   or a character that separates components on the host (`\` and `:` on Windows)
 */
export function parseGuestPath(path: string, platform: string = process.platform): GuestPath {
  if (path === '') throw new FaultlineError('bad-path', 'an empty path');
  if (path.includes('\0')) throw new FaultlineError('bad-path', 'a path with a NUL character');
  if (encoder.encode(path).length > MAX_PATH_BYTES) {
    throw new FaultlineError('bad-path', `a path of more than ${MAX_PATH_BYTES} bytes`);
  }
  const parts = path.split('/');
  const last = parts[parts.length - 1];
  const components = parts.filter((part) => part !== '' && part !== '.');
  for (const component of components) {
    if (encoder.encode(component).length > MAX_NAME_BYTES) {
      throw new FaultlineError('bad-path', `${path}: a name of more than ${MAX_NAME_BYTES} bytes`);
    }
    if (platform === 'win32' && /[\\:]/.test(component)) {
      throw new FaultlineError('bad-path', `${path}: a name with a separator of the host`);
    }
  }
  return { components, mustBeDirectory: last === '' || last === '.' || last === '..' };
}
