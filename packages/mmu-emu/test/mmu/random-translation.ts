/**
 * Random page tables, protection and accesses, made both on a machine and on the models of test/model.
 *
 * RAM has two frames of code (one for machine mode, one that page tables map for the others), frames that page tables are
 * made of, and frames of data, whose words tell where they are and begin like an `ecall`.
 */
import { assemble, Machine, RAM_BASE } from '../../src/index.js';
import type { Hart } from '../../src/index.js';
import { readRegister, writeRegister } from '../../src/debug/index.js';
import { HART_MCAUSE, HART_PC, HART_PRIVILEGE, HART_X } from '../../src/hart/state.js';
import { PMP_X, PmpModel } from '../model/pmp-model.js';
import { access, readBytes, writeBytes } from '../model/translation-model.js';
import type { AccessKind, AccessState, Fault, ModelMemory, Place } from '../model/translation-model.js';
import type { Random } from '../qemu/random.js';
import { setWordPair, wordPair } from '../run-program.js';

const RAM_BYTES = 2 ** 20;
const BASE = BigInt(RAM_BASE);
const HANDLER = BASE + 2048n;
/** Frames, from the beginning of RAM. */
const USER_CODE = 1;
const TABLES = 16;
const TABLES_A_LEVEL = 3;
const DATA = 64;
const DATA_FRAMES = 32;
const LEVELS = 5;

/** Slots of every table that hold something; the paths to code are in slots of their own. */
const SLOTS = [0n, 1n, 2n, 255n, 256n, 511n];
const CODE_SLOT = 3n;
const USER_CODE_SLOT = 4n;
const ECALL = 0x73n;
const SENTINEL = 0x5a5an;
const NO_CAUSE = 0x3f;

const INSTRUCTIONS: readonly { readonly kind: AccessKind; readonly bytes: number; readonly text: string }[] =
  [
    { kind: 'load', bytes: 1, text: 'lbu s0, 0(a0)' },
    { kind: 'load', bytes: 2, text: 'lhu s0, 0(a0)' },
    { kind: 'load', bytes: 4, text: 'lwu s0, 0(a0)' },
    { kind: 'load', bytes: 8, text: 'ld s0, 0(a0)' },
    { kind: 'store', bytes: 1, text: 'sb a1, 0(a0)' },
    { kind: 'store', bytes: 2, text: 'sh a1, 0(a0)' },
    { kind: 'store', bytes: 4, text: 'sw a1, 0(a0)' },
    { kind: 'store', bytes: 8, text: 'sd a1, 0(a0)' },
    { kind: 'amo', bytes: 4, text: 'amoswap.w s0, a1, (a0)' },
    { kind: 'amo', bytes: 8, text: 'amoswap.d s0, a1, (a0)' },
    { kind: 'lr', bytes: 4, text: 'lr.w s0, (a0)' },
    { kind: 'lr', bytes: 8, text: 'lr.d s0, (a0)' },
    { kind: 'zero', bytes: 64, text: 'cbo.zero (a0)' },
    { kind: 'fetch', bytes: 4, text: 'ecall' },
  ];
const FETCH = INSTRUCTIONS.findIndex(({ kind }) => kind === 'fetch');
const STUB_BYTES = 16;

const MPRV = 1n << 17n;
const SUM = 1n << 18n;
const MXR = 1n << 19n;
const ADUE = 1n << 61n;
const PBMTE = 1n << 62n;
/** CBIE, CBCFE and CBZE: cache-block operations are for everybody. */
const CACHE_BLOCKS = 0xf0n;

const SOURCE = `
  .option norvc
  ${INSTRUCTIONS.map(({ text }) => `.balign ${STUB_BYTES}\nj 1f\n1: ${text}\n2: j 2b`).join('\n')}
  .org 2048
  handler: j handler`;

interface Mode {
  readonly privilege: number;
  readonly mstatus: bigint;
}

export class RandomTranslation {
  /** What came of accesses, by name. */
  readonly counts = new Map<string, number>();
  readonly #random: Random;
  readonly #machine: Machine;
  readonly #hart: Hart;
  readonly #pmp = new PmpModel();
  readonly #memory: ModelMemory;
  #satp = 0n;
  #menvcfg = 0n;
  #levels = 0;
  #log: string[] = [];

  private constructor(random: Random, machine: Machine) {
    this.#random = random;
    this.#machine = machine;
    this.#hart = machine.harts[0];
    this.#memory = { base: BASE, bytes: new Uint8Array(RAM_BYTES) };
    const code = assemble(SOURCE, { origin: RAM_BASE }).bytes;
    this.#memory.bytes.set(code);
    this.#memory.bytes.set(code, USER_CODE * 4096);
    for (let at = DATA * 4096; at < (DATA + DATA_FRAMES) * 4096; at += 8) {
      writeBytes(this.#memory, BASE + BigInt(at), 8, (BigInt(at) << 32n) | ECALL);
    }
    writeRegister(this.#hart, 'mtvec', HANDLER);
  }

  static async of(random: Random): Promise<RandomTranslation> {
    return new RandomTranslation(random, await Machine.create({ ramBytes: RAM_BYTES }));
  }

  /** New values of the registers of protection. False when machine mode cannot run its own code any more. */
  protect(): boolean {
    const random = this.#random;
    const isOpen = random.chance(40);
    for (let entry = 0; entry < 16; entry++) {
      const frame = random.chance(50)
        ? TABLES + random.below(LEVELS * TABLES_A_LEVEL)
        : DATA + random.below(4);
      const place = random.chance(50) ? random.below(16) - 8 : random.below(1024);
      let address = (BASE + BigInt(frame * 4096)) / 4n + BigInt(place);
      const ones = BigInt(random.below(13));
      if (random.chance(60)) address = (address & ~((2n << ones) - 1n)) | ((1n << ones) - 1n);
      if (entry === 15) address = -1n;
      this.#write(`pmpaddr${entry}`, address);
      this.#pmp.writeAddress(entry, BigInt.asUintN(64, address));
    }
    for (const [first, name] of [[0, 'pmpcfg0'], [8, 'pmpcfg2']] as const) {
      let value = 0n;
      for (let i = 0; i < 8; i++) {
        const byte = isOpen || random.chance(50) ? 0 : random.below(32) | (random.chance(10) ? 0x80 : 0) | (random.chance(10) ? 0x60 : 0);
        value |= BigInt(first + i === 15 ? (random.chance(95) ? 0x1f : byte) : byte) << BigInt(8 * i);
      }
      this.#write(name, value);
      this.#pmp.writeConfiguration(first, value);
    } // prettier-ignore
    return [BASE, HANDLER].every((address) => this.#pmp.allows(address, 256n, PMP_X, true));
  }

  /** How the machine's registers of protection differ from the model's; empty when they do not. */
  protectionDifferences(): string[] {
    const expected = new Map(this.#pmp.address.map((value, entry) => [`pmpaddr${entry}`, value]));
    [0, 8].forEach((first) => {
      const bytes = this.#pmp.configuration.slice(first, first + 8);
      expected.set(first === 0 ? 'pmpcfg0' : 'pmpcfg2', bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)); // prettier-ignore
    });
    return [...expected].flatMap(([name, value]) => {
      const got = readRegister(this.#hart, name)!;
      return got === value ? [] : [`${name} is 0x${got.toString(16)}, not 0x${value.toString(16)}`];
    });
  }

  /** New page tables, of a translation of its own. */
  map(): void {
    const random = this.#random;
    for (let level = 0; level < LEVELS; level++) {
      for (let table = 0; table < TABLES_A_LEVEL; table++) {
        const at = this.#table(level, table);
        const write = (slot: bigint, entry: bigint): void =>
          writeBytes(this.#memory, at + 8n * slot, 8, BigInt.asUintN(64, entry));
        for (const slot of SLOTS) write(slot, this.#entry(level));
        const code = (BASE / 4096n + BigInt(USER_CODE)) << 10n;
        write(CODE_SLOT, level === 0 ? code | 0x4bn : this.#pointer(level - 1, 0));
        write(USER_CODE_SLOT, level === 0 ? code | 0x5bn : 0n);
      }
    }
    const [mode, levels] = random.pick([[0n, 0], [8n, 3], [8n, 3], [9n, 4], [9n, 4], [10n, 5], [10n, 5]] as const); // prettier-ignore
    const root = levels === 0 ? 0n : this.#table(levels - 1, 0) / 4096n;
    this.#levels = levels;
    this.#satp = (mode << 60n) | (BigInt(random.below(3)) << 44n) | root;
    this.#menvcfg = (random.chance(60) ? ADUE : 0n) | (random.chance(60) ? PBMTE : 0n) | CACHE_BLOCKS;
    this.#write('satp', this.#satp);
    this.#write('menvcfg', this.#menvcfg);
    this.#write('senvcfg', CACHE_BLOCKS);
    this.#machine.ram.writable(0, RAM_BYTES / 4096).set(this.#memory.bytes);
  }

  #table(level: number, table: number): bigint {
    return BASE + BigInt((TABLES + level * TABLES_A_LEVEL + table) * 4096);
  }

  #pointer(level: number, table: number): bigint {
    return ((this.#table(level, table) / 4096n) << 10n) | 1n;
  }

  /** An entry of a table: most often a pointer or a page that can be used. */
  #entry(level: number): bigint {
    const random = this.#random;
    if (random.chance(5)) return (BigInt(random.bits()) << 32n) | BigInt(random.bits());
    const oddity = random.chance(10)
      ? 1n << BigInt(random.pick([4, 6, 7, 8, 9, 54, 57, 60, 61, 62, 63]))
      : 0n;
    if (level > 0 && random.chance(55))
      return this.#pointer(level - 1, random.below(TABLES_A_LEVEL)) | oddity;
    const flags = BigInt(
      random.chance(60) ? random.pick([0xcf, 0xdf, 0xc7, 0xd7, 0xcb, 0xdb]) : random.below(256),
    );
    const frames: Readonly<Record<number, bigint>> = { 1: BASE / 4096n, 2: BASE / 4096n };
    let ppn = level === 0 ? BASE / 4096n + BigInt(DATA + random.below(DATA_FRAMES)) : (frames[level] ?? 0n);
    if (random.chance(8)) ppn ^= 1n << BigInt(random.below(44));
    let entry = (ppn << 10n) | flags;
    if (random.chance(15)) entry |= BigInt(random.below(4)) << 61n;
    if (random.chance(20)) entry |= (1n << 63n) | (random.chance(80) ? 8n << 10n : 0n);
    return (random.chance(70) ? entry : entry & ~(15n << 10n)) | oddity;
  }

  /**
   * Makes a few accesses in one mode, until one faults, and gives an account of the first that does not end as the model
   * says.
   */
  sequence(): string | undefined {
    const random = this.#random;
    const privilege = random.pick([0, 1, 1, 3, 3, 3]);
    const mprv = privilege === 3 && random.chance(80);
    const mstatus =
      (BigInt(random.pick([0, 1, 1])) << 11n) |
      (random.chance(50) ? SUM : 0n) |
      (random.chance(40) ? MXR : 0n) |
      (mprv ? MPRV : 0n);
    this.#log = [];
    this.#hart.state[HART_PRIVILEGE] = privilege;
    this.#write('mstatus', mstatus);
    for (let i = random.below(6); i >= 0; i--) {
      const outcome = this.#access({ privilege, mstatus });
      if (outcome === 'faulted') return undefined;
      if (outcome !== 'done') return [...this.#log, outcome].join('\n');
    }
    return undefined;
  }

  #access({ privilege, mstatus }: Mode): string {
    const random = this.#random;
    const hart = this.#hart;
    const state: AccessState = {
      privilege,
      satp: this.#satp,
      mprv: (mstatus & MPRV) !== 0n,
      mpp: Number((mstatus >> 11n) & 3n),
      sum: (mstatus & SUM) !== 0n,
      mxr: (mstatus & MXR) !== 0n,
      adue: (this.#menvcfg & ADUE) !== 0n,
      pbmte: (this.#menvcfg & PBMTE) !== 0n,
      pmp: this.#pmp,
    };
    const index = random.chance(25) ? FETCH : random.below(INSTRUCTIONS.length);
    const { kind, bytes, text } = INSTRUCTIONS[index];
    const va = this.#address(kind, bytes);
    const stub = this.#stub(privilege) + BigInt(index * STUB_BYTES);
    let expected: Place | Fault | undefined;
    if (kind !== 'fetch') {
      for (let i = 0n; i < 12n && expected === undefined; i += 4n) {
        const fetched = access(state, this.#memory, stub + i, 'fetch', 4);
        if ('cause' in fetched) expected = fetched;
        if (i === 4n) expected ??= access(state, this.#memory, va, kind, bytes);
      }
    } else {
      expected = access(state, this.#memory, va, kind, bytes);
    }
    if (expected === undefined) throw new Error('there is always an outcome');
    if ('parts' in expected && !this.#isHarmless(kind, expected)) {
      // Would change the code that runs, or runs what is no ecall. What the model has set is taken back.
      this.#memory.bytes.set(this.#machine.ram.readable(0, RAM_BYTES / 4096));
      return 'done';
    }
    const value = (BigInt(random.bits()) << 32n) | ECALL;
    this.#log.push(`${text} at 0x${va.toString(16)} in ${'US?M'[privilege]}, mstatus 0x${mstatus.toString(16)}, satp 0x${this.#satp.toString(16)}, menvcfg 0x${this.#menvcfg.toString(16)}`); // prettier-ignore
    setWordPair(hart, HART_X + 2 * 10, va);
    setWordPair(hart, HART_X + 2 * 11, value);
    setWordPair(hart, HART_X + 2 * 8, SENTINEL);
    setWordPair(hart, HART_PC, kind === 'fetch' ? va : stub);
    hart.state[HART_MCAUSE] = NO_CAUSE;
    hart.run(20);
    const got = { cause: hart.state[HART_MCAUSE], tval: readRegister(hart, 'mtval')!, loaded: wordPair(hart, HART_X + 2 * 8) }; // prettier-ignore
    const wanted = this.#outcome(expected, kind, bytes, value, privilege, got.tval);
    const show = (outcome: typeof got): string =>
      `cause ${outcome.cause} tval 0x${outcome.tval.toString(16)} s0 0x${outcome.loaded.toString(16)}`;
    if (show(got) !== show(wanted)) return `the model: ${show(wanted)}\nthe machine: ${show(got)}`;
    const ram = this.#machine.ram.readable(0, RAM_BYTES / 4096);
    if (Buffer.compare(ram, this.#memory.bytes) !== 0) {
      const at = ram.findIndex((byte, i) => byte !== this.#memory.bytes[i]);
      return `memory differs at 0x${(RAM_BASE + at).toString(16)}`;
    }
    this.#count(`${kind} ${'cause' in expected ? `cause ${expected.cause}` : 'done'}`);
    this.#count(['Bare', 'Sv39', 'Sv48', 'Sv57'][Math.max(0, this.#levels - 2)]);
    if ('parts' in expected && expected.parts.length === 2) this.#count('across two pages');
    return got.cause === NO_CAUSE ? 'done' : 'faulted';
  }

  /** What registers are afterwards, and what is done to the model's memory. */
  #outcome(
    expected: Place | Fault,
    kind: AccessKind,
    bytes: number,
    value: bigint,
    privilege: number,
    tval: bigint,
  ): { cause: number; tval: bigint; loaded: bigint } {
    if ('cause' in expected) return { ...expected, loaded: SENTINEL };
    if (kind === 'fetch') return { cause: 8 + privilege, tval: 0n, loaded: SENTINEL };
    let loaded = 0n;
    let shift = 0n;
    for (const { paddr, bytes: count } of expected.parts) {
      loaded |= readBytes(this.#memory, paddr, count) << shift;
      if (kind === 'store' || kind === 'amo') writeBytes(this.#memory, paddr, count, value >> shift);
      if (kind === 'zero') writeBytes(this.#memory, paddr, count, 0n);
      shift += BigInt(8 * count);
    }
    if ((kind === 'amo' || kind === 'lr') && bytes === 4)
      loaded = BigInt.asUintN(64, BigInt.asIntN(32, loaded));
    return { cause: NO_CAUSE, tval, loaded: kind === 'store' || kind === 'zero' ? SENTINEL : loaded };
  }

  #isHarmless(kind: AccessKind, { parts }: Place): boolean {
    if (kind === 'fetch') return readBytes(this.#memory, parts[0].paddr, 4) === ECALL;
    if (kind === 'load' || kind === 'lr') return true;
    return parts.every(({ paddr }) => paddr >= BASE + BigInt(TABLES * 4096));
  }

  /** Where the code of a privilege is. */
  #stub(privilege: number): bigint {
    if (privilege === 3) return BASE;
    if (this.#levels === 0) return BASE + BigInt(USER_CODE * 4096);
    let va = (privilege === 0 ? USER_CODE_SLOT : CODE_SLOT) << 12n;
    for (let level = 1; level < this.#levels; level++) va |= CODE_SLOT << BigInt(12 + 9 * level);
    return va;
  }

  #address(kind: AccessKind, bytes: number): bigint {
    const random = this.#random;
    const aligned = kind === 'fetch' || ((kind === 'amo' || kind === 'lr') && random.chance(90));
    let offset = random.chance(40)
      ? random.pick([0, 4088, 4096 - bytes, 4097 - bytes, 4095, 64])
      : random.below(4096);
    if (aligned) offset &= ~7;
    let va = 0n;
    if (this.#levels === 0 || random.chance(5)) {
      const frame = random.chance(80) ? DATA + random.below(DATA_FRAMES) : random.pick([255, 256, 1000]);
      va = BASE + BigInt(frame * 4096);
    } else {
      for (let level = 0; level < this.#levels; level++) va |= random.pick(SLOTS) << BigInt(12 + 9 * level);
      va = BigInt.asIntN(12 + 9 * this.#levels, va);
    }
    va += BigInt(offset);
    if (random.chance(3)) va ^= 1n << BigInt(30 + random.below(34));
    return BigInt.asUintN(64, va);
  }

  #write(name: string, value: bigint): void {
    if (!writeRegister(this.#hart, name, BigInt.asUintN(64, value))) throw new Error(`no register ${name}`);
  }

  #count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}
