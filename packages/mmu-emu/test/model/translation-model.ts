/**
 * Accesses to memory, from a virtual address to what comes of them, written from the manual for tests alone: every step on
 * bigints, nothing cached.
 *
 * What the manual leaves open is as docs/SUPPORT.md says: W without R is dropped, an access across two pages is two
 * accesses, both of which are looked at before either is made, and memory is only read and written where RAM is.
 *
 * @see The RISC-V Instruction Set Manual, Volume II, "Virtual Address Translation Process", "Supervisor Page-Based
 * Virtual-Memory Systems"
 */
import { PMP_R, PMP_W, PMP_X } from './pmp-model.js';
import type { PmpModel } from './pmp-model.js';

export type AccessKind = 'load' | 'store' | 'amo' | 'lr' | 'fetch' | 'zero';

/** What decides about an access, besides memory. */
export interface AccessState {
  /** 0 user, 1 supervisor, 3 machine: of the instruction. */
  readonly privilege: number;
  readonly satp: bigint;
  readonly mprv: boolean;
  readonly mpp: number;
  readonly sum: boolean;
  readonly mxr: boolean;
  readonly adue: boolean;
  readonly pbmte: boolean;
  readonly pmp: PmpModel;
}

/** RAM. */
export interface ModelMemory {
  readonly base: bigint;
  readonly bytes: Uint8Array;
}

export interface Fault {
  readonly cause: number;
  readonly tval: bigint;
}

/** Where the bytes of an access are: one part, or two. */
export interface Place {
  readonly parts: readonly { readonly paddr: bigint; readonly bytes: number }[];
}

class Faulted extends Error {
  constructor(readonly what: 'page' | 'access' | 'misaligned') {
    super(what);
  }
}

const CAUSES = {
  load: { page: 13, access: 5, misaligned: 4 },
  store: { page: 15, access: 7, misaligned: 6 },
  fetch: { page: 12, access: 1, misaligned: 0 },
} as const;

/** Number of levels by satp.MODE; none translates nothing. */
const LEVELS: Readonly<Record<number, number>> = { 0: 0, 8: 3, 9: 4, 10: 5 };
const bit = (value: bigint, number: number): boolean => ((value >> BigInt(number)) & 1n) === 1n;
const field = (value: bigint, high: number, low: number): bigint =>
  (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);

/** Reads and writes RAM, whatever protects it. */
export function readBytes({ base, bytes }: ModelMemory, paddr: bigint, count: number): bigint {
  let value = 0n;
  for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[Number(paddr - base) + i]);
  return value;
}

export function writeBytes({ base, bytes }: ModelMemory, paddr: bigint, count: number, value: bigint): void {
  for (let i = 0; i < count; i++) bytes[Number(paddr - base) + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}

const inRam = ({ base, bytes }: ModelMemory, paddr: bigint, count: bigint): boolean =>
  paddr >= base && paddr + count <= base + BigInt(bytes.length);

/** Translates one address as the privilege sees it; the bits A and D are set where the machine does that. */
function translate(
  state: AccessState,
  memory: ModelMemory,
  va: bigint,
  operation: keyof typeof CAUSES,
  privilege: number,
): bigint {
  const levels = privilege === 3 ? 0 : LEVELS[Number(field(state.satp, 63, 60))];
  if (levels === 0) {
    if (va >> 56n !== 0n) throw new Faulted('access');
    return va;
  }
  const width = 12 + 9 * levels;
  if (BigInt.asUintN(64, BigInt.asIntN(width, va)) !== va) throw new Faulted('page');
  let table = field(state.satp, 43, 0) << 12n;
  for (let level = levels - 1; level >= 0; level--) {
    const low = 12 + 9 * level;
    const at = table + 8n * field(va, low + 8, low);
    if (!inRam(memory, at, 8n) || !state.pmp.allows(at, 8n, PMP_R, false)) throw new Faulted('access');
    const pte = readBytes(memory, at, 8);
    const [v, r, w, x, u] = [0, 1, 2, 3, 4].map((number) => bit(pte, number));
    const [a, d] = [bit(pte, 6), bit(pte, 7)];
    const pbmt = field(pte, 62, 61);
    const n = bit(pte, 63);
    if (!v || (!r && w) || field(pte, 60, 54) !== 0n) throw new Faulted('page');
    const ppn = field(pte, 53, 10);
    if (!r && !x) {
      // D, A and U of a pointer are reserved, and so are its N and PBMT.
      if (a || d || u || n || pbmt !== 0n) throw new Faulted('page');
      table = ppn << 12n;
      continue;
    }
    if (pbmt === 3n || (pbmt !== 0n && !state.pbmte)) throw new Faulted('page');
    if (n && (level !== 0 || field(ppn, 3, 0) !== 8n)) throw new Faulted('page');
    const permitted = { load: r || (x && state.mxr), store: w, fetch: x }[operation];
    if (!permitted) throw new Faulted('page');
    if (privilege === 0 ? !u : u && (operation === 'fetch' || !state.sum)) throw new Faulted('page');
    if (level > 0 && field(ppn, 9 * level - 1, 0) !== 0n) throw new Faulted('page');
    if (!a || (operation === 'store' && !d)) {
      if (!state.adue) throw new Faulted('page');
      if (!state.pmp.allows(at, 8n, PMP_R | PMP_W, false)) throw new Faulted('access');
      writeBytes(memory, at, 8, pte | (1n << 6n) | (operation === 'store' ? 1n << 7n : 0n));
    }
    const offsetBits = n ? 16 : low;
    return (((ppn << 12n) >> BigInt(offsetBits)) << BigInt(offsetBits)) | field(va, offsetBits - 1, 0);
  }
  throw new Faulted('page');
}

/**
 * Where an access of `bytes` bytes goes, or how it faults. Bits A and D of entries are set in `memory`.
 *
 * `amo`, `lr` and `fetch` are aligned or fault; `zero` is about the 64 bytes around the address, byte by byte.
 */
export function access(
  state: AccessState,
  memory: ModelMemory,
  va: bigint,
  kind: AccessKind,
  bytes: number,
): Place | Fault {
  const operation = kind === 'fetch' ? 'fetch' : kind === 'load' || kind === 'lr' ? 'load' : 'store';
  const privilege = kind !== 'fetch' && state.mprv ? state.mpp : state.privilege;
  const need = { load: PMP_R, store: PMP_W, fetch: PMP_X }[operation];
  const isAtomic = kind === 'amo' || kind === 'lr';
  if (isAtomic && va % BigInt(bytes) !== 0n) return { cause: CAUSES[operation].misaligned, tval: va };
  const first = kind === 'zero' ? va & ~63n : va;
  const inPage = Math.min(bytes, 4096 - Number(first & 4095n));
  const ranges = [{ va: first, bytes: inPage }];
  if (inPage < bytes) ranges.push({ va: BigInt.asUintN(64, first + BigInt(inPage)), bytes: bytes - inPage });
  const parts: { va: bigint; paddr: bigint; bytes: number }[] = [];
  const faultOf = (what: Faulted['what'], at: bigint): Fault => ({
    cause: CAUSES[operation][what],
    tval: kind === 'zero' ? va : at,
  });
  for (const range of ranges) {
    try {
      const paddr = translate(state, memory, range.va, operation, privilege);
      const pieces = kind === 'zero' ? range.bytes : 1;
      const size = BigInt(range.bytes / pieces);
      for (let piece = 0n; piece < pieces; piece++) {
        if (!state.pmp.allows(paddr + piece * size, size, need, privilege === 3)) throw new Faulted('access');
      }
      parts.push({ ...range, paddr });
    } catch (error) {
      if (!(error instanceof Faulted)) throw error;
      return faultOf(error.what, range.va);
    }
  }
  const outside = parts.find(({ paddr, bytes: count }) => !inRam(memory, paddr, BigInt(count)));
  return outside === undefined ? { parts } : faultOf('access', outside.va);
}
