/** A machine full of noise, and what of its own memory a guest must never change. */
import { expect } from 'vitest';
import { assemble, INSTRUCTIONS, Machine, RAM_BASE, VirtPlatform } from '../../src/index.js';
import type { Hart, MachineOptions } from '../../src/index.js';
import { DEFAULT_ENGINE } from '../../src/engine.js';
import { writeRegister } from '../../src/debug/index.js';
import { HART_PC, HART_PRIVILEGE, HART_X } from '../../src/hart/state.js';
import { HART_BANKS, layOutMemory } from '../../src/memory-layout.js';
import { BANK_BYTES, BANK_COUNT, BANK_LAST_USE, TLB_LOADS, TLB_STORES, TLB_STORE_TO_CODE, TLB_TARGETS } from '../../src/mmu/tlb.js'; // prettier-ignore
import type { Random } from '../qemu/random.js';
import { setWordPair } from '../run-program.js';

/** RAM does not end with a page of WebAssembly's memory, so that something lies behind it. */
const RAM_BYTES = 2 ** 20 + 4096;
const FRAMES = RAM_BYTES / 4096;
/** Pages of code. Where every line is translated before it runs, new code is slow, and what is there has to be run often. */
const CODE_FRAMES = DEFAULT_ENGINE === 'auto' ? 128 : 6;
/** How many in a hundred addresses are of code. */
const CODE_CHANGES = DEFAULT_ENGINE === 'auto' ? 70 : 1;
const CANARY = 0xa5;
/** Of the devices of the platform, and where nothing is. */
const DEVICES = [0x10_0000, 0x10_1000, 0x200_0000, 0x200_4000, 0x200_bff8, 0xc00_0000, 0xc20_0000, 0x1000_0000, 0x1000_1000, 0x1000_2000, 0x4000_0000]; // prettier-ignore
const NO_TAG = 0xffff_ffff;

/** Offsets in the code: a power of two of bytes that is no more than there is. */
const CODE_MASK = 2 ** Math.floor(Math.log2((CODE_FRAMES - 1) * 4096)) - 2;

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
  li t1, ${CODE_MASK}
  and t0, t0, t1
  li t1, 0x80001000
  add t0, t0, t1
  csrw mepc, t0
  li t0, 0x1800
  csrs mstatus, t0
  mret`;

const ADDRESSES = ['mtvec', 'stvec', 'mepc', 'sepc'];
const REGISTERS = ['medeleg', 'mideleg', 'mie', 'mip', 'menvcfg', 'senvcfg', 'mcounteren', 'scounteren', 'mcountinhibit', 'stimecmp', 'mscratch', 'sscratch']; // prettier-ignore

/** An address of code. */
const codeAddress = (random: Random): number => RAM_BASE + (random.below(CODE_FRAMES * 4096) & ~1);

/** An address of RAM, with stores to which code changes only now and then. */
const ramAddress = (random: Random): number =>
  random.chance(CODE_CHANGES) ? codeAddress(random) : RAM_BASE + (random.below(RAM_BYTES) & ~1);

function value(random: Random): bigint {
  const kind = random.below(10);
  if (kind < 5) return BigInt(ramAddress(random));
  if (kind < 7) return BigInt(random.pick(DEVICES) + 4 * random.below(64));
  return kind < 8 ? BigInt(random.below(4096)) : random.value();
}

/** A machine full of noise: code, and page tables that lead to RAM, to devices and to nowhere. */
export class NoisyMachine {
  private constructor(
    readonly machine: Machine,
    readonly random: Random,
  ) {}

  /** @param options mode, harts, and how A and D are kept; devices are those of a whole system. */
  static async of(random: Random, options: MachineOptions): Promise<NoisyMachine> {
    const nothing = (): void => undefined;
    const drive = { bytes: 4096 * 8, readOnly: false, read: nothing, write: nothing, flush: nothing };
    const platform = new VirtPlatform({
      transmit: () => undefined,
      drives: [drive],
      random: (into) => into.fill(random.below(256)),
      epoch: 0n,
    });
    const machine = await Machine.create({
      ...options,
      ramBytes: RAM_BYTES,
      devices: options.mode === 'hosted' ? [] : platform.devices,
    });
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
    for (let at = 4096; at + 4 <= CODE_FRAMES * 4096;) {
      const spec = random.pick(INSTRUCTIONS);
      const encoding = random.chance(3) ? random.bits() : (spec.match | (random.bits() & ~spec.mask)) >>> 0;
      if (spec.length === 2) words.setUint16(at, encoding & 0xffff, true);
      else words.setUint32(at, encoding, true);
      at += spec.length;
    }
    for (let at = CODE_FRAMES * 4096; at < view.length; at += 8) {
      const frame = random.chance(90) ? 0x8_0000 + random.below(FRAMES) : random.below(0x8_0000);
      const flags = random.chance(50) ? random.pick([1, 0xcf, 0xdf, 0xcb]) : random.below(256);
      words.setUint32(at, ((frame << 10) | flags) >>> 0, true);
      words.setUint32(at + 4, (frame >>> 22) | (random.chance(3) ? random.bits() : 0), true);
    }
  }

  /** Number of a page that a table of noise may be in. */
  tablePpn(): number {
    return RAM_BASE / 4096 + CODE_FRAMES + this.random.below(FRAMES - CODE_FRAMES);
  }

  /** New general registers for a hart, and a new pc. */
  shakeRegisters(hart: Hart): void {
    const { random } = this;
    for (let x = 1; x < 32; x++) setWordPair(hart, HART_X + 2 * x, value(random));
    setWordPair(hart, HART_PC, random.chance(80) ? BigInt(codeAddress(random)) : value(random) & ~1n);
  }

  /** New registers for a hart, of all kinds. */
  shake(hart: Hart): void {
    const { random } = this;
    this.shakeRegisters(hart);
    const write = (name: string, written: bigint): void => void writeRegister(hart, name, written);
    for (const name of ADDRESSES) write(name, BigInt(codeAddress(random) & ~3) | BigInt(random.below(2)));
    if (random.chance(80)) write('mtvec', BigInt(RAM_BASE));
    for (const name of REGISTERS) write(name, random.value());
    for (let entry = 0; entry < 16; entry++) write(`pmpaddr${entry}`, BigInt(ramAddress(random)) / 4n);
    // Locked entries would stay for good.
    const open = random.chance(70);
    write('pmpcfg0', open ? 0x1fn : random.value() & 0x7f7f_7f7f_7f7f_7f7fn);
    write('pmpcfg2', random.value() & 0x7f7f_7f7f_7f7f_7f7fn);
    if (open) write('pmpaddr0', -1n);
    write('satp', (random.pick([0n, 8n, 9n, 10n]) << 60n) | BigInt(this.tablePpn()));
    hart.state[HART_PRIVILEGE] = random.pick([0, 1, 3]);
    write('mstatus', random.value() | 0x6000n);
  }

  /** Bytes of the memory that belong to nothing: before RAM, and behind it. */
  get gaps(): readonly (readonly [number, number])[] {
    const { memory, ram } = this.machine;
    const layout = layOutMemory(RAM_BYTES, this.machine.harts.length, FRAMES);
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
    for (const base of layOutMemory(RAM_BYTES, this.machine.harts.length, FRAMES).harts) {
      for (let bank = 0; bank < BANK_COUNT; bank++) {
        const lastUse = (base + HART_BANKS + bank * BANK_BYTES + BANK_LAST_USE) / 4;
        if (words[lastUse] === 0 && words[lastUse + 1] === 0) continue;
        for (const cache of [TLB_LOADS, TLB_STORES]) {
          const at = (base + HART_BANKS + bank * BANK_BYTES + cache) / 4;
          const mark = cache === TLB_STORES ? TLB_STORE_TO_CODE : 0;
          for (let entry = at; entry < at + TLB_TARGETS / 4; entry += 2) {
            if (words[entry] === NO_TAG && words[entry + 1] === NO_TAG) continue;
            const page = words[entry] - (words[entry] & mark);
            if (page % 4096 !== 0) found.push(`the tag ${words[entry]} of the TLB is of no page`);
            const host = (page + words[entry + TLB_TARGETS / 4]) >>> 0;
            if (host < ramStart || host + 4096 > ramStart + RAM_BYTES)
              found.push(`an entry of the TLB leads to ${host}`);
          }
        }
      }
    }
    return found;
  }
}
