/**
 * Zbb: basic bit manipulation.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Zbb: Basic bit-manipulation"
 */

import { formsOf, low32, word } from './forms.js';
import type { InstructionSpec } from './instruction.js';
import { SHAMT_5, SHAMT_6 } from './operands.js';
import { i32, i64 } from './semantics.js';
import type { I32, I64 } from './semantics.js';

const { register, immediate, unary } = formsOf('Zbb');

const invert = (a: I64): I64 => i64.xor(a, i64.const(-1));
const least = (less: (a: I64, b: I64) => I32) => (a: I64, b: I64) => i64.choose(less(a, b), a, b);
const greatest = (less: (a: I64, b: I64) => I32) => (a: I64, b: I64) => i64.choose(less(a, b), b, a);
const count = (how: (a: I32) => I32) => (a: I64) => i64.extendU(how(i32.wrap(a)));

const EVERY_BYTE_LOW = i64.const(0x0101_0101_0101_0101n);
const EVERY_BYTE_7 = i64.const(0x7f7f_7f7f_7f7f_7f7fn);

/** 1 in each byte that is not zero, then times 255. */
const combineBytes = (a: I64): I64 => {
  const high = i64.or(i64.add(i64.and(a, EVERY_BYTE_7), EVERY_BYTE_7), a);
  return i64.mul(i64.and(i64.shrU(high, i64.const(7)), EVERY_BYTE_LOW), i64.const(255));
};

/** Swaps neighbouring groups of bits. */
const swap = (a: I64, distance: number, mask: bigint): I64 =>
  i64.or(
    i64.and(i64.shrU(a, i64.const(distance)), i64.const(mask)),
    i64.shl(i64.and(a, i64.const(mask)), i64.const(distance)),
  );
const reverseBytes = (a: I64): I64 =>
  i64.rotl(swap(swap(a, 8, 0x00ff_00ff_00ff_00ffn), 16, 0x0000_ffff_0000_ffffn), i64.const(32));

export const ZBB: readonly InstructionSpec[] = [
  register('andn', 0x40007033, (a, b) => i64.and(a, invert(b))),
  register('orn', 0x40006033, (a, b) => i64.or(a, invert(b))),
  register('xnor', 0x40004033, (a, b) => invert(i64.xor(a, b))),
  unary('clz', 0x60001013, i64.clz),
  unary('ctz', 0x60101013, i64.ctz),
  unary('cpop', 0x60201013, i64.popcnt),
  unary('clzw', 0x6000101b, count(i32.clz)),
  unary('ctzw', 0x6010101b, count(i32.ctz)),
  unary('cpopw', 0x6020101b, count(i32.popcnt)),
  register('max', 0x0a006033, greatest(i64.ltS)),
  register('maxu', 0x0a007033, greatest(i64.ltU)),
  register('min', 0x0a004033, least(i64.ltS)),
  register('minu', 0x0a005033, least(i64.ltU)),
  unary('sext.b', 0x60401013, i64.extend8S),
  unary('sext.h', 0x60501013, i64.extend16S),
  unary('zext.h', 0x0800403b, (a) => i64.and(low32(a), i64.const(0xffff))),
  register('rol', 0x60001033, i64.rotl),
  register('ror', 0x60005033, i64.rotr),
  register('rolw', 0x6000103b, word(i32.rotl)),
  register('rorw', 0x6000503b, word(i32.rotr)),
  immediate('rori', 0x60005013, SHAMT_6, i64.rotr),
  immediate('roriw', 0x6000501b, SHAMT_5, word(i32.rotr)),
  unary('orc.b', 0x28705013, combineBytes),
  unary('rev8', 0x6b805013, reverseBytes),
];
