/**
 * A program that uses virtio devices as a driver does, for tests of snapshots: it keeps several requests in the rings of a
 * drive, a source of random bytes and a console, sleeps until interrupts say that they are done, and counts what it finds.
 */

import { assemble, HART_PC, Machine, VirtPlatform, VIRTIO_BASE, VIRTIO_STRIDE } from '../../src/index.js';
import type { MachineOptions } from '../../src/index.js';
import { setWordPair } from '../run-program.js';
import { visibleState } from './visible-state.js';

const ORIGIN = 0x8000_0000;
const RAM_BYTES = 2 ** 20;
const SECTOR_BYTES = 512;
export const SECTORS = 8;
/** What is typed, and when: not all of it fits into one buffer of the program. */
export const TYPED = 'typed in';
export const ROUNDS = 4;

const [BLOCK, RANDOM, CONSOLE] = [0, 1, 2].map((index) => VIRTIO_BASE + index * VIRTIO_STRIDE);
const PLIC = 0xc00_0000;
/** A queue each: descriptors, then 4 KiB further what the driver offers, then what the device has used. */
const AREAS = 0x1_0000;
const AREA_BYTES = 0x3000;
const QUEUES = [
  { device: BLOCK, queue: 0 },
  { device: RANDOM, queue: 0 },
  { device: CONSOLE, queue: 0 },
  { device: CONSOLE, queue: 1 },
] as const;
const [BLOCK_AREA, RANDOM_AREA, RECEIVE_AREA, TRANSMIT_AREA] = [0, 1, 2, 3];

const BUFFERS = 0x2_0000;
const [WRITE_HEADER, READ_HEADER, WRITE_STATUS, READ_STATUS] = [0, 0x20, 0x40, 0x48];
const [WRITTEN, READ, RANDOM_BYTES, RECEIVED, SENT] = [0x200, 0x400, 0x600, 0x700, 0x740];
/** How far each area has been looked at, then what was found. */
const [SEEN, DONE, DIGEST, RECEIVED_BYTES] = [0x1000, 0x1100, 0x1108, 0x1110];

const NEXT = 1;
const DEVICE_WRITES = 2;
/** By area: where, how long, flags; each leads to the one after it. */
const DESCRIPTORS: readonly (readonly (readonly [buffer: number, bytes: number, flags: number])[])[] = [
  [
    [WRITE_HEADER, 16, NEXT],
    [WRITTEN, SECTOR_BYTES, NEXT],
    [WRITE_STATUS, 1, DEVICE_WRITES],
    [READ_HEADER, 16, NEXT],
    [READ, SECTOR_BYTES, NEXT | DEVICE_WRITES],
    [READ_STATUS, 1, DEVICE_WRITES],
  ],
  [[RANDOM_BYTES, 8, DEVICE_WRITES]],
  [[RECEIVED, 4, DEVICE_WRITES]],
  [[SENT, 2, 0]],
];

const area = (index: number): number => ORIGIN + AREAS + index * AREA_BYTES;

const setUp = QUEUES.map(
  ({ device, queue }, index) => `
        li   a0, ${device}
        li   a1, 3
        sw   a1, 0x70(a0)
        li   a1, ${queue}
        sw   a1, 0x30(a0)
        li   a1, 8
        sw   a1, 0x38(a0)
        li   a1, ${area(index)}
        sw   a1, 0x80(a0)
        li   a1, ${area(index) + 0x1000}
        sw   a1, 0x90(a0)
        li   a1, ${area(index) + 0x2000}
        sw   a1, 0xa0(a0)
        li   a1, 1
        sw   a1, 0x44(a0)
        li   a1, 7
        sw   a1, 0x70(a0)`,
).join('');

const offer = (index: number, head: number): string => `
        li   a0, ${area(index) + 0x1000}
        li   a1, ${head}
        jal  offer`;

const notify = (index: number): string => `
        li   a0, ${QUEUES[index].device}
        li   a1, ${QUEUES[index].queue}
        sw   a1, 0x50(a0)`;

const SOURCE = `
${setUp}
        la   a0, handler
        csrw mtvec, a0
        li   a0, ${PLIC}
        li   a1, 1
        sw   a1, 4(a0)
        sw   a1, 8(a0)
        sw   a1, 12(a0)
        li   a0, ${PLIC + 0x2000}
        li   a1, 0xe
        sw   a1, 0(a0)
        li   a0, 0x800
        csrw mie, a0
        csrsi mstatus, 8
        ${offer(RECEIVE_AREA, 0)}
        ${notify(RECEIVE_AREA)}
        li   s0, 0
        li   s11, ${ORIGIN + BUFFERS}
round:
        # Write sector s0, from what was read and random so far; read sector s0 + 4.
        li   a0, 1
        sw   a0, ${WRITE_HEADER}(s11)
        sd   s0, ${WRITE_HEADER + 8}(s11)
        addi a0, s0, 4
        sd   a0, ${READ_HEADER + 8}(s11)
        ld   a0, ${RANDOM_BYTES}(s11)
        ld   a1, ${READ}(s11)
        add  a0, a0, a1
        sd   a0, ${WRITTEN}(s11)
        li   a0, 'r'
        sb   a0, ${SENT}(s11)
        addi a0, s0, '0'
        sb   a0, ${SENT + 1}(s11)
        ${offer(TRANSMIT_AREA, 0)}
        ${offer(BLOCK_AREA, 0)}
        ${offer(RANDOM_AREA, 0)}
        ${offer(BLOCK_AREA, 3)}
        ${notify(BLOCK_AREA)}
        ${notify(RANDOM_AREA)}
        ${notify(TRANSMIT_AREA)}
        addi s0, s0, 1
        slli s1, s0, 2
        li   s10, ${DONE}
        jal  wait
        li   a0, ${ROUNDS}
        bltu s0, a0, round
        li   s1, ${TYPED.length}
        li   s10, ${RECEIVED_BYTES}
        jal  wait
        li   a0, 0x100000
        li   a1, 0x5555
        sw   a1, 0(a0)

        # Until the number at s10 of the buffers has reached s1.
wait:   add  s10, s10, s11
1:      csrci mstatus, 8
        ld   a0, 0(s10)
        bgeu a0, s1, 2f
        wfi
        csrsi mstatus, 8
        j    1b
2:      csrsi mstatus, 8
        ret

offer:  lhu  a2, 2(a0)
        andi a3, a2, 7
        slli a3, a3, 1
        add  a3, a3, a0
        sh   a1, 4(a3)
        addi a2, a2, 1
        sh   a2, 2(a0)
        ret

        # Interrupts have the t registers, and s2 to s9.
        .balign 4
handler:
        li   t0, ${PLIC + 0x20_0004}
        lw   t1, 0(t0)
        beqz t1, 1f
        slli t2, t1, 12
        li   t3, ${VIRTIO_BASE - VIRTIO_STRIDE}
        add  t2, t2, t3
        lw   t3, 0x60(t2)
        sw   t3, 0x64(t2)
        addi t3, t1, -1
        jal  t6, collect
        li   t3, ${TRANSMIT_AREA}
        jal  t6, collect
        sw   t1, 0(t0)
1:      mret

collect:
        li   s2, ${AREA_BYTES}
        mul  s2, s2, t3
        li   s3, ${area(0)}
        add  s2, s2, s3
        li   s3, 0x2000
        add  s3, s3, s2
        slli s4, t3, 3
        li   s5, ${ORIGIN + BUFFERS + SEEN}
        add  s4, s4, s5
        li   s5, ${ORIGIN + BUFFERS + DONE}
1:      lhu  s6, 2(s3)
        ld   s7, 0(s4)
        beq  s6, s7, 3f
        andi s6, s7, 7
        slli s6, s6, 3
        add  s6, s6, s3
        lwu  s8, 4(s6)
        lwu  s9, 8(s6)
        addi s7, s7, 1
        sd   s7, 0(s4)
        # 31 times what was, and the chain, its length, and the first of its data
        ld   s6, ${DIGEST - DONE}(s5)
        slli s7, s6, 5
        sub  s6, s7, s6
        slli s8, s8, 20
        add  s6, s6, s8
        add  s6, s6, s9
        li   s7, ${ORIGIN + BUFFERS}
        ld   s8, ${READ}(s7)
        add  s6, s6, s8
        ld   s8, ${RANDOM_BYTES}(s7)
        add  s6, s6, s8
        lwu  s8, ${RECEIVED}(s7)
        add  s6, s6, s8
        sd   s6, ${DIGEST - DONE}(s5)
        li   s6, ${RECEIVE_AREA}
        beq  t3, s6, 2f
        ld   s6, 0(s5)
        addi s6, s6, 1
        sd   s6, 0(s5)
        j    1b
2:      ld   s6, ${RECEIVED_BYTES - DONE}(s5)
        add  s6, s6, s9
        sd   s6, ${RECEIVED_BYTES - DONE}(s5)
        li   s6, ${area(RECEIVE_AREA) + 0x1000}
        lhu  s7, 2(s6)
        andi s8, s7, 7
        slli s8, s8, 1
        add  s8, s8, s6
        sh   zero, 4(s8)
        addi s7, s7, 1
        sh   s7, 2(s6)
        li   s6, ${CONSOLE}
        sw   zero, 0x50(s6)
        j    1b
3:      jr   t6
`;

/** What is outside of the machine: a drive's content, how many random bytes were given, and everything that was done, in order. */
export interface Outside {
  readonly drive: Uint8Array;
  random: number;
  readonly log: string[];
}

/** A drive on which nothing was done yet. */
export function newOutside(): Outside {
  const drive = Uint8Array.from({ length: SECTORS * SECTOR_BYTES }, (_, at) => (at * 7 + (at >> 9)) % 251);
  return { drive, random: 0, log: [] };
}

/** As it is now, for somebody else to go on with. */
export function copyOf({ drive, random, log }: Outside): Outside {
  return { drive: drive.slice(), random, log: [...log] };
}

/** The program's machine, and what is outside of it. */
export class VirtioGuest {
  readonly machine: Machine;
  readonly outside: Outside;
  readonly #platform: VirtPlatform;

  private constructor(machine: Machine, platform: VirtPlatform, outside: Outside) {
    this.machine = machine;
    this.#platform = platform;
    this.outside = outside;
  }

  /** With empty RAM, to be restored. */
  static async empty(outside: Outside, engine: NonNullable<MachineOptions['engine']>): Promise<VirtioGuest> {
    const { drive, log } = outside;
    const platform = new VirtPlatform({
      transmit: () => undefined,
      console: (bytes) => void log.push(`sent ${Buffer.from(bytes).toString()}`),
      random: (into) => {
        log.push(`random ${into.length}`);
        for (let at = 0; at < into.length; at++) into[at] = outside.random++;
      },
      drives: [
        {
          bytes: drive.length,
          readOnly: false,
          read: (offset, into) => {
            log.push(`read ${offset / SECTOR_BYTES}`);
            into.set(drive.subarray(offset, offset + into.length));
          },
          write: (offset, from) => {
            log.push(`write ${offset / SECTOR_BYTES}`);
            drive.set(from, offset);
          },
          flush: () => void log.push('flush'),
        },
      ],
    });
    const machine = await Machine.create({ ramBytes: RAM_BYTES, engine, devices: platform.devices });
    return new VirtioGuest(machine, platform, outside);
  }

  /** With its program, at its beginning. */
  static async of(outside: Outside, engine: NonNullable<MachineOptions['engine']>): Promise<VirtioGuest> {
    const guest = await VirtioGuest.empty(outside, engine);
    const { machine } = guest;
    machine.ram.writable(0).set(assemble(SOURCE, { origin: ORIGIN }).bytes);
    const ram = machine.ram.writable(0, machine.ram.frameCount);
    const view = new DataView(ram.buffer, ram.byteOffset, ram.length);
    DESCRIPTORS.forEach((list, index) =>
      list.forEach(([buffer, bytes, flags], number) => {
        const at = area(index) - ORIGIN + 16 * number;
        view.setBigUint64(at, BigInt(ORIGIN + BUFFERS + buffer), true);
        view.setUint32(at + 8, bytes, true);
        view.setUint16(at + 12, flags, true);
        view.setUint16(at + 14, number + 1, true);
      }),
    );
    setWordPair(machine.harts[0], HART_PC, BigInt(ORIGIN));
    return guest;
  }

  /** Somebody types; the console has room for it. */
  type(): void {
    const taken = this.#platform.console?.receive(Buffer.from(TYPED));
    if (taken !== TYPED.length) throw new Error('the console has no room');
  }

  /** Queues in which the driver has put something that is not served, and those with something served that it has not seen. */
  inFlight(): { readonly queued: readonly number[]; readonly unread: readonly number[] } {
    const { ram } = this.machine;
    const bytes = ram.readable(0, ram.frameCount);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const indices = QUEUES.map((_, index) => {
      const at = area(index) - ORIGIN;
      const [offered, used] = [view.getUint16(at + 0x1002, true), view.getUint16(at + 0x2002, true)];
      return { offered, used, seen: view.getUint16(BUFFERS + SEEN + 8 * index, true) };
    });
    const where = (found: boolean, index: number): readonly number[] => (found ? [index] : []);
    return {
      queued: indices.flatMap(({ offered, used }, index) => where(offered !== used, index)),
      unread: indices.flatMap(({ used, seen }, index) => where(used !== seen, index)),
    };
  }

  /** Everything that can be told of the machine and of what is outside. */
  look(): ReadonlyMap<string, unknown> {
    const { drive, random, log } = this.outside;
    return new Map<string, unknown>([
      ...visibleState(this.machine.save(), this.machine.ram.frameCount),
      ['drive', Buffer.from(drive).toString('hex')],
      ['random', random],
      ['log', log],
    ]);
  }
}
