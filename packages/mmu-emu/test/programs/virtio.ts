/** Programs of the virtio devices, by the registers of their transport. */
import { check } from './frame.js';
import type { Check, FrameParts } from './frame.js';

export const SECTOR_BYTES = 512;
export const DRIVE_SECTORS = 8;
/** What the drive's sectors begin with, and the program's sector in the end. */
export const sectorMark = (sector: number): bigint => 0x5ec7_0000_0000_0000n + BigInt(sector);
export const WRITTEN_SECTOR = 5;
export const WRITTEN_MARK = 0x1234_5678_9abc_def0n;
/** What the console's program writes. */
export const CONSOLE_TEXT = 'virtual\n';

const TYPE_CONSOLE = 3;
const TYPE_BLOCK = 2;
const TYPE_RANDOM = 4;

/** A queue of 8: descriptors, then what is available at 0x80, then what is used at 0x100. */
const SUBROUTINES = `
# The device of the type in a0: its registers in s0, the bit of its interrupt at the PLIC in s1; goes to fail if there is none.
find_device:
  li s0, 0x10001000
  li s1, 2
  li t1, 8
1: lwu t0, 8(s0)
  beq t0, a0, 2f
  li t0, 0x1000
  add s0, s0, t0
  slli s1, s1, 1
  addi t1, t1, -1
  bnez t1, 1b
  j fail
2: ret

# Starts it with the queue of number a0; what it said of the features is in a1.
start_device:
  sw x0, 0x70(s0)
  li t0, 1
  sw t0, 0x70(s0)
  li t0, 3
  sw t0, 0x70(s0)
  li t0, 1
  sw t0, 0x14(s0)
  lwu a1, 0x10(s0)          # features 32 and up: the first is VERSION_1
  sw x0, 0x24(s0)
  sw x0, 0x20(s0)
  li t0, 1
  sw t0, 0x24(s0)
  sw t0, 0x20(s0)
  li t0, 11
  sw t0, 0x70(s0)
  sw a0, 0x30(s0)
  li t0, 8
  sw t0, 0x38(s0)
  la t0, queue
  sw t0, 0x80(s0)
  sw x0, 0x84(s0)
  addi t1, t0, 0x80
  sw t1, 0x90(s0)
  sw x0, 0x94(s0)
  addi t1, t0, 0x100
  sw t1, 0xa0(s0)
  sw x0, 0xa4(s0)
  sd x0, 0x80(t0)
  sd x0, 0x100(t0)
  li t1, 1
  sw t1, 0x44(s0)
  li t0, 15
  sw t0, 0x70(s0)
  ret

  .balign 4096
queue: .zero 512
request: .zero 64
status: .zero 64
buffer: .zero 4096`;

export const VIRTIO_PARTS: FrameParts = { more: SUBROUTINES };

interface Piece {
  readonly at: string;
  readonly bytes: number;
  /** Whether the device writes it. */
  readonly write?: boolean;
}

/** Offers a chain to a queue, and waits until it is used; how many bytes were written is in t5 then. */
const send = (queue: number, pieces: readonly Piece[]): string => `
  la t0, queue
  ${pieces
    .map(
      ({ at, bytes, write = false }, index) => `
  la t1, ${at}
  sd t1, ${16 * index}(t0)
  li t1, ${bytes}
  sw t1, ${16 * index + 8}(t0)
  li t1, ${(write ? 2 : 0) | (index < pieces.length - 1 ? 1 : 0)}
  sh t1, ${16 * index + 12}(t0)
  li t1, ${index + 1}
  sh t1, ${16 * index + 14}(t0)`,
    )
    .join('\n')}
  lhu t1, 0x82(t0)
  andi t2, t1, 7
  slli t3, t2, 1
  add t3, t3, t0
  sh x0, 0x84(t3)
  addi t1, t1, 1
  fence rw, rw
  sh t1, 0x82(t0)
  fence rw, rw
  li t3, ${queue}
  sw t3, 0x50(s0)
  1: lhu t3, 0x102(t0)
  bne t3, t1, 1b
  fence rw, rw
  slli t2, t2, 3
  add t2, t2, t0
  lwu t5, 0x108(t2)`;

const found = (type: number, queue: number): Check[] => [
  check(`li a0, ${type}\njal find_device\nlwu t5, 0(s0)\nlwu t4, 4(s0)`, { t5: 0x7472_6976n, t4: 2n }),
  check(`li a0, ${queue}\njal start_device\nlwu t5, 0x70(s0)\nandi t4, a1, 1`, { t5: 15n, t4: 1n }),
];

const STATUS = { at: 'status', bytes: 1, write: true };

/** A request for a sector, with the pieces that lie between its header and its status. */
const block = (type: number, sector: number, ...pieces: readonly Piece[]): string => `
  la t0, request
  li t1, ${type}
  sd t1, 0(t0)
  li t1, ${sector}
  sd t1, 8(t0)
  la t0, status
  li t1, -1
  sb t1, 0(t0)
  ${send(0, [{ at: 'request', bytes: 16 }, ...pieces, STATUS])}
  la t0, status
  lbu t4, 0(t0)`;
const READ = { at: 'buffer', bytes: SECTOR_BYTES, write: true };
const WRITE = { at: 'buffer', bytes: SECTOR_BYTES };
const mark = (register: string): string => `la t0, buffer\nld ${register}, 0(t0)`;

const SIZE = BigInt(SECTOR_BYTES + 1);
export const BLOCK: readonly Check[] = [
  ...found(TYPE_BLOCK, 0),
  check('lwu t5, 0x100(s0)\nlwu t4, 0x104(s0)', { t5: BigInt(DRIVE_SECTORS), t4: 0n }),
  check(`${block(0, 3, READ)}\n${mark('t3')}`, { t5: SIZE, t4: 0n, t3: sectorMark(3) }),
  // It has interrupted, and the PLIC has heard of it, until it is acknowledged.
  check('li t0, 0xc001000\nlwu t5, 0(t0)\nand t5, t5, s1\nsub t5, t5, s1\nlwu t4, 0x60(s0)\nsw t4, 0x64(s0)\nlwu t3, 0x60(s0)', { t5: 0n, t4: 1n, t3: 0n }),
  check(`la t0, buffer\nli t1, ${WRITTEN_MARK}\nsd t1, 0(t0)\n${block(1, WRITTEN_SECTOR, WRITE)}`, { t5: 1n, t4: 0n }),
  check(`${block(4, 0)}`, { t4: 0n }),
  check(`${block(0, WRITTEN_SECTOR, READ)}\n${mark('t3')}`, { t4: 0n, t3: WRITTEN_MARK }),
  // In pieces, in one request: two sectors.
  check(`${block(0, 1, { at: 'buffer', bytes: 4, write: true }, { at: 'buffer + 4', bytes: 1020, write: true })}\n${mark('t3')}\nla t0, buffer\nld t2, 512(t0)`, { t4: 0n, t3: sectorMark(1), t2: sectorMark(2) }),
  // Behind its end, and a request that there is not.
  check(block(0, DRIVE_SECTORS, READ), { t4: 1n }),
  check(block(1, DRIVE_SECTORS, WRITE), { t4: 1n }),
  check(block(77, 0, READ), { t4: 2n }),
  check('sw x0, 0x70(s0)\nlwu t5, 0x70(s0)', 0n),
]; // prettier-ignore

export const RANDOM: readonly Check[] = [
  ...found(TYPE_RANDOM, 0),
  // Some bytes at the least, and nothing behind them.
  check(`la t0, buffer\nsd x0, 0(t0)\nsd x0, 64(t0)\n${send(0, [{ at: 'buffer', bytes: 64, write: true }])}\naddi t5, t5, -1\nsltiu t5, t5, 64\n${mark('t3')}\nsnez t3, t3\nla t0, buffer\nld t4, 64(t0)`, { t5: 1n, t4: 0n, t3: 1n }),
]; // prettier-ignore

export const CONSOLE: readonly Check[] = [
  ...found(TYPE_CONSOLE, 1),
  check(`la t0, buffer\n${[...CONSOLE_TEXT].map((letter, index) => `li t1, ${letter.charCodeAt(0)}\nsb t1, ${index}(t0)`).join('\n')}\n${send(1, [{ at: 'buffer', bytes: CONSOLE_TEXT.length }])}`, 0n),
]; // prettier-ignore
