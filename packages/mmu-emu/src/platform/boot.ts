/**
 * Puts firmware, an operating system and a device tree into RAM, and harts at the firmware's start.
 *
 * ```
 *   RAM + 0       firmware, OpenSBI's fw_dynamic as a flat binary; an ELF where it says
 *   RAM + 2 MiB   kernel: a flat Image, as long as its header says
 *   above it      first file system, at a multiple of 2 MiB
 *   at the end    2 MiB: fw_dynamic_info, then the device tree, with room for what firmware adds to it
 * ```
 *
 * @see OpenSBI, "OpenSBI Firmware with Dynamic Information (FW_DYNAMIC)"; Linux, "Boot image header in RISC-V Linux"
 */

import type { BlockStore } from '../devices/virtio/virtio-block.js';
import { loadElf } from '../elf/load-elf.js';
import type { ElfLoadTarget } from '../elf/load-elf.js';
import { HART_PC, HART_X } from '../hart/state.js';
import type { Machine } from '../machine.js';
import { PAGE_SIZE } from '../mmu/pte.js';
import type { Ram } from '../ram.js';
import { BootError } from './boot-error.js';
import type { VirtPlatform } from './virt-platform.js';

const ALIGNMENT = 2 * 2 ** 20;
const TREE_AREA = ALIGNMENT;
const TREE_OFFSET = PAGE_SIZE;

/** 'OSBI', little-endian. */
const INFO_MAGIC = 0x4942_534f;
const INFO_VERSION = 2;
const MODE_SUPERVISOR = 1;
const ANY_HART = 2n ** 64n - 1n;

/** 'RSC\x05' at offset 56 of an Image. */
const IMAGE_MAGIC = 0x0543_5352;
const IMAGE_HEADER_BYTES = 64;

const ELF_MAGIC = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46);

/**
 * What to boot. The bytes are copied; what is large can be given as something that reads it straight into RAM (its `read` fills
 * the whole view), and then is in memory once only.
 */
export interface BootOptions {
  /** A flat binary that runs in machine mode from the start of RAM, or an ELF. */
  readonly firmware: Uint8Array;
  /** A RISC-V `Image`, not compressed; without it the firmware is told to start nothing. */
  readonly kernel?: Uint8Array | Pick<BlockStore, 'bytes' | 'read'>;
  /** First file system of the kernel. */
  readonly initrd?: Uint8Array | Pick<BlockStore, 'bytes' | 'read'>;
  /** Command line of the kernel. */
  readonly bootargs?: string;
}

/** Where everything went; physical addresses. */
export interface BootLayout {
  readonly kernel: number | undefined;
  readonly initrd: { readonly start: number; readonly end: number } | undefined;
  readonly deviceTree: number;
}

/**
 * Makes a machine ready to boot: the next `Machine.run` begins with the firmware on every hart.
 *
 * @param timebaseHz what the machine was made with.
 * @throws {BootError} {ElfError} Nothing has been written then. What a `read` throws comes as it is, and RAM may have a part.
 */
export function prepareBoot(
  machine: Machine,
  platform: VirtPlatform,
  options: BootOptions,
  timebaseHz = 10_000_000,
): BootLayout {
  const { ram, harts } = machine;
  const { firmware, bootargs } = options;
  const [kernel, initrd] = [options.kernel, options.initrd].map(source);
  const end = ram.base + ram.bytes;
  const infoAt = Math.floor(end / ALIGNMENT) * ALIGNMENT - TREE_AREA;
  const isElf = ELF_MAGIC.every((byte, at) => firmware[at] === byte);
  const { entry, end: firmwareEnd } = isElf
    ? loadElf({ ram: nowhere(ram) }, firmware)
    : { entry: ram.base, end: ram.base + firmware.length };
  const kernelAt = kernel === undefined ? undefined : roundUp(firmwareEnd);
  const kernelEnd =
    kernel === undefined || kernelAt === undefined ? firmwareEnd : kernelAt + imageBytes(kernel);
  const initrdAt = roundUp(kernelEnd);
  const initrdRange = initrd && { start: initrdAt, end: initrdAt + initrd.bytes };
  const used = initrdRange?.end ?? kernelEnd;
  if (used > infoAt) {
    const mebibytes = (roundUp(used) - ram.base + TREE_AREA) / 2 ** 20;
    throw new BootError('does-not-fit', `what is booted needs ${mebibytes} MiB of RAM or more`);
  }
  const tree = platform.deviceTree({
    harts: harts.length,
    ramBytes: ram.bytes,
    timebaseHz,
    ...(bootargs === undefined ? {} : { bootargs }),
    ...(initrdRange === undefined ? {} : { initrd: initrdRange }),
  });

  if (isElf) loadElf(machine, firmware);
  else placeOf(ram, ram.base, firmware.length).set(firmware);
  if (kernel !== undefined && kernelAt !== undefined) kernel.read(0, placeOf(ram, kernelAt, kernel.bytes));
  if (initrd !== undefined) initrd.read(0, placeOf(ram, initrdAt, initrd.bytes));
  const info = dynamicInfo(kernelAt ?? 0);
  placeOf(ram, infoAt, info.length).set(info);
  const treeAt = infoAt + TREE_OFFSET;
  placeOf(ram, treeAt, tree.length).set(tree);
  for (const { id, state } of harts) {
    setPair(state, HART_PC, entry);
    setPair(state, HART_X + 2 * 10, id);
    setPair(state, HART_X + 2 * 11, treeAt);
    setPair(state, HART_X + 2 * 12, infoAt);
  }
  return { kernel: kernelAt, initrd: initrdRange, deviceTree: treeAt };
}

type Source = Pick<BlockStore, 'bytes' | 'read'>;

function source(image: Uint8Array | Source | undefined): Source | undefined {
  if (!(image instanceof Uint8Array)) return image;
  return {
    bytes: image.length,
    read: (offset, into) => into.set(image.subarray(offset, offset + into.length)),
  };
}

/** Bytes that a kernel occupies, with what follows its file. */
function imageBytes(kernel: Source): number {
  const header = new Uint8Array(IMAGE_HEADER_BYTES);
  if (kernel.bytes >= IMAGE_HEADER_BYTES) kernel.read(0, header);
  const view = new DataView(header.buffer);
  if (view.getUint32(56, true) !== IMAGE_MAGIC) {
    throw new BootError(
      'not-a-kernel',
      'the kernel is not a RISC-V Image (compressed ones must be unpacked)',
    );
  }
  const size = Number(view.getBigUint64(16, true));
  return Math.max(size, kernel.bytes);
}

function dynamicInfo(next: number): Uint8Array {
  const bytes = new Uint8Array(48);
  const view = new DataView(bytes.buffer);
  const words = [
    BigInt(INFO_MAGIC),
    BigInt(INFO_VERSION),
    BigInt(next),
    BigInt(MODE_SUPERVISOR),
    0n,
    ANY_HART,
  ];
  words.forEach((word, index) => view.setBigUint64(8 * index, word, true));
  return bytes;
}

/** To find out where an ELF goes before anything is written. */
function nowhere({ base, bytes }: Ram): ElfLoadTarget['ram'] {
  return { base, bytes, writable: (_frame, count = 1) => new Uint8Array(count * PAGE_SIZE) };
}

/** The bytes of RAM at a physical address, to be written. */
function placeOf(ram: Ram, paddr: number, bytes: number): Uint8Array {
  const offset = paddr - ram.base;
  const frame = Math.floor(offset / PAGE_SIZE);
  const inFrame = offset % PAGE_SIZE;
  return ram.writable(frame, Math.ceil((inFrame + bytes) / PAGE_SIZE)).subarray(inFrame, inFrame + bytes);
}

function setPair(state: Uint32Array, word: number, value: number): void {
  state[word] = value % 2 ** 32;
  state[word + 1] = Math.floor(value / 2 ** 32);
}

function roundUp(value: number): number {
  return Math.ceil(value / ALIGNMENT) * ALIGNMENT;
}
