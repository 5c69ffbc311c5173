/** Compares what two machines left in the blocks of random cases. */
import { disassemble, RAM_BASE } from '../../src/index.js';
import {
  BLOCK_BYTES,
  BLOCK_FCSR_RESULT,
  BLOCK_FLOAT_RESULT,
  BLOCK_RESULT,
  BLOCK_TRAP_COUNT,
  BLOCK_TRAPS,
  BLOCK_WINDOW,
  listCase,
  MAX_TRAPS,
  TRAP_BYTES,
  WINDOW_BYTES,
} from './random-image.js';
import type { RandomImage } from './random-image.js';

const CAUSE_LOAD_MISALIGNED = 4;
const CAUSE_LOAD_ACCESS = 5;
const CAUSE_STORE_MISALIGNED = 6;
const CAUSE_STORE_ACCESS = 7;

export interface Comparison {
  /** A readable account of each case that differs. */
  readonly differences: string[];
  /** Traps compared, by cause. */
  readonly traps: Map<number, number>;
}

/** @param reference RAM of the machine that is trusted. */
export function compareCases(made: RandomImage, reference: Uint8Array, ours: Uint8Array): Comparison {
  const comparison: Comparison = { differences: [], traps: new Map() };
  const view = (ram: Uint8Array): DataView => new DataView(ram.buffer, ram.byteOffset, ram.byteLength);
  const [theirs, here] = [view(reference), view(ours)];
  for (let block = 0; block < made.cases.length * made.runs; block++) {
    const at = made.blocks + block * BLOCK_BYTES;
    countTraps(here, at, comparison.traps);
    // Most blocks are the same to the byte.
    const part = (ram: Uint8Array): Uint8Array => ram.subarray(at, at + BLOCK_BYTES);
    if (Buffer.compare(part(reference), part(ours)) === 0) continue;
    const lines = compareBlock(at, theirs, here);
    if (lines.length === 0) continue;
    const [index, run] = [Math.floor(block / made.runs), block % made.runs];
    comparison.differences.push(
      `case ${index}, run ${run}: ${lines.join('; ')}\n${listCase(made, index, run)}`,
    );
  }
  return comparison;
}

const trapCount = (ram: DataView, block: number): number =>
  Math.min(ram.getUint32(block + BLOCK_TRAP_COUNT, true), MAX_TRAPS);

function countTraps(ram: DataView, block: number, traps: Map<number, number>): void {
  for (let trap = trapCount(ram, block); trap > 0; trap--) {
    const cause = ram.getUint32(block + BLOCK_TRAPS + (trap - 1) * TRAP_BYTES, true);
    traps.set(cause, (traps.get(cause) ?? 0) + 1);
  }
}

function compareBlock(block: number, theirs: DataView, ours: DataView): string[] {
  const lines: string[] = [];
  const compare = (what: string, offset: number): void => {
    const [a, b] = [theirs.getBigUint64(block + offset, true), ours.getBigUint64(block + offset, true)];
    if (a !== b) lines.push(`${what}: 0x${a.toString(16)} there, 0x${b.toString(16)} here`);
  };
  for (let register = 1; register < 32; register++) compare(`x${register}`, BLOCK_RESULT + 8 * register);
  for (let register = 0; register < 32; register++)
    compare(`f${register}`, BLOCK_FLOAT_RESULT + 8 * register);
  compare('fcsr', BLOCK_FCSR_RESULT);
  for (let offset = 0; offset < WINDOW_BYTES; offset += 8)
    compare(`window + ${offset}`, BLOCK_WINDOW + offset);
  compare('number of traps', BLOCK_TRAP_COUNT);
  for (let trap = 0; trap < trapCount(ours, block); trap++) {
    const at = block + BLOCK_TRAPS + trap * TRAP_BYTES;
    const read = (ram: DataView) => ({
      cause: Number(ram.getBigUint64(at, true)),
      tval: ram.getBigUint64(at + 8, true),
      epc: ram.getBigUint64(at + 16, true),
    });
    const [a, b] = [read(theirs), read(ours)];
    if (!isSameTrap(a, b, wordAt(theirs, b.epc))) {
      const show = (t: Trap): string =>
        `cause ${t.cause} tval 0x${t.tval.toString(16)} epc 0x${t.epc.toString(16)}`;
      lines.push(`trap ${trap}: ${show(a)} there, ${show(b)} here`);
    }
  }
  return lines;
}

interface Trap {
  readonly cause: number;
  readonly tval: bigint;
  readonly epc: bigint;
}

/** The instruction at an address, 0 when it is outside RAM. */
function wordAt(ram: DataView, address: bigint): number {
  const offset = Number(address) - RAM_BASE;
  return offset >= 0 && offset + 4 <= ram.byteLength ? ram.getUint32(offset, true) : 0;
}

/**
 * Whether two machines trapped alike, `theirs` being QEMU's. Where QEMU and the manual differ, or the manual leaves
 * a choice, the rule is written out here:
 *
 * - an atomic operation (AMO) that is misaligned raises the store/AMO cause ("Machine Cause Register"); QEMU raises that of
 *   loads.
 * - tval of a cache-block operation is the address it was given ("Traps" of its chapter); QEMU gives that of the block.
 * - tval of an access fault is the address of the access here; QEMU splits a misaligned access and gives the first part's.
 */
function isSameTrap(theirs: Trap, ours: Trap, word: number): boolean {
  if (theirs.epc !== ours.epc) return false;
  const isAmo = disassemble(word).text.startsWith('amo');
  const cause = isAmo && theirs.cause === CAUSE_LOAD_MISALIGNED ? CAUSE_STORE_MISALIGNED : theirs.cause;
  if (cause !== ours.cause) return false;
  if (theirs.tval === ours.tval) return true;
  if (disassemble(word).text.startsWith('cbo.')) return theirs.tval === (ours.tval & -64n);
  const isAccess = cause === CAUSE_LOAD_ACCESS || cause === CAUSE_STORE_ACCESS;
  const difference = ours.tval - theirs.tval;
  return isAccess && difference > 0n && difference < 8n && theirs.tval % 2n === 0n;
}
