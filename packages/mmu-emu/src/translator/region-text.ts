import { disassemble } from '../assembler/disassemble.js';
import { REGION_PARAMETERS } from '../interpreter/imports.js';
import { MAXIMUM_PAGES } from '../wasm/module-builder.js';
import { TextBody } from '../wasm/text-body.js';
import { lowerRegion } from './region-function.js';
import type { Region } from './region.js';

/** A region of translated code, to be looked at. */
export interface HotRegion {
  /** Physical address of its page. */
  readonly page: number;
  /** Offsets in the page at which it can be entered. */
  readonly entries: readonly number[];
  /** Guest instructions in it, and how many were retired in it since it was made. */
  readonly instructions: number;
  readonly retired: number;
  /**
   * Its function as a module of WebAssembly's text format, with each guest instruction in a comment above what was made of
   * it, and in others why it is left (`TranslationExit`; `lookUp` is an access that the TLB does not answer). Addresses are
   * physical.
   */
  readonly text: string;
}

const PARAMETER_NAMES = ['hart'] as const;

/**
 * A region's function as a module of WebAssembly's text format, with each guest instruction in a comment above what was
 * made of it.
 *
 * @param address of the page, for the comments.
 */
export function regionText(region: Region, number: number, address: number): string {
  const bits = new Map<number, number>();
  for (const { instructions } of region.blocks.values()) {
    for (const instruction of instructions) bits.set(instruction.offset, instruction.bits);
  }
  const parameters = REGION_PARAMETERS.map((type, index) => ({ name: PARAMETER_NAMES[index], type }));
  const body = new TextBody({ name: `r${number}`, parameters, result: 'i32' }, (offset) => {
    const pc = address + offset;
    return `${pc.toString(16)}: ${disassemble(bits.get(offset) as number, pc).text}`;
  });
  lowerRegion(region, number, body);
  return `(module\n(import "m" "memory" (memory 1 ${MAXIMUM_PAGES}))\n${body.text()})\n`;
}
