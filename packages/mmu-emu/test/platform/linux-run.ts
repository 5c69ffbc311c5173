/** Debian's Linux with busybox on a machine with every device, and somebody who types at its consoles, for tests. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { hasFile } from '../../../../scripts/vitest/needs-tool.js';
import { EXIT_BUDGET, Machine, prepareBoot, VirtPlatform } from '../../src/index.js';
import type { ExitReason } from '../../src/index.js';
import { visibleState } from '../snapshot/visible-state.js';
import { busyboxSystem } from './initramfs.js';

const FIRMWARE = '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin';
/** What scripts/fetch-linux.sh puts there. */
const LINUX = fileURLToPath(new URL('../../../../.cache/linux/', import.meta.url));
/** In the order in which they are loaded; the console's driver is part of the kernel. */
const MODULES = ['virtio_mmio.ko.xz', 'virtio_blk.ko.xz', 'virtio-rng.ko.xz'];

/** The shell's, and its question where the cursor is: from then on it reads a line. */
const PROMPT = /~ # \x1b\[6n/;
/** Runs are cut at multiples of this, and what is typed comes there. */
const SLICE = 2_000_000;
const LIMIT = 6_000_000_000;
const DRIVE_BYTES = 2 ** 20;

/** Whether everything is there to boot Linux; see `hasFile`. */
export function hasLinux(task: { readonly meta: object }, leftOut: string): boolean {
  return [FIRMWARE, ...['Image', ...MODULES].map((file) => `${LINUX}${file}`)].every((path) =>
    hasFile(task, path, leftOut),
  );
}

/** A point of a run to which another machine can be brought, with the drive as it was. */
export interface LinuxPoint {
  readonly snapshot: Uint8Array;
  readonly drive: Uint8Array;
  /** What the consoles had said, and how many characters of that had been read. */
  readonly said: string;
  readonly read: number;
  readonly retired: number;
}

/** One machine, and how far its consoles have been read. */
export class LinuxRun {
  readonly machine: Machine;
  /** Content of /dev/vda. */
  readonly drive: Uint8Array;
  readonly #platform: VirtPlatform;
  readonly #output: number[];
  #said = '';
  #read = 0;
  #retired = 0;

  private constructor(machine: Machine, platform: VirtPlatform, drive: Uint8Array, output: number[]) {
    this.machine = machine;
    this.drive = drive;
    this.#platform = platform;
    this.#output = output;
  }

  /** A machine with nothing in it but what says so at the beginning of its drive. Random bytes are all 0x5a. */
  static async empty(harts: number): Promise<LinuxRun> {
    const output: number[] = [];
    const drive = new Uint8Array(DRIVE_BYTES);
    drive.set(Buffer.from('a drive of zeros'));
    const platform = new VirtPlatform({
      transmit: (byte) => output.push(byte),
      console: (bytes) => output.push(...bytes),
      random: (into) => into.fill(0x5a),
      epoch: 1_577_836_800_000_000_000n,
      drives: [
        {
          bytes: DRIVE_BYTES,
          readOnly: false,
          read: (offset, into) => into.set(drive.subarray(offset, offset + into.length)),
          write: (offset, from) => drive.set(from, offset),
          flush: () => undefined,
        },
      ],
    });
    const machine = await Machine.create({ harts, ramBytes: 2 ** 28, devices: platform.devices });
    return new LinuxRun(machine, platform, drive, output);
  }

  /** Puts firmware, kernel and the first file system where a machine begins that was just made or reset. */
  load(bootargs: string): void {
    const read = (name: string): Uint8Array => readFileSync(`${LINUX}${name}`);
    prepareBoot(this.machine, this.#platform, {
      firmware: readFileSync(FIRMWARE),
      kernel: read('Image'),
      initrd: busyboxSystem(
        read('busybox'),
        MODULES.map((name) => ({ name, content: read(name) })),
      ),
      bootargs,
    });
  }

  /** Everything that the consoles have said. */
  get said(): string {
    return this.#said;
  }

  /** Instructions since the beginning, or as many as the machine had retired that it was restored from. */
  get retired(): number {
    return this.#retired;
  }

  save(): LinuxPoint {
    const { machine, drive } = this;
    const [said, read, retired] = [this.#said, this.#read, this.#retired];
    return { snapshot: machine.save(), drive: drive.slice(), said, read, retired };
  }

  restore({ snapshot, drive, said, read, retired }: LinuxPoint): void {
    this.machine.restore(snapshot);
    this.drive.set(drive);
    this.#said = said;
    this.#read = read;
    this.#retired = retired;
  }

  /** Registers, devices, and a hash of RAM. */
  look(): Map<string, string> {
    return visibleState(this.machine.save(), this.machine.ram.frameCount);
  }

  /** Runs for a slice. */
  runOn(): ExitReason {
    const reason = this.machine.run(SLICE);
    this.#retired += this.machine.retired;
    this.#said += Buffer.from(this.#output.splice(0)).toString('latin1');
    return reason;
  }

  /** Runs until what the consoles say matches, from the end of the last match on. */
  runUntil(pattern: RegExp): void {
    for (;;) {
      const reason = this.runOn();
      const found = pattern.exec(this.#said.slice(this.#read));
      if (found !== null) {
        this.#read += found.index + found[0].length;
        return;
      }
      this.#expectGoingOn(reason);
    }
  }

  /** Types a line at the next prompt. */
  type(line: string, port: 'serial' | 'virtio'): void {
    this.runUntil(PROMPT);
    const bytes = Buffer.from(`${line}\n`);
    const { uart, console } = this.#platform;
    expect((port === 'serial' ? uart : console)?.receive(bytes)).toBe(bytes.length);
  }

  /** Runs until the machine ends; gives how. */
  runToEnd(): ExitReason {
    for (;;) {
      const reason = this.runOn();
      if (reason !== EXIT_BUDGET) return reason;
      this.#expectGoingOn(reason);
    }
  }

  #expectGoingOn(reason: ExitReason): void {
    const lately = this.#said.slice(this.#read);
    expect(reason, lately).toBe(EXIT_BUDGET);
    expect(this.#retired, lately).toBeLessThan(LIMIT);
  }
}
