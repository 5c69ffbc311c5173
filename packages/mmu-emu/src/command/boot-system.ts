import { randomFillSync } from 'node:crypto';
import { statSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { Machine, prepareBoot, VirtPlatform, VirtualClock } from '@faultline/mmu-emu';
import { Console } from './console.js';
import { FileDrive } from './file-drive.js';
import type { BootCommandOptions } from './options.js';
import { runMachine } from './run-machine.js';
import { WallClock } from './wall-clock.js';

const NANOSECONDS_PER_MILLISECOND = 1_000_000n;
/** With the virtual clock, runs repeat exactly: the same date and the same random bytes. */
const FIXED_DATE = 1_577_836_800_000n;

/**
 * Boots firmware and an operating system.
 *
 * @param readFile gives a file, or throws what `main` explains.
 * @returns The exit status of the command: 0 for power-off.
 */
export async function bootSystem(
  options: BootCommandOptions,
  readFile: (path: string) => Uint8Array,
  streams: { readonly stdin: Readable; readonly stdout: Writable; readonly stderr: Writable },
): Promise<number> {
  const repeats = options.clock === 'virtual';
  const firmware = readFile(options.bios);
  const images: FileDrive[] = [];
  const drives: FileDrive[] = [];
  let terminal: Console | undefined;
  /** A file is read straight into RAM, also after a reset. Anything else can be read only once. */
  const image = (path: string | undefined): Uint8Array | FileDrive | undefined => {
    if (path === undefined) return undefined;
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return readFile(path);
    const file = new FileDrive(`${path},ro`);
    images.push(file);
    return file;
  };
  try {
    const [kernel, initrd] = [image(options.kernel), image(options.initrd)];
    for (const drive of options.drives) drives.push(new FileDrive(drive));
    const console = new Console(streams.stdin, streams.stdout);
    terminal = console;
    const platform = new VirtPlatform({
      transmit: console.send,
      drives,
      ...(options.console === 'virtio' ? { console: (bytes) => bytes.forEach(console.send) } : {}),
      random: repeats ? (into) => into.fill(0x5a) : (into) => void randomFillSync(into),
      epoch: (repeats ? FIXED_DATE : BigInt(new Date().getTime())) * NANOSECONDS_PER_MILLISECOND,
    });
    const machine = await Machine.create({
      ramBytes: options.memoryBytes,
      harts: options.harts,
      engine: options.engine,
      clock: repeats ? new VirtualClock() : new WallClock(),
      devices: platform.devices,
    });
    const load = (): void =>
      void prepareBoot(machine, platform, {
        firmware,
        ...(kernel === undefined ? {} : { kernel }),
        ...(initrd === undefined ? {} : { initrd }),
        ...(options.append === undefined ? {} : { bootargs: options.append }),
      });
    load();
    return await runMachine(machine, {
      terminal: console,
      port: platform.console ?? platform.uart,
      options,
      stderr: streams.stderr,
      exitStatus: (code) => (code === 0 ? 0 : code & 0xff || 1),
      load,
    });
  } finally {
    terminal?.close();
    for (const file of [...images, ...drives]) file.close();
  }
}
