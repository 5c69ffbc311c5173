import { REGION_PARAMETERS, REGION_RESULTS } from '../interpreter/imports.js';
import { MAXIMUM_PAGES, ModuleBuilder } from '../wasm/module-builder.js';
import { lowerRegion } from './region-function.js';
import type { Region } from './region.js';

/** A region, with its place in the table of functions. */
export interface NumberedRegion {
  readonly number: number;
  readonly region: Region;
}

/** The code of some regions. */
export interface CompiledRegions {
  /** Imports the machine's memory, `m.memory`; exports the function of each region, `r` and its number. */
  readonly module: WebAssembly.Module;
  /** Size of the module in bytes. */
  readonly bytes: number;
  /** Of each region, the offsets of its page at which it can be entered: entry i at `entries[i]`. */
  readonly entries: readonly (readonly number[])[];
}

/** Compiles regions as one module. @param shared whether the machine's memory is. */
export function compileRegions(regions: readonly NumberedRegion[], shared: boolean): CompiledRegions {
  const module = new ModuleBuilder();
  module.importMemory('m', 'memory', MAXIMUM_PAGES, shared);
  const entries = regions.map(({ number, region }) => {
    const lowered = lowerRegion(region, number);
    const index = module.declare(REGION_PARAMETERS, REGION_RESULTS);
    module.define(index, lowered.body);
    module.exportFunction(nameOf(number), index);
    return lowered.entries;
  });
  const bytes = module.encode();
  return { module: new WebAssembly.Module(bytes), bytes: bytes.length, entries };
}

/** The functions of compiled regions, by number, for a machine's memory. */
export function functionsOf(
  { module }: CompiledRegions,
  memory: WebAssembly.Memory,
): (number: number) => unknown {
  const { exports } = new WebAssembly.Instance(module, { m: { memory } });
  return (number) => exports[nameOf(number)];
}

const nameOf = (number: number): string => `r${number}`;
