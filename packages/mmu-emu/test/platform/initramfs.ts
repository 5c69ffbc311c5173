/**
 * Writes a first file system for Linux, for tests.
 *
 * @see Linux, "initramfs buffer format"
 */

/** A file, a directory (no content), a link (content is where to) or a character device. */
export interface InitramfsEntry {
  readonly name: string;
  /** Type and permissions, as `st_mode` has them. */
  readonly mode: number;
  readonly content?: Uint8Array | string;
  readonly device?: readonly [major: number, minor: number];
}

/** A cpio archive of the `newc` kind. */
export function initramfs(entries: readonly InitramfsEntry[]): Uint8Array {
  const parts: Buffer[] = [];
  const add = (bytes: Buffer): void => {
    parts.push(bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4));
  };
  [...entries, { name: 'TRAILER!!!', mode: 0 }].forEach(
    ({ name, mode, content = '', device = [0, 0] }: InitramfsEntry, index) => {
      const data = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);
      const path = Buffer.from(`${name}\0`);
      const fields = [index + 1, mode, 0, 0, 1, 0, data.length, 0, 0, ...device, path.length, 0];
      const header = '070701' + fields.map((field) => field.toString(16).padStart(8, '0')).join('');
      add(Buffer.concat([Buffer.from(header), path]));
      add(data);
    },
  );
  return Buffer.concat(parts);
}

/** A file in the root directory. */
export interface NamedFile {
  readonly name: string;
  readonly content: Uint8Array;
}

/** Busybox with a shell as the first process, which loads kernel modules before. */
export function busyboxSystem(busybox: Uint8Array, modules: readonly NamedFile[]): Uint8Array {
  const directory = 0o040755;
  const program = 0o100755;
  const init = [
    '#!/bin/sh',
    'busybox mount -t proc proc /proc',
    'busybox mount -t devtmpfs dev /dev',
    ...modules.map(({ name }) => `busybox insmod /${name}`),
    'echo the first process runs',
    'exec sh\n',
  ];
  return initramfs([
    ...['bin', 'dev', 'proc'].map((name) => ({ name, mode: directory })),
    { name: 'dev/console', mode: 0o020600, device: [5, 1] as const },
    { name: 'bin/busybox', mode: program, content: busybox },
    { name: 'bin/sh', mode: 0o120777, content: 'busybox' },
    ...modules.map(({ name, content }) => ({ name, mode: 0o100644, content })),
    { name: 'init', mode: program, content: init.join('\n') },
  ]);
}
