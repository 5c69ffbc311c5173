/**
 * Random accesses of one machine whose modes, page tables and address spaces change in between, with the fence that each change
 * needs and none besides. So most accesses are answered by what the TLB has, and each has to end as if it had nothing.
 */
import { assemble, INTEGER_REGISTERS, Machine, PTE_X, RAM_BASE } from '../../src/index.js';
import type { Hart } from '../../src/index.js';
import { writeRegister } from '../../src/debug/index.js';
import { HART_PC, HART_PRIVILEGE, HART_X } from '../../src/hart/state.js';
import { PmpModel } from '../model/pmp-model.js';
import { access, readBytes, writeBytes } from '../model/translation-model.js';
import type { AccessKind, AccessState, ModelMemory } from '../model/translation-model.js';
import type { Random } from '../qemu/random.js';
import { setWordPair, wordPair } from '../run-program.js';

const RAM_BYTES = 2 ** 20;
const BASE = BigInt(RAM_BASE);
const frame = (number: number): bigint => BASE + BigInt(number * 4096);

/** Frames. */
const STUBS = 1;
const TABLES = 16;
const DATA = 64;
const DATA_FRAMES = 6;
/** Of them, the first that may be run: to one with code, no store is quick. */
const FIRST_RUN = 4;

/** Slots of the leaf tables: code for the supervisor, for users, and data. The middle tables have a superpage in slot 1. */
const SUPERVISOR_CODE = 3;
const USER_CODE = 4;
const FIRST_DATA = 8;
const DATA_SLOTS = 4;
const SUPERPAGE = DATA_SLOTS;

/** Address spaces, with two identifiers between three. */
const ASIDS = [0x0102n, 0xfe02n, 0xfe02n];

const FLAGS = [
  0xc7, 0xd7, 0xc7, 0xd7, 0xc3, 0xd3, 0xcb, 0xdb, 0xcf, 0xdf, 0xcf, 0xdf, 0xc9, 0xd9, 0x47, 0x57, 0x17, 0,
];
const ECALL = 0x73n;
const SENTINEL = 0x5a5an;
const STUB_BYTES = 16;

const INSTRUCTIONS: readonly { readonly kind: AccessKind; readonly bytes: number; readonly text: string }[] =
  [
    { kind: 'load', bytes: 8, text: 'ld s0, 0(a0)' },
    { kind: 'load', bytes: 4, text: 'lwu s0, 0(a0)' },
    { kind: 'load', bytes: 1, text: 'lbu s0, 0(a0)' },
    { kind: 'store', bytes: 8, text: 'sd a1, 0(a0)' },
    { kind: 'store', bytes: 4, text: 'sw a1, 0(a0)' },
    { kind: 'store', bytes: 1, text: 'sb a1, 0(a0)' },
    { kind: 'amo', bytes: 8, text: 'amoswap.d s0, a1, (a0)' },
    { kind: 'fetch', bytes: 4, text: 'ecall' },
  ];

const FETCH = INSTRUCTIONS.findIndex(({ kind }) => kind === 'fetch');

/** By name; a0 is an address of the page, a1 the identifier. */
const FENCES = {
  'sfence.vma page': 'sfence.vma a0, zero',
  'sfence.vma page, asid': 'sfence.vma a0, a1',
  'sfence.vma asid': 'sfence.vma zero, a1',
  'sfence.vma': 'sfence.vma',
  'sinval.vma page, asid': 'sfence.w.inval\nsinval.vma a0, a1\nsfence.inval.ir',
} as const;
const FENCE_NAMES = Object.keys(FENCES) as readonly (keyof typeof FENCES)[];

/** a2 is mstatus, a3 where the access is; s1 and s2 are cause and trap value afterwards. */
const SOURCE = `
  .option norvc
  start: csrw mstatus, a2
         csrw mepc, a3
         mret
  same:  csrw mstatus, a2
         jr a3
  space: csrw satp, a2
         j done
  ${Object.values(FENCES)
    .map((text, index) => `fence${index}: ${text}\nj done`)
    .join('\n')}
  .balign 4
  handler:
         csrr s1, mcause
         csrr s2, mtval
  done:  j done`;
const STUB_SOURCE = `.option norvc\n${INSTRUCTIONS.map(({ text }) => `.balign ${STUB_BYTES}\n${text}\necall`).join('\n')}`;

const MPRV = 1n << 17n;
const SUM = 1n << 18n;
const MXR = 1n << 19n;

interface Mode {
  /** Of the instruction. */
  readonly privilege: number;
  readonly mpp: number;
  readonly mprv: boolean;
  readonly sum: boolean;
  readonly mxr: boolean;
}

export class CachedTranslations {
  /** What was done and what came of it, by name. */
  readonly counts = new Map<string, number>();
  readonly machine: Machine;
  readonly #hart: Hart;
  readonly #random: Random;
  readonly #symbols: ReadonlyMap<string, number>;
  readonly #pmp = new PmpModel();
  readonly #memory: ModelMemory = { base: BASE, bytes: new Uint8Array(RAM_BYTES) };
  readonly #log: string[] = [];
  #space = 0;
  #mode: Mode = { privilege: 1, mpp: 1, mprv: false, sum: false, mxr: false };

  private constructor(machine: Machine, random: Random) {
    this.machine = machine;
    this.#hart = machine.harts[0];
    this.#random = random;
    const { bytes, symbols } = assemble(SOURCE, { origin: RAM_BASE });
    this.#symbols = symbols;
    this.#memory.bytes.set(bytes);
    this.#memory.bytes.set(assemble(STUB_SOURCE).bytes, STUBS * 4096);
    for (let at = 0n; at < BigInt(DATA_FRAMES * 4096); at += 8n)
      writeBytes(this.#memory, frame(DATA) + at, 8, (at << 32n) | ECALL);
    for (let space = 0; space < ASIDS.length; space++) {
      const [root, middle, leaf] = [0, 1, 2].map((level) => frame(TABLES + 3 * space + level));
      this.#writeEntry(root, 0, (middle >> 2n) | 1n);
      this.#writeEntry(middle, 0, (leaf >> 2n) | 1n);
      this.#writeEntry(leaf, SUPERVISOR_CODE, (frame(STUBS) >> 2n) | 0x4bn);
      this.#writeEntry(leaf, USER_CODE, (frame(STUBS) >> 2n) | 0x5bn);
      for (let slot = 0; slot < DATA_SLOTS; slot++) this.#writeEntry(...this.#entry(space, slot));
    }
    machine.ram.writable(0, RAM_BYTES / 4096).set(this.#memory.bytes);
    writeRegister(this.#hart, 'mtvec', BigInt(this.#symbols.get('handler') as number));
    writeRegister(this.#hart, 'pmpaddr0', 2n ** 54n - 1n);
    writeRegister(this.#hart, 'pmpcfg0', 0x1fn);
    this.#pmp.writeAddress(0, 2n ** 54n - 1n);
    this.#pmp.writeConfiguration(0, 0x1fn);
    this.#hart.state[HART_PRIVILEGE] = 3;
    writeRegister(this.#hart, 'satp', this.#satp);
  }

  static async of(random: Random): Promise<CachedTranslations> {
    return new CachedTranslations(await Machine.create({ ramBytes: RAM_BYTES }), random);
  }

  /** One change or access; an account of all so far when it does not end as the model says. */
  step(): string | undefined {
    const random = this.#random;
    const what = random.below(10);
    if (what === 0) this.#changeEntry();
    else if (what === 1) this.#changeSpace();
    else {
      if (what < 5) this.#changeMode();
      return this.#access();
    }
    return undefined;
  }

  /** Whether all of memory is as the model has it. */
  get sameMemory(): boolean {
    return Buffer.compare(this.machine.ram.readable(0, RAM_BYTES / 4096), this.#memory.bytes) === 0;
  }

  get #satp(): bigint {
    return (8n << 60n) | (ASIDS[this.#space] << 44n) | (frame(TABLES + 3 * this.#space) >> 12n);
  }

  #writeEntry(table: bigint, index: number, value: bigint): void {
    writeBytes(this.#memory, table + BigInt(8 * index), 8, value);
  }

  /** A new entry for a slot of data: the table, the index and the value. */
  #entry(space: number, slot: number): [bigint, number, bigint] {
    const random = this.#random;
    const flags = random.pick(FLAGS);
    if (slot === SUPERPAGE) return [frame(TABLES + 3 * space + 1), 1, (BASE >> 2n) | BigInt(flags)];
    const number =
      (flags & PTE_X) === 0 ? random.below(DATA_FRAMES) : FIRST_RUN + random.below(DATA_FRAMES - FIRST_RUN);
    return [frame(TABLES + 3 * space + 2), FIRST_DATA + slot, (frame(DATA + number) >> 2n) | BigInt(flags)];
  }

  #changeEntry(): void {
    const random = this.#random;
    const space = random.below(ASIDS.length);
    const slot = random.below(DATA_SLOTS + 1);
    const [table, index, value] = this.#entry(space, slot);
    this.#writeEntry(table, index, value);
    const lo = Number(value & 0xffff_ffffn);
    this.machine.ram.writePte(Number((table - BASE) >> 12n), index, lo, Number(value >> 32n));
    const fence = random.below(FENCE_NAMES.length);
    this.#log.push(`space ${space}, slot ${slot}: ${value.toString(16)}, ${FENCE_NAMES[fence]}`);
    this.#count(FENCE_NAMES[fence]);
    this.#run(`fence${fence}`, { a0: this.#address(slot, false), a1: ASIDS[space] });
  }

  #changeSpace(): void {
    this.#space = this.#random.below(ASIDS.length);
    this.#log.push(`space ${this.#space}`);
    this.#run('space', { a2: this.#satp });
  }

  #changeMode(): void {
    const random = this.#random;
    const mprv = random.chance(25);
    const mpp = random.below(2);
    this.#mode = { privilege: mprv ? 3 : mpp, mpp, mprv, sum: random.chance(50), mxr: random.chance(30) };
  }

  /** An address of the first half of a page. */
  #address(slot: number, isFetch: boolean): bigint {
    const random = this.#random;
    const offset = BigInt(8 * random.below(256));
    if (slot !== SUPERPAGE) return BigInt((FIRST_DATA + slot) * 4096) + offset;
    const first = isFetch ? FIRST_RUN : 0;
    return 0x20_0000n + BigInt((DATA + first + random.below(DATA_FRAMES - first)) * 4096) + offset;
  }

  #access(): string | undefined {
    const random = this.#random;
    const mode = this.#mode;
    let index = random.chance(25) ? FETCH : random.below(INSTRUCTIONS.length);
    // Fetches are not made on behalf of another mode.
    if (index === FETCH && mode.mprv) index = 0;
    const { kind, bytes, text } = INSTRUCTIONS[index];
    // The words where code may be stay what they are.
    const address =
      this.#address(random.below(DATA_SLOTS + 1), kind === 'fetch') +
      (kind === 'store' && bytes < 8 ? 4n : 0n);
    const state: AccessState = { ...mode, satp: this.#satp, adue: false, pbmte: false, pmp: this.#pmp };
    const expected = access(state, this.#memory, address, kind, bytes);
    const value = (BigInt(random.bits()) << 32n) | ECALL;
    this.#log.push(`${text} at ${address.toString(16)}, ${JSON.stringify(mode)}`);

    let wanted = `cause ${8 + mode.privilege} tval 0 s0 ${SENTINEL}`;
    if ('cause' in expected) wanted = `cause ${expected.cause} tval ${expected.tval} s0 ${SENTINEL}`;
    else if (kind !== 'fetch') {
      const [{ paddr }] = expected.parts;
      const loaded = kind === 'store' ? SENTINEL : readBytes(this.#memory, paddr, bytes);
      wanted = `cause ${8 + mode.privilege} tval 0 s0 ${loaded}`;
      if (kind !== 'load') writeBytes(this.#memory, paddr, bytes, value);
    }
    const stub = BigInt(index * STUB_BYTES);
    const page = mode.mprv
      ? frame(STUBS)
      : BigInt((mode.privilege === 0 ? USER_CODE : SUPERVISOR_CODE) * 4096);
    const mstatus =
      (BigInt(mode.mpp) << 11n) | (mode.mprv ? MPRV : 0n) | (mode.sum ? SUM : 0n) | (mode.mxr ? MXR : 0n);
    this.#run(mode.mprv ? 'same' : 'start', {
      a0: address,
      a1: value,
      a2: mstatus,
      a3: kind === 'fetch' ? address : page + stub,
      s0: SENTINEL,
    });
    const got = `cause ${this.#x('s1')} tval ${this.#x('s2')} s0 ${this.#x('s0')}`;
    this.#count(`${kind} ${'cause' in expected ? `cause ${expected.cause}` : 'done'}`);
    return got === wanted
      ? undefined
      : [...this.#log.slice(-60), `model: ${wanted}`, `machine: ${got}`].join('\n');
  }

  /** Runs machine mode's code from a label to its end. */
  #run(label: string, registers: Readonly<Record<string, bigint>>): void {
    const hart = this.#hart;
    for (const [name, value] of Object.entries(registers)) setWordPair(hart, this.#word(name), value);
    setWordPair(hart, HART_PC, BigInt(this.#symbols.get(label) as number));
    hart.run(16);
    if (wordPair(hart, HART_PC) !== BigInt(this.#symbols.get('done') as number))
      throw new Error(`${label} did not end`);
  }

  #x(name: string): bigint {
    return wordPair(this.#hart, this.#word(name));
  }

  #word(name: string): number {
    return HART_X + 2 * INTEGER_REGISTERS.indexOf(name);
  }

  #count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}
