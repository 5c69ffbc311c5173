/** Names of registers. @see RISC-V psABI, "Register Convention" */

/** ABI names of x0 to x31. */
export const INTEGER_REGISTERS: readonly string[] =
  'zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'.split(
    ' ',
  );

/** ABI names of f0 to f31. */
export const FLOAT_REGISTERS: readonly string[] =
  'ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11'.split(
    ' ',
  );

/** A register that a name stands for. */
export interface RegisterName {
  readonly file: 'x' | 'f';
  /** 0 to 31. */
  readonly number: number;
}

const REGISTERS: ReadonlyMap<string, RegisterName> = new Map([
  ...INTEGER_REGISTERS.flatMap((name, number): [string, RegisterName][] => [
    [name, { file: 'x', number }],
    [`x${number}`, { file: 'x', number }],
  ]),
  ['fp', { file: 'x', number: 8 }] as [string, RegisterName],
  ...FLOAT_REGISTERS.flatMap((name, number): [string, RegisterName][] => [
    [name, { file: 'f', number }],
    [`f${number}`, { file: 'f', number }],
  ]),
]);

/** The register of this name, by ABI name (`a0`, `fp`, `fa0`) or by number (`x10`, `f10`). */
export function registerByName(name: string): RegisterName | undefined {
  return REGISTERS.get(name);
}
