/**
 * An image that makes accesses, one after the other, each with a mode of translation, a page-table entry and physical memory
 * protection of its own, and records what came of it: the exception, what was loaded, and the entry afterwards.
 */
import { assemble, RAM_BASE } from '../../src/index.js';

import type { Random } from './random.js';

/** `fetch` goes there by mret; what is there is an ecall. `zero` is cbo.zero. */
export const ACCESSES = ['load', 'store', 'amo', 'fetch', 'lr', 'zero'] as const;
export type AccessName = (typeof ACCESSES)[number];

/** Modes of satp. */
const BARE = { name: 'Bare', mode: 0n, levels: 0 } as const;
const TRANSLATIONS = [
  BARE,
  { name: 'Sv39', mode: 8n, levels: 3 },
  { name: 'Sv48', mode: 9n, levels: 4 },
  { name: 'Sv57', mode: 10n, levels: 5 },
] as const;

export interface ProtectedAccess {
  /** For the tally. */
  readonly labels: readonly string[];
  readonly kind: AccessName;
  /** Address, mstatus, kind, place and value of the entry, satp, menvcfg, pmpcfg0 and pmpaddr0 to pmpaddr3. */
  readonly words: readonly bigint[];
}

export interface ProtectedOutcome {
  /** -1 when there was no exception. */
  readonly cause: bigint;
  readonly tval: bigint;
  readonly loaded: bigint;
  readonly entryAfter: bigint;
}

const WORDS = 12;
const OUTCOME_BYTES = 32;

/** Tables of each level, from the lowest up. Sv39 begins at the third, Sv57 at the last. */
const TABLES = [0, 1, 2, 3, 4].map((level) => RAM_BASE + 0x10_0000 + 0x1000 * level);
const DATA = RAM_BASE + 0x20_0000;
const ACCESS_RECORDS = RAM_BASE + 0x40_0000;
const NOWHERE = 0x4_0000;
const ECALLS = 0x0000_0073_0000_0073n;

const pointer = (address: number): bigint => (BigInt(address / 4096) << 10n) | 1n;

/** Slot of the entry under test in each level's table, the address it is for, and where it leads. */
const SLOTS = [
  { slot: 5, vaddr: 0x4000_5000n, target: DATA, offset: 0 },
  { slot: 7, vaddr: 0x40e0_3000n, target: DATA, offset: 0x3000 },
  { slot: 3, vaddr: 0xc020_3000n, target: RAM_BASE, offset: 0x20_3000 },
  { slot: 3, vaddr: (3n << 39n) | 0x8020_3000n, target: 0, offset: DATA + 0x3000 },
  { slot: 3, vaddr: (3n << 48n) | 0x8020_3000n, target: 0, offset: DATA + 0x3000 },
] as const;

const MPRV = 1n << 17n;
const SUM = 1n << 18n;
const MXR = 1n << 19n;
const PBMTE = 1n << 62n;
const ADUE = 1n << 61n;
const GOOD = 0xcfn;
const USER = 0x10n;
const NAPOT = 1n << 63n;
const EVERYTHING = 0x1fn;
const OFF = 0;
const TOR = 1;
const NA4 = 2;

/** An access of a generator. */
export function makeProtectedAccess(random: Random): ProtectedAccess {
  const labels: string[] = [];
  const kind = random.pick(ACCESSES);
  const privilege = random.pick([0, 0, 1, 1, 1, 3]);
  const translation = privilege === 3 ? BARE : random.pick(TRANSLATIONS);
  labels.push(translation.name, `${kind} in ${'US?M'[privilege]}`);
  const level = translation.levels === 0 ? 0 : random.below(translation.levels);
  const { slot, vaddr: page, target, offset } = SLOTS[level];
  const entryAddress = TABLES[level] + 8 * slot;
  let place = 8 * random.below(512);
  if ((kind === 'load' || kind === 'store') && random.chance(20))
    place = Math.min(place + random.below(8), 4088);
  const { entry, napot } = makeEntry(random, privilege, target, level, labels);
  const paddr = (napot ? DATA + 0x5000 : target + offset) + place;
  let vaddr = translation.levels === 0 ? BigInt(paddr) : page + BigInt(place);
  // A bit above those that the entry under test covers.
  const covered = Math.max(30, 12 + 9 * level);
  if (translation.levels !== 0 && random.chance(5))
    vaddr ^= 1n << BigInt(covered + random.below(64 - covered));
  const extra =
    (random.chance(50) ? SUM : 0n) | (random.chance(30) ? MXR : 0n) | (kind === 'fetch' ? 0n : MPRV);
  const menvcfg = (random.chance(60) ? ADUE : 0n) | (random.chance(50) ? PBMTE : 0n);
  labels.push(menvcfg & ADUE ? 'Svadu' : 'Svade');
  const protection = makeProtection(random, kind !== 'zero' && place % 8 === 0, paddr, entryAddress, labels);
  // Without any entry, QEMU lets mret itself fail.
  if (kind === 'fetch') protection[0] |= EVERYTHING << 32n;
  return {
    labels,
    kind,
    words: [
      vaddr,
      (BigInt(privilege) << 11n) | extra,
      BigInt(ACCESSES.indexOf(kind)),
      BigInt(entryAddress),
      entry,
      translation.levels === 0
        ? 0n
        : (translation.mode << 60n) | BigInt(TABLES[translation.levels - 1] / 4096),
      menvcfg,
      ...protection,
    ],
  };
}

function makeEntry(
  random: Random,
  privilege: number,
  target: number,
  level: number,
  labels: string[],
): { readonly entry: bigint; readonly napot: boolean } {
  const kind = random.below(100);
  let flags = GOOD | (privilege === 0 || random.chance(20) ? USER : 0n);
  if (kind < 25) flags ^= 1n << BigInt(random.below(8));
  else if (kind < 45) flags = BigInt(random.below(256));
  let entry = (BigInt(target / 4096) << 10n) | flags;
  let napot = false;
  if (random.chance(10)) entry |= 1n << BigInt(random.pick([8, 9, 54, 57, 60]));
  if (random.chance(15)) {
    // The fourth is reserved, which QEMU does not know.
    entry |= BigInt(random.below(3)) << 61n;
    labels.push('Svpbmt');
  }
  if (random.chance(20)) {
    entry |= NAPOT | (BigInt(random.pick([8, 8, 8, 0, 4, 12, 9])) << 10n);
    napot = level === 0;
    labels.push('Svnapot');
  } else if (level > 0 && random.chance(5)) {
    // A superpage whose address is not a multiple of its size.
    entry |= 1n << BigInt(10 + random.below(9 * level));
  } else if (level === 0 && random.chance(5)) {
    entry = (BigInt(NOWHERE / 4096) << 10n) | flags;
  }
  if (level > 0 && random.chance(5))
    entry = pointer(TABLES[0]) | (random.chance(50) ? 0n : 1n << BigInt(54 + random.below(10)));
  return { entry, napot };
}

/**
 * pmpcfg0 and pmpaddr0 to pmpaddr3: most often nothing but an entry for everything; otherwise ranges around what is accessed
 * and around the page-table entry. Those have W where they have R: whether an entry may be read is checked by both
 * machines, whether it may be written only by this one. Of a cache block, QEMU checks the first byte,
 * and it takes misaligned accesses apart where entries divide them, so there are none for those.
 */
function makeProtection(
  random: Random,
  ranges: boolean,
  paddr: number,
  entryAddress: number,
  labels: string[],
): bigint[] {
  let configuration = random.chance(90) ? EVERYTHING << 32n : 0n;
  const addresses = [0n, 0n, 0n, 0n];
  if (ranges && random.chance(60)) {
    labels.push('PMP');
    for (let index = 0; index < 4; index++) {
      const matching = random.pick([OFF, TOR, NA4, 3, 3]);
      const near = random.chance(25) ? entryAddress : paddr;
      const where = BigInt(Math.floor(near / 4) + random.below(9) - 4);
      const both = near === entryAddress || matching === TOR;
      const permissions = both ? random.pick([0, 3, 4, 7, 7]) : random.pick([0, 1, 3, 4, 5, 7, 7]);
      configuration |= BigInt(permissions | (matching << 3)) << BigInt(8 * index);
      // A range of 8 bytes to 32 KiB has as many ones below.
      const ones = random.below(13);
      addresses[index] =
        matching === 3 ? (where & ~((1n << BigInt(ones + 1)) - 1n)) | ((1n << BigInt(ones)) - 1n) : where;
      labels.push(['PMP off', 'PMP TOR', 'PMP NA4', 'PMP NAPOT'][matching]);
    }
  }
  return [configuration, ...addresses];
}

const SOURCE = `
  la t0, handler
  csrw mtvec, t0
  csrw medeleg, zero
  li t0, -1
  csrw pmpaddr4, t0
  li s0, ACCESSES
  li s1, OUTCOMES
  li s2, COUNT
  li s3, ECALLS
next:
  ld s4, 24(s0)
  ld t0, 32(s0)
  sd t0, 0(s4)
  ld t0, 40(s0)
  csrw satp, t0
  ld t0, 48(s0)
  csrw menvcfg, t0
  csrw pmpcfg0, zero
  ld t0, 64(s0)
  csrw pmpaddr0, t0
  ld t0, 72(s0)
  csrw pmpaddr1, t0
  ld t0, 80(s0)
  csrw pmpaddr2, t0
  ld t0, 88(s0)
  csrw pmpaddr3, t0
  ld t0, 56(s0)
  csrw pmpcfg0, t0
  sfence.vma
  li s5, -1
  li s6, 0
  li s7, 0
  ld a0, 0(s0)
  ld a1, 16(s0)
  ld a2, 8(s0)
  csrw mepc, a0
  slli a1, a1, 3
  la t0, table
  add t0, t0, a1
  la s8, after
  csrw mstatus, a2
  jr t0
  .balign 8
  .option norvc
table:
  ld s7, 0(a0)
  j after
  sd s3, 0(a0)
  j after
  amoor.d s7, zero, (a0)
  j after
  mret
  j after
  lr.d s7, (a0)
  j after
  cbo.zero (a0)
  j after
  .option rvc
  .balign 4
handler:
  csrr s5, mcause
  csrr s6, mtval
after:
  csrw mstatus, zero
  # An access that matches part of an entry fails in machine mode too.
  csrw pmpcfg0, zero
  ld t0, 0(s4)
  sd s5, 0(s1)
  sd s6, 8(s1)
  sd s7, 16(s1)
  sd t0, 24(s1)
  addi s0, s0, ${8 * WORDS}
  addi s1, s1, ${OUTCOME_BYTES}
  addi s2, s2, -1
  bnez s2, next
  csrw pmpcfg0, zero
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
1: j 1b`;

export interface ProtectedImage {
  readonly image: Uint8Array;
  readonly ramBytes: number;
  outcomes(ram: Uint8Array): ProtectedOutcome[];
}

/** The image that makes these accesses. */
export function makeProtectedImage(accesses: readonly ProtectedAccess[]): ProtectedImage {
  const outcomesAt = ACCESS_RECORDS + accesses.length * 8 * WORDS;
  const end = outcomesAt + accesses.length * OUTCOME_BYTES;
  const image = new Uint8Array(outcomesAt - RAM_BASE);
  const view = new DataView(image.buffer);
  const write = (address: number, value: bigint): void => view.setBigUint64(address - RAM_BASE, value, true);
  const symbols = { ACCESSES: ACCESS_RECORDS, OUTCOMES: outcomesAt, COUNT: accesses.length, ECALLS };
  image.set(assemble(SOURCE, { origin: RAM_BASE, symbols }).bytes);
  // From the highest table to the lowest: slot 1 of Sv39's leads to the next, as its addresses have it, others' slot 0.
  for (const [level, slot] of [
    [4, 0],
    [3, 0],
    [2, 1],
    [1, 0],
  ] as const) {
    // prettier-ignore
    write(TABLES[level] + 8 * slot, pointer(TABLES[level - 1]));
  }
  // Addresses of the gigabyte page and above lie in other slots.
  for (let at = DATA; at < ACCESS_RECORDS; at += 8) write(at, ECALLS);
  accesses.forEach(({ words }, index) =>
    words.forEach((value, i) => write(ACCESS_RECORDS + 8 * (index * WORDS + i), value)),
  );
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
