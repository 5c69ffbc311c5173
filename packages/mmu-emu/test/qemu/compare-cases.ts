/** Compares what two machines left in the blocks of random cases. */
import { disassemble } from '../../src/index.js';
import {
  BLOCK_BYTES,
  BLOCK_FCSR_RESULT,
  BLOCK_FLOAT_RESULT,
  BLOCK_RESULT,
  BLOCK_TRAP_COUNT,
  BLOCK_TRAPS,
  BLOCK_WINDOW,
  listCase,
  RAM_BASE,
  TRAP_BYTES,
  WINDOW_BYTES,
} from './random-program.js';
import type { RandomImage } from './random-program.js';

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
  made.cases.forEach((random, index) => {
    const lines = compareBlock(made, index, view(reference), view(ours), comparison.traps);
    if (lines.length === 0) return;
    const show = (file: string, values: readonly bigint[]): string =>
      values.map((value, register) => `${file}${register}=0x${value.toString(16)}`).join(' ');
    const initial = `${show('x', random.initial)}\n${show('f', random.floats)}`;
    comparison.differences.push(
      `case ${index}: ${lines.join('; ')}\n${initial}\n${listCase(random, made.starts[index])}`,
    );
  });
  return comparison;
}

function compareBlock(
  made: RandomImage,
  index: number,
  theirs: DataView,
  ours: DataView,
  traps: Map<number, number>,
): string[] {
  const block = made.blocks + index * BLOCK_BYTES;
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
  const count = Number(ours.getBigUint64(block + BLOCK_TRAP_COUNT, true));
  for (let trap = 0; trap < count; trap++) {
    const at = block + BLOCK_TRAPS + trap * TRAP_BYTES;
    const read = (ram: DataView) => ({
      cause: Number(ram.getBigUint64(at, true)),
      tval: ram.getBigUint64(at + 8, true),
      epc: ram.getBigUint64(at + 16, true),
    });
    const [a, b] = [read(theirs), read(ours)];
    traps.set(b.cause, (traps.get(b.cause) ?? 0) + 1);
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
