/**
 * The vDSO: an ELF image with the entry points of all system calls, generated from the table.
 *
 * Programs find `zx_*` in its dynamic symbol table (each also as weak `_zx_*`). The numbers are private to image and
 * table, which are always made together: they change whenever a call is added.
 *
 * Layout: headers, hash table, symbols, strings and dynamic section on the first pages (a segment to be mapped readable), then, from
 * a page boundary on, code (a segment to be mapped readable and executable). Nothing in it is relocated or written.
 *
 * The kernel accepts `ecall` with number n in t0 at one address only: the base of the mapping plus `sites[n]`.
 *
 * @see Zircon Concepts, "Zircon vDSO"
 */
import { assemble } from '@faultline/mmu-emu';
import { ZX_ERR_NOT_SUPPORTED } from '../abi/status.js';
import type { SystemCall } from './call.js';
import { UNSUPPORTED_CALLS } from './unsupported.js';
import { VDSO_FUNCTIONS, type VdsoFacts } from './vdso-functions.js';
import { writeVdsoElf, type VdsoSymbol } from './vdso-elf.js';

/** A vDSO, and what the kernel has to know of it. */
export interface VdsoImage {
  /** The whole file; a multiple of 4096 bytes. */
  readonly bytes: Uint8Array;
  /** Where the code begins in it; a multiple of 4096. Everything before is read-only data. */
  readonly codeOffset: number;
  /** By the number of a call: the position of its `ecall` in the image. */
  readonly sites: Uint32Array;
  /** Positions of the entry points in the image, by name (`zx_port_wait`). */
  readonly symbols: ReadonlyMap<string, number>;
}

/**
 * Generates the vDSO.
 *
 * @param table the calls by number; every number is below 2048
 */
export function buildVdso(table: readonly SystemCall[], facts: VdsoFacts): VdsoImage {
  if (table.length > 2048) throw new Error('a call number has to fit into one instruction');
  const blocks: string[] = [];
  const names: string[] = [];
  const begin = (name: string): void => {
    names.push(name);
    blocks.push(`begin_${name}:`);
  };
  const end = (name: string): void => void blocks.push(`end_${name}:`);
  table.forEach((call, number) => {
    if (call.internal === true) return;
    begin(call.name);
    blocks.push(`li t0, ${number}\nsite_${call.name}: ecall\n${call.noreturn === true ? 'unimp' : 'ret'}`);
    end(call.name);
  });
  for (const fn of VDSO_FUNCTIONS) {
    begin(fn.name);
    blocks.push(fn.body(facts));
    end(fn.name);
  }
  const known = new Set(names);
  const unsupported = UNSUPPORTED_CALLS.map((call) => call.name).filter((name) => !known.has(name));
  for (const name of unsupported) begin(name);
  blocks.push(`li a0, ${ZX_ERR_NOT_SUPPORTED}\nret`);
  for (const name of unsupported) end(name);

  const numbers = Object.fromEntries(table.map((call, number) => [`number_${call.name}`, number]));
  const code = assemble(blocks.join('\n'), { symbols: numbers });
  const label = (name: string): number => {
    const value = code.symbols.get(name);
    if (value === undefined) throw new Error(`the vDSO lacks ${name}`);
    return value;
  };
  const entries: VdsoSymbol[] = names.map((name) => ({
    name: `zx_${name}`,
    offset: label(`begin_${name}`),
    bytes: label(`end_${name}`) - label(`begin_${name}`),
  }));
  const { bytes, codeOffset } = writeVdsoElf(code.bytes, entries, 'libzircon.so');
  return {
    bytes,
    codeOffset,
    sites: Uint32Array.from(table, (call) => codeOffset + label(`site_${call.name}`)),
    symbols: new Map(entries.map((entry) => [entry.name, codeOffset + entry.offset])),
  };
}
