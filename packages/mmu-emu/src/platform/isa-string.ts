import { INSTRUCTIONS } from '../isa/index.js';
import type { Extension } from '../isa/index.js';

/** In the order in which the manual names them. */
const SINGLE_LETTERS = ['I', 'M', 'A', 'F', 'D', 'C'] as const;

/** What the machine has besides instructions. */
const WITHOUT_INSTRUCTIONS = ['zicntr', 'zihpm', 'sstc', 'svade', 'svnapot', 'svpbmt'] as const;

/**
 * Extensions of the harts, in lower case, as a device tree names them: those in the instruction table, and those of the
 * privileged architecture. Firmware has to enable cache-block operations for supervisors, in menvcfg: OpenSBI does from 1.1 on,
 * and later ones where they are named.
 */
export function isaExtensions(): readonly string[] {
  const present = new Set<Extension>(INSTRUCTIONS.map(({ extension }) => extension));
  present.delete('Priv');
  const single = SINGLE_LETTERS.filter((letter) => present.delete(letter));
  const named = [...present].map((name) => name.toLowerCase()).concat(WITHOUT_INSTRUCTIONS);
  return [...single.map((letter) => letter.toLowerCase()), ...named.sort()];
}

/**
 * The same as one word, e.g. `rv64imafdc_zba_zbb`.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "ISA Extension Naming Conventions"
 */
export function isaString(): string {
  const extensions = isaExtensions();
  const single = extensions.filter((name) => name.length === 1).join('');
  return ['rv64' + single, ...extensions.filter((name) => name.length > 1)].join('_');
}
