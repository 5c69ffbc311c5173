/**
 * Random floating-point programs whose every result and flag is kept.
 *
 * A program is a straight line of instructions, each followed by stores of its result and of fcsr, that is run once
 * for each block of memory. A block has the registers that it begins with and what it stores. As every result is
 * stored, QEMU leaves none out.
 */
import { assemble, disassemble, RAM_BASE } from '../../src/index.js';
import { insertField, INSTRUCTIONS } from '../../src/isa/index.js';
import type { InstructionSpec, Operand } from '../../src/isa/index.js';
import { ROUNDING_TOWARDS_ZERO } from '../../src/isa/operands.js';

import type { Random } from './random.js';

const BLOCK_BYTES = 4096;
const BLOCK_X = 256;
const BLOCK_FCSR = 384;
const BLOCK_LOG = 512;
/** Result, then fcsr. */
const LOG_BYTES = 16;
/** Logs end with the block. */
export const STEPS = 200;
/** Stores reach 2 KiB either way of x30. */
const BLOCK_MIDDLE = BLOCK_LOG + (STEPS * LOG_BYTES) / 2;
const BLOCKS_OFFSET = 0x10_0000;

/** f registers that are written; all 32 are read. */
const WRITTEN_F = 8;
const FIRST_X = 8;
const COUNT_X = 16;
const RESULT_X = 6;

const DYNAMIC = 7;
const TOWARDS_ZERO = 1;

const FLOATING = INSTRUCTIONS.filter(
  ({ extension, syntax }) =>
    ['F', 'D', 'Zfa', 'Zfhmin'].includes(extension) && !syntax.includes('(') && !syntax.includes('csr'),
);

interface Step {
  readonly spec: InstructionSpec;
  readonly bits: number;
  /** Assembly of what goes before it: a change of fcsr, or nothing. */
  readonly before: string;
}

export interface FloatSequences {
  readonly image: Uint8Array;
  readonly ramBytes: number;
  readonly steps: readonly Step[];
  readonly blocks: number;
}

function makeStep(random: Random): Step {
  const spec = random.pick(FLOATING);
  const value = (operand: Operand): number => {
    const isResult = operand.name === 'rd';
    if (operand.kind === 'f') return random.below(isResult ? WRITTEN_F : 32);
    if (operand.kind === 'x') return isResult ? RESULT_X : FIRST_X + random.below(COUNT_X);
    if (operand.kind === 'constant') return random.below(32);
    if (operand === ROUNDING_TOWARDS_ZERO) return TOWARDS_ZERO;
    return random.chance(50) ? DYNAMIC : random.below(5);
  };
  const bits = spec.operands.reduce(
    (encoding, operand) => (encoding | insertField(operand.field, value(operand))!) >>> 0,
    spec.match,
  );
  const before = random.pick([
    '',
    '',
    'csrwi fflags, 0',
    `csrwi fflags, ${random.below(32)}`,
    `csrwi frm, ${random.below(5)}`,
  ]);
  return { spec, bits, before };
}

/** A program of STEPS instructions, and `blocks` sets of registers for it. */
export function makeFloatSequences(random: Random, blocks: number): FloatSequences {
  const steps = Array.from({ length: STEPS }, () => makeStep(random));
  const lines = (count: number, line: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => line(index)).join('\n');
  const source = `
    li t0, 0x6000
    csrs mstatus, t0
    la t0, failed
    csrw mtvec, t0
    li x31, BLOCKS
    li x29, BLOCKS + ${blocks * BLOCK_BYTES}
  next_block:
    ${lines(32, (i) => `fld f${i}, ${8 * i}(x31)`)}
    ${lines(COUNT_X, (i) => `ld x${FIRST_X + i}, ${BLOCK_X + 8 * i}(x31)`)}
    ld x5, ${BLOCK_FCSR}(x31)
    fscsr x5
    li x30, ${BLOCK_MIDDLE}
    add x30, x30, x31
    ${lines(STEPS, (i) => {
      const { spec, bits, before } = steps[i];
      const at = BLOCK_LOG - BLOCK_MIDDLE + LOG_BYTES * i;
      const isFloat = spec.operands.some(({ name, kind }) => name === 'rd' && kind === 'f');
      const store = isFloat ? `fsd f${(bits >>> 7) & 31}` : `sd x${RESULT_X}`;
      return `${before}\n.word ${bits}\n${store}, ${at}(x30)\nfrcsr x5\nsd x5, ${at + 8}(x30)`;
    })}
    li x5, ${BLOCK_BYTES}
    add x31, x31, x5
    beq x31, x29, 1f
    j next_block
  1:
    li t1, 0x5555
  2:
    li t0, 0x100000
    sw t1, 0(t0)
    j 2b
    .balign 4
  failed:
    li t1, 0x13333
    j 2b`;
  const { bytes } = assemble(source, { origin: RAM_BASE, symbols: { BLOCKS: RAM_BASE + BLOCKS_OFFSET } });
  const image = new Uint8Array(BLOCKS_OFFSET + blocks * BLOCK_BYTES);
  image.set(bytes);
  const view = new DataView(image.buffer);
  for (let block = 0; block < blocks; block++) {
    const at = BLOCKS_OFFSET + block * BLOCK_BYTES;
    for (let i = 0; i < 32; i++) view.setBigUint64(at + 8 * i, random.float(), true);
    for (let i = 0; i < COUNT_X; i++) view.setBigUint64(at + BLOCK_X + 8 * i, random.value(), true);
    view.setUint32(at + BLOCK_FCSR, (random.below(5) << 5) | random.below(32), true);
  }
  return { image, steps, blocks, ramBytes: Math.ceil(image.length / 2 ** 20 + 1) * 2 ** 20 };
}

/** A line for the first difference in each block, `reference` being the machine that is trusted. */
export function compareFloatSequences(
  made: FloatSequences,
  reference: Uint8Array,
  ours: Uint8Array,
): string[] {
  const view = (ram: Uint8Array): DataView => new DataView(ram.buffer, ram.byteOffset, ram.byteLength);
  const [theirs, own, start] = [view(reference), view(ours), view(made.image)];
  const lines: string[] = [];
  for (let block = 0; block < made.blocks; block++) {
    const base = BLOCKS_OFFSET + block * BLOCK_BYTES;
    const isEqual = (at: number): boolean =>
      theirs.getBigUint64(at, true) === own.getBigUint64(at, true) &&
      theirs.getBigUint64(at + 8, true) === own.getBigUint64(at + 8, true);
    const place = (step: number): number => base + BLOCK_LOG + LOG_BYTES * step;
    const step = made.steps.findIndex((_, index) => !isEqual(place(index)));
    if (step < 0) continue;
    const show = (ram: DataView): string =>
      `0x${ram.getBigUint64(place(step), true).toString(16)} fcsr 0x${ram.getBigUint64(place(step) + 8, true).toString(16)}`;
    const registers = Array.from(
      { length: 32 },
      (_, i) => `f${i}=0x${start.getBigUint64(base + 8 * i, true).toString(16)}`,
    );
    const integers = Array.from(
      { length: COUNT_X },
      (_, i) => `x${FIRST_X + i}=0x${start.getBigUint64(base + BLOCK_X + 8 * i, true).toString(16)}`,
    );
    const listed = made.steps
      .slice(0, step + 1)
      .map(({ bits, before }) => `${before === '' ? '' : `${before}; `}${disassemble(bits).text}`);
    lines.push(
      `block ${block}, step ${step}: ${show(theirs)} there, ${show(own)} here\n` +
        `fcsr=0x${start.getUint32(base + BLOCK_FCSR, true).toString(16)} ${registers.join(' ')} ${integers.join(' ')}\n` +
        listed.join('\n'),
    );
  }
  return lines;
}
