import { lowerPart, upperPart } from './expression.js';

/** One step in building a constant in a register. The first step starts from zero, the others from the step before. */
export interface ConstantStep {
  readonly name: 'addi' | 'lui' | 'addiw' | 'slli';
  readonly immediate: bigint;
}

/**
 * The instructions that build a 64-bit constant: at most eight. `value` is taken modulo 2^64.
 *
 * A value of 32 bits takes lui and addiw. A wider one is built without its low 12 bits and the zeros above them, shifted
 * into place, and completed by addi.
 */
export function constantSteps(value: bigint): ConstantStep[] {
  const signed = BigInt.asIntN(64, value);
  if (BigInt.asIntN(12, signed) === signed) return [{ name: 'addi', immediate: signed }];
  if (BigInt.asIntN(32, signed) === signed) {
    const low = lowerPart(signed);
    const steps: ConstantStep[] = [{ name: 'lui', immediate: upperPart(signed) }];
    if (low !== 0n) steps.push({ name: 'addiw', immediate: low });
    return steps;
  }
  const low = lowerPart(signed);
  // The difference may need 65 bits; only its low 64 matter.
  let rest = BigInt.asIntN(64, signed - low) >> 12n;
  let shift = 12n;
  while ((rest & 1n) === 0n) {
    rest >>= 1n;
    shift++;
  }
  const steps = [...constantSteps(rest), { name: 'slli', immediate: shift } as const];
  if (low !== 0n) steps.push({ name: 'addi', immediate: low });
  return steps;
}
