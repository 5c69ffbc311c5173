/**
 * Runs one floating-point instruction on many operands, on a machine, and gives back what became of them.
 *
 * Each vector is a record in memory: operands, fcsr before; then the results and fcsr after.
 */

import { EXIT_TRAP } from '../../src/index.js';
import { Bench, ORIGIN } from '../run-program.js';

/** What an instruction is given: registers as they are, boxes included. */
export interface Vector {
  readonly f: readonly [bigint, bigint, bigint];
  readonly x: bigint;
  readonly fcsr: number;
}

/** What it left behind. */
export interface Outcome {
  readonly f: bigint;
  readonly x: bigint;
  readonly fcsr: number;
}

const RECORD_BYTES = 64;
const CHUNK = 4096;
const DATA = ORIGIN + 0x1_0000;

/** What the destinations hold before. */
const POISON = 0x1234_5678_9abc_def0n;

/**
 * Each of the instructions reads fa0, fa1, fa2 or a2, and writes fa3 or a3.
 */
export class VectorBench {
  readonly #bench: Bench;

  private constructor(bench: Bench) {
    this.#bench = bench;
  }

  static async of(instructions: readonly string[]): Promise<VectorBench> {
    const source = instructions.map(
      (instruction, index) => `
v${index}:
  beq a0, a1, end
  ld t0, 32(a0)
  fscsr t0
  fld fa0, 0(a0)
  fld fa1, 8(a0)
  fld fa2, 16(a0)
  ld a2, 24(a0)
  fmv.d.x fa3, a5
  mv a3, a5
  ${instruction}
  frcsr t1
  fsd fa3, 40(a0)
  sd a3, 48(a0)
  sd t1, 56(a0)
  addi a0, a0, ${RECORD_BYTES}
  j v${index}`,
    );
    return new VectorBench(await Bench.of(`${source.join('\n')}\nend: ecall`));
  }

  /** Runs instruction `index` on all vectors. */
  run(index: number, vectors: readonly Vector[]): Outcome[] {
    const bench = this.#bench;
    const bytes = bench.machine.ram.writable((DATA - ORIGIN) / 4096, (CHUNK * RECORD_BYTES) / 4096);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const outcomes: Outcome[] = [];
    for (let from = 0; from < vectors.length; from += CHUNK) {
      const chunk = vectors.slice(from, from + CHUNK);
      chunk.forEach(({ f, x, fcsr }, i) => {
        [...f, x, BigInt(fcsr)].forEach((value, word) =>
          view.setBigUint64(i * RECORD_BYTES + word * 8, value, true),
        );
      });
      bench.pc = bench.symbol(`v${index}`);
      bench.setX('a0', DATA);
      bench.setX('a1', DATA + chunk.length * RECORD_BYTES);
      bench.setX('a5', POISON);
      const reason = bench.run(chunk.length * 20 + 10);
      if (reason !== EXIT_TRAP || bench.pc !== bench.symbol('end')) {
        throw new Error(`stopped at 0x${bench.pc.toString(16)} for reason ${reason}`);
      }
      chunk.forEach((_, i) => {
        const at = (word: number): bigint => view.getBigUint64(i * RECORD_BYTES + word * 8, true);
        outcomes.push({ f: at(5), x: at(6), fcsr: Number(at(7)) });
      });
    }
    return outcomes;
  }
}
