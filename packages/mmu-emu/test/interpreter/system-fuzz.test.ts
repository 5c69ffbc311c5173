import { describe, expect, test } from 'vitest';
import {
  assemble,
  EXIT_BUDGET,
  EXIT_STOP,
  EXIT_WFI,
  INSTRUCTIONS,
  Machine,
  RAM_BASE,
  VirtPlatform,
} from '../../src/index.js';
import type { Hart } from '../../src/index.js';
import { DEFAULT_ENGINE } from '../../src/engine.js';
import { writeRegister } from '../../src/debug/index.js';
import { HART_PC, HART_PRIVILEGE, HART_X } from '../../src/hart/state.js';
import { HART_BANKS, layOutMemory } from '../../src/memory-layout.js';
import {
  BANK_BYTES,
  BANK_COUNT,
  BANK_LAST_USE,
  TLB_LOADS,
  TLB_STORES,
  TLB_TARGETS,
} from '../../src/mmu/tlb.js';
import type { Random } from '../qemu/random.js';
import { batches, seededRandom } from '../qemu/scale.js';
import { setWordPair } from '../run-program.js';

/** RAM does not end with a page of WebAssembly's memory, so that something lies behind it. */
const RAM_BYTES = 2 ** 20 + 4096;
const FRAMES = RAM_BYTES / 4096;
const HARTS = 2;
const CANARY = 0xa5;
/** Where every line is translated before it runs, noise is slow. */
const [BATCHES, ROUNDS] = DEFAULT_ENGINE === 'auto' ? [3, 400] : [1, 30];
const BUDGET = 12_000;
/** Of the devices of the platform, and where nothing is. */
const DEVICES = [0x10_0000, 0x10_1000, 0x200_0000, 0x200_4000, 0x200_bff8, 0xc00_0000, 0xc20_0000, 0x1000_0000, 0x1000_1000, 0x1000_2000, 0x4000_0000]; // prettier-ignore
const NO_TAG = 0xffff_ffff;

/** At the beginning of RAM: goes on behind what trapped, or somewhere else in machine mode where there is nothing to run. */
const HANDLER = `
  csrr t0, mcause
  bltz t0, interrupt
  li t1, 12
  beq t0, t1, elsewhere
  li t1, 1
  beq t0, t1, elsewhere
  csrr t0, mepc
  addi t0, t0, 2
  csrw mepc, t0
  mret
interrupt:
  csrw mie, zero
  mret
elsewhere:
  csrr t0, mcycle
  slli t0, t0, 5
  li t1, 0x3fffe
  and t0, t0, t1
  li t1, 0x80001000
  add t0, t0, t1
  csrw mepc, t0
  li t0, 0x1800
  csrs mstatus, t0
  mret`;

const ADDRESSES = ['mtvec', 'stvec', 'mepc', 'sepc'];
const REGISTERS = ['medeleg', 'mideleg', 'mie', 'mip', 'menvcfg', 'senvcfg', 'mcounteren', 'scounteren', 'mcountinhibit', 'stimecmp', 'mscratch', 'sscratch']; // prettier-ignore

/** An address of RAM, most often in its first quarter, where the code is. */
const ramAddress = (random: Random): number =>
  0x8000_0000 + (random.below(random.chance(70) ? RAM_BYTES / 4 : RAM_BYTES) & ~1);

function value(random: Random): bigint {
  const kind = random.below(10);
  if (kind < 5) return BigInt(ramAddress(random));
  if (kind < 7) return BigInt(random.pick(DEVICES) + 4 * random.below(64));
  return kind < 8 ? BigInt(random.below(4096)) : random.value();
}

/** A machine full of noise: code, and page tables that lead to RAM, to devices and to nowhere. */
class NoisyMachine {
  private constructor(
    readonly machine: Machine,
    readonly random: Random,
  ) {}

  static async of(random: Random): Promise<NoisyMachine> {
    const nothing = (): void => undefined;
    const drive = { bytes: 4096 * 8, readOnly: false, read: nothing, write: nothing, flush: nothing };
    const platform = new VirtPlatform({
      transmit: () => undefined,
      drives: [drive],
      random: (into) => into.fill(random.below(256)),
      epoch: 0n,
    });
    const machine = await Machine.create({ ramBytes: RAM_BYTES, harts: HARTS, devices: platform.devices });
    const made = new NoisyMachine(machine, random);
    made.#fill();
    for (const [first, end] of made.gaps)
      new Uint8Array(machine.memory.buffer, first, end - first).fill(CANARY);
    return made;
  }

  #fill(): void {
    const { random, machine } = this;
    const view = machine.ram.writable(0, FRAMES);
    const words = new DataView(view.buffer, view.byteOffset, view.length);
    view.set(assemble(HANDLER).bytes);
    for (let at = 4096; at + 4 <= view.length / 2;) {
      const spec = random.pick(INSTRUCTIONS);
      const encoding = random.chance(3) ? random.bits() : (spec.match | (random.bits() & ~spec.mask)) >>> 0;
      if (spec.length === 2) words.setUint16(at, encoding & 0xffff, true);
      else words.setUint32(at, encoding, true);
      at += spec.length;
    }
    for (let at = Math.ceil(view.length / 8192) * 4096; at < view.length; at += 8) {
      const frame = random.chance(90) ? 0x8_0000 + random.below(FRAMES) : random.below(0x8_0000);
      const flags = random.chance(50) ? random.pick([1, 0xcf, 0xdf, 0xcb]) : random.below(256);
      words.setUint32(at, ((frame << 10) | flags) >>> 0, true);
      words.setUint32(at + 4, (frame >>> 22) | (random.chance(3) ? random.bits() : 0), true);
    }
  }

  /** New registers for a hart, of all kinds. */
  shake(hart: Hart): void {
    const { random } = this;
    for (let x = 1; x < 32; x++) setWordPair(hart, HART_X + 2 * x, value(random));
    const write = (name: string, written: bigint): void => void writeRegister(hart, name, written);
    for (const name of ADDRESSES) write(name, BigInt(ramAddress(random) & ~3) | BigInt(random.below(2)));
    if (random.chance(80)) write('mtvec', BigInt(RAM_BASE));
    for (const name of REGISTERS) write(name, random.value());
    for (let entry = 0; entry < 16; entry++) write(`pmpaddr${entry}`, BigInt(ramAddress(random)) / 4n);
    // Locked entries would stay for good.
    const open = random.chance(70);
    write('pmpcfg0', open ? 0x1fn : random.value() & 0x7f7f_7f7f_7f7f_7f7fn);
    write('pmpcfg2', random.value() & 0x7f7f_7f7f_7f7f_7f7fn);
    if (open) write('pmpaddr0', -1n);
    const root = BigInt(0x8_0000 + (FRAMES >> 1) + random.below(FRAMES >> 1));
    write('satp', (random.pick([0n, 8n, 9n, 10n]) << 60n) | root);
    hart.state[HART_PRIVILEGE] = random.pick([0, 1, 3]);
    write('mstatus', random.value() | 0x6000n);
    const pc = random.chance(80) ? BigInt(ramAddress(random)) : value(random) & ~1n;
    setWordPair(hart, HART_PC, pc);
  }

  /** Bytes of the memory that belong to nothing: before RAM, and behind it. */
  get gaps(): readonly (readonly [number, number])[] {
    const { memory, ram } = this.machine;
    const layout = layOutMemory(RAM_BYTES, HARTS, FRAMES);
    const start = ram.readable(0).byteOffset;
    expect(layout.ram).toBe(start);
    const last = layout.ram - 64;
    return [[last, start], [start + RAM_BYTES, memory.buffer.byteLength]]; // prettier-ignore
  }

  /** What of the machine's own memory is not as it has to be. */
  damage(): string[] {
    const { memory, ram } = this.machine;
    const found: string[] = [];
    for (const [first, end] of this.gaps) {
      const gap = new Uint8Array(memory.buffer, first, end - first);
      if (gap.some((byte) => byte !== CANARY)) found.push(`bytes from ${first} on were written`);
    }
    const words = new Uint32Array(memory.buffer);
    const ramStart = ram.readable(0).byteOffset;
    for (const base of layOutMemory(RAM_BYTES, HARTS, FRAMES).harts) {
      for (let bank = 0; bank < BANK_COUNT; bank++) {
        const lastUse = (base + HART_BANKS + bank * BANK_BYTES + BANK_LAST_USE) / 4;
        if (words[lastUse] === 0 && words[lastUse + 1] === 0) continue;
        for (const cache of [TLB_LOADS, TLB_STORES]) {
          const at = (base + HART_BANKS + bank * BANK_BYTES + cache) / 4;
          for (let entry = at; entry < at + TLB_TARGETS / 4; entry += 2) {
            if (words[entry] === NO_TAG && words[entry + 1] === NO_TAG) continue;
            const host = (words[entry] + words[entry + TLB_TARGETS / 4]) >>> 0;
            if (host < ramStart || host + 4096 > ramStart + RAM_BYTES)
              found.push(`an entry of the TLB leads to ${host}`);
          }
        }
      }
    }
    return found;
  }
}

describe('memory of noise, with translation, protection and devices', () => {
  test.for(batches(BATCHES))('never makes the machine throw, overrun or leave RAM (%i)', async (batch) => {
    const random = seededRandom(batch);
    let made = await NoisyMachine.of(random);
    let retired = 0;
    const reasons = new Map<number, number>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const hart of made.machine.harts) made.shake(hart);
      const budget = 1 + random.below(BUDGET);
      const reason = made.machine.run(budget);
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      expect([EXIT_BUDGET, EXIT_WFI, EXIT_STOP]).toContain(reason);
      expect(made.machine.retired).toBeLessThanOrEqual(budget);
      if (reason === EXIT_BUDGET) expect(made.machine.retired).toBe(budget);
      expect(made.machine.harts.map(({ state }) => state[HART_X] | state[HART_X + 1])).toEqual([0, 0]);
      retired += made.machine.retired;
      if (round % 20 === 0) expect(made.damage()).toEqual([]);
      if (reason === EXIT_STOP || random.chance(2)) made = await NoisyMachine.of(random);
    }
    expect(made.damage()).toEqual([]);
    expect(reasons.get(EXIT_BUDGET)).toBeGreaterThan(ROUNDS / 4);
    expect(retired).toBeGreaterThan((ROUNDS * BUDGET) / 10);
  });
});
