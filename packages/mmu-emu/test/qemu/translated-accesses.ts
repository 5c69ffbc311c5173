/**
 * An image that makes accesses through Sv39 page tables, one after the other, each with one page-table entry of its own,
 * and records what came of it: the exception, what was loaded, and the entry afterwards.
 */
import { assemble, RAM_BASE } from '../../src/index.js';

/** `amo` is amoor.d with 0; `fetch` ends in the exception of an ecall when it succeeds. */
export const ACCESS_KINDS = ['load', 'store', 'amo', 'fetch'] as const;
export type AccessKind = (typeof ACCESS_KINDS)[number];

export interface TranslatedAccess {
  readonly name: string;
  readonly vaddr: bigint;
  readonly kind: AccessKind;
  /** Mode, SUM and MXR as bits of mstatus. */
  readonly mstatus: bigint;
  /** Where the entry is written before the access, and what. */
  readonly entryAddress: number;
  readonly entry: bigint;
}

export interface AccessOutcome {
  /** -1 when there was no exception. */
  readonly cause: bigint;
  readonly tval: bigint;
  readonly loaded: bigint;
  readonly entryAfter: bigint;
}

const MPRV = 1n << 17n;
const SUM = 1n << 18n;
const MXR = 1n << 19n;
const SUPERVISOR = 1n << 11n;
const USER = 0n;

/** Everything about mstatus that translation looks at. */
export const MODES: readonly (readonly [name: string, mstatus: bigint])[] = [
  ['U', USER],
  ['U with MXR', USER | MXR],
  ['S', SUPERVISOR],
  ['S with SUM', SUPERVISOR | SUM],
  ['S with MXR', SUPERVISOR | MXR],
  ['S with SUM and MXR', SUPERVISOR | SUM | MXR],
];

const ROOT = RAM_BASE + 0x10_0000;
const MIDDLE = ROOT + 0x1000;
const LEAVES = ROOT + 0x2000;
/** 2 MiB of data, so that a superpage of it is all in RAM, and a gigabyte page begins with it. */
const DATA = RAM_BASE + 0x20_0000;
const ACCESSES = RAM_BASE + 0x40_0000;
const RECORD_BYTES = 40;
const OUTCOME_BYTES = 32;

/** Where nothing is, neither here nor on QEMU's virt board. */
const NOWHERE = 0x4_0000;

/** What data frames are full of: `ecall`, twice in each doubleword. */
const ECALLS = 0x0000_0073_0000_0073n;

const pointer = (address: number): bigint => (BigInt(address / 4096) << 10n) | 1n;
const leaf = (address: number, flags: number): bigint => (BigInt(address / 4096) << 10n) | BigInt(flags);

/** The entry that each level of translation tries, the address it maps, and the address behind it. */
const LEVELS = [
  { level: 0, entryAddress: LEAVES + 8 * 5, vaddr: 0x4000_5010n, target: DATA + 0x3000 },
  { level: 1, entryAddress: MIDDLE + 8 * 7, vaddr: 0x40e0_0010n, target: DATA },
  { level: 2, entryAddress: ROOT + 8 * 3, vaddr: 0xc020_0010n, target: RAM_BASE },
] as const;

const FULL = 0xcf;
const USER_FLAG = 0x10;

/** All accesses of the test. */
export function makeAccesses(): TranslatedAccess[] {
  const accesses: TranslatedAccess[] = [];
  const add = (name: string, vaddr: bigint, entryAddress: number, entry: bigint): void => {
    for (const [mode, mstatus] of MODES) {
      for (const kind of ACCESS_KINDS) {
        accesses.push({ name: `${kind} in ${mode}: ${name}`, vaddr, kind, mstatus, entryAddress, entry });
      }
    }
  };
  for (const { level, entryAddress, vaddr, target } of LEVELS) {
    for (let flags = 0; flags < 256; flags++) {
      add(`level ${level}, flags 0x${flags.toString(16)}`, vaddr, entryAddress, leaf(target, flags));
    }
    for (const user of [0, USER_FLAG]) {
      const good = leaf(target, FULL | user);
      for (const bit of [8, 9, ...Array.from({ length: 10 }, (_, i) => 54 + i)]) {
        add(`level ${level}, bit ${bit}`, vaddr, entryAddress, good | (1n << BigInt(bit)));
      }
      add(
        `level ${level}, nowhere`,
        vaddr,
        entryAddress,
        leaf(level === 0 ? NOWHERE : 0x1_0000_0000_0000, FULL | user),
      );
      if (level > 0)
        add(`level ${level}, misaligned`, vaddr, entryAddress, leaf(target + 0x1000, FULL | user));
      if (level > 1)
        add(`level ${level}, misaligned`, vaddr, entryAddress, leaf(target + 0x20_0000, FULL | user));
    }
    if (level > 0) {
      add(`level ${level}, a table nowhere`, vaddr, entryAddress, pointer(NOWHERE));
      for (const flag of [0x10, 0x40, 0x80, 0xd0]) {
        add(
          `level ${level}, a pointer with flags 0x${flag.toString(16)}`,
          vaddr,
          entryAddress,
          pointer(LEAVES) | BigInt(flag),
        );
      }
    }
  }
  const { entryAddress, vaddr, target } = LEVELS[0];
  for (const bit of [38, 39, 47, 55, 63]) {
    add(
      `bit ${bit} of the address`,
      vaddr ^ (1n << BigInt(bit)),
      entryAddress,
      leaf(target, FULL | USER_FLAG),
    );
  }
  add('the upper half', BigInt.asUintN(64, vaddr - 2n ** 38n), entryAddress, leaf(target, FULL | USER_FLAG));
  // Accesses of 8 bytes that begin in the page before, which is mapped for everybody, and end in this one; and others
  // that begin in this one and end in the next, which is not mapped.
  const page = vaddr & ~0xfffn;
  for (const flags of [0, 0x4f, 0x5f, 0xcf, 0xdf, 0xd3, 0xd7, 0xd9, 0x13, 0x17, 0x57]) {
    for (const distance of [1n, 4n, 7n]) {
      add(
        `into a page with flags 0x${flags.toString(16)}`,
        page - distance,
        entryAddress,
        leaf(target, flags),
      );
      add(
        `out of a page with flags 0x${flags.toString(16)}`,
        page + 0x1000n - distance,
        entryAddress,
        leaf(target, flags),
      );
    }
  }
  // Atomic operations and instructions are not split, and have other rules where they are misaligned.
  return accesses.filter(({ vaddr: at, kind }) => at % 8n === 0n || kind === 'load' || kind === 'store');
}

const SOURCE = `
  la t0, 1f                 # no physical memory protection: skip
  csrw mtvec, t0
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 0x1f
  csrw pmpcfg0, t0
  .balign 4
1:
  la t0, handler
  csrw mtvec, t0
  csrw medeleg, zero
  li t0, 1 << 61            # ADUE and nothing else
  csrw menvcfg, t0
  li t0, 8 << 60 | ROOT >> 12
  csrw satp, t0
  li s0, ACCESSES
  li s1, OUTCOMES
  li s2, COUNT
  li s3, ECALLS
next:
  ld s4, 24(s0)
  ld t0, 32(s0)
  sd t0, 0(s4)
  sfence.vma
  li s5, -1
  li s6, 0
  li s7, 0
  ld a0, 0(s0)
  ld a1, 16(s0)
  ld a2, 8(s0)
  csrw mepc, a0
  li t0, 1
  li t1, 2
  li t2, 3
  la s8, after
  csrw mstatus, a2
  beqz a1, load
  beq a1, t0, store
  beq a1, t1, amo
  mret
load:
  ld s7, 0(a0)
  j after
store:
  sd s3, 0(a0)
  j after
amo:
  amoor.d s7, zero, (a0)
  j after
  .balign 4
handler:
  csrr s5, mcause
  csrr s6, mtval
after:
  csrw mstatus, zero
  ld t0, 0(s4)
  sd s5, 0(s1)
  sd s6, 8(s1)
  sd s7, 16(s1)
  sd t0, 24(s1)
  addi s0, s0, ${RECORD_BYTES}
  addi s1, s1, ${OUTCOME_BYTES}
  addi s2, s2, -1
  bnez s2, next
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
1: j 1b`;

export interface AccessImage {
  readonly image: Uint8Array;
  readonly ramBytes: number;
  /** What the accesses came to, from RAM at the end. */
  outcomes(ram: Uint8Array): AccessOutcome[];
}

/** The image that makes these accesses. */
export function makeAccessImage(accesses: readonly TranslatedAccess[]): AccessImage {
  const outcomesAt = ACCESSES + accesses.length * RECORD_BYTES;
  const end = outcomesAt + accesses.length * OUTCOME_BYTES;
  const image = new Uint8Array(outcomesAt - RAM_BASE);
  const view = new DataView(image.buffer);
  const write = (address: number, value: bigint): void => view.setBigUint64(address - RAM_BASE, value, true);
  const symbols = { ROOT, ACCESSES, OUTCOMES: outcomesAt, COUNT: accesses.length, ECALLS };
  image.set(assemble(SOURCE, { origin: RAM_BASE, symbols }).bytes);
  write(ROOT + 8, pointer(MIDDLE));
  write(MIDDLE, pointer(LEAVES));
  write(LEAVES + 8 * 4, leaf(DATA + 0x2000, FULL | USER_FLAG));
  for (let at = DATA; at < ACCESSES; at += 8) write(at, ECALLS);
  accesses.forEach(({ vaddr, kind, mstatus, entryAddress, entry }, index) => {
    const at = ACCESSES + index * RECORD_BYTES;
    write(at, vaddr);
    // A fetch is made by mret, which goes to the mode in MPP; the others are made in machine mode on its behalf.
    write(at + 8, kind === 'fetch' ? mstatus : mstatus | MPRV);
    write(at + 16, BigInt(ACCESS_KINDS.indexOf(kind)));
    write(at + 24, BigInt(entryAddress));
    write(at + 32, entry);
  });
  return {
    image,
    ramBytes: Math.ceil((end - RAM_BASE) / 2 ** 20) * 2 ** 20,
    outcomes(ram) {
      const result = new DataView(ram.buffer, ram.byteOffset, ram.byteLength);
      return accesses.map((_, index) => {
        const at = outcomesAt - RAM_BASE + index * OUTCOME_BYTES;
        return {
          cause: result.getBigInt64(at, true),
          tval: result.getBigUint64(at + 8, true),
          loaded: result.getBigUint64(at + 16, true),
          entryAfter: result.getBigUint64(at + 24, true),
        };
      });
    },
  };
}
