/** The interpreter's module: built from the instruction table once a process, shared by every machine. */

import { MachineError } from '../errors.js';
import { buildAtomicAddress, buildSlowLoad, buildSlowStore } from '../mmu/memory-access.js';
import { buildCacheBlock } from '../mmu/cache-block.js';
import { buildPmpCheck } from '../mmu/pmp-check.js';
import { buildRaise, buildTranslate } from '../mmu/translate.js';
import { defineSoftfloat } from '../softfloat/softfloat.js';
import { ModuleBuilder } from '../wasm/module-builder.js';
import { defineSystem } from './system-functions.js';
import { buildCarryLessHigh, buildCarryLessLow } from './carry-less.js';
import { buildFetch } from './fetch.js';
import { declareCore, exportCore } from './imports.js';
import type { CoreVariant } from './imports.js';
import { PREBUILT_CORES } from './prebuilt-cores.js';
import { buildRun } from './run.js';
import { buildRunRegions } from './run-regions.js';
import { buildNoteStoreToCode } from './store-to-code.js';

/** Bytes of the module; `shared` says what kind of memory it imports. */
export function encodeCoreModule(shared: boolean, variant: CoreVariant): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const indices = declareCore(module, shared, variant);
  module.define(indices.raise, buildRaise());
  module.define(indices.pmpCheck, buildPmpCheck());
  module.define(indices.translate, buildTranslate(indices));
  module.define(indices.noteStoreToCode, buildNoteStoreToCode(indices));
  module.define(indices.slowLoad, buildSlowLoad(indices));
  module.define(indices.slowStore, buildSlowStore(indices));
  module.define(indices.atomicAddress, buildAtomicAddress(indices));
  module.define(indices.cacheBlock, buildCacheBlock(indices));
  defineSystem(module, indices);
  module.define(indices.fetch, buildFetch(indices));
  module.define(indices.routines.clmul, buildCarryLessLow());
  module.define(indices.routines.clmulh, buildCarryLessHigh());
  defineSoftfloat(module, indices.routines);
  module.define(indices.run, buildRun(indices));
  if (indices.regions !== null) module.define(indices.regions.run, buildRunRegions(indices.regions));
  exportCore(module, indices);
  return module.encode();
}

/** The same, without emitting it where the build has. */
function coreBytes(shared: boolean, variant: CoreVariant): Uint8Array<ArrayBuffer> {
  const prebuilt = shared ? undefined : PREBUILT_CORES[variant];
  if (prebuilt === undefined) return encodeCoreModule(shared, variant);
  const text = atob(prebuilt);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const compiled = new Map<string, Promise<WebAssembly.Module>>();

/**
 * The compiled module.
 * @throws {MachineError} `wasm-unavailable` when the host has no WebAssembly or refuses to compile.
 */
export async function coreModule(shared: boolean, variant: CoreVariant): Promise<WebAssembly.Module> {
  if (typeof WebAssembly !== 'object') {
    throw new MachineError('wasm-unavailable', 'this host has no WebAssembly');
  }
  const key = `${shared} ${variant}`;
  let module = compiled.get(key);
  if (module === undefined) {
    module = WebAssembly.compile(coreBytes(shared, variant));
    compiled.set(key, module);
  }
  try {
    return await module;
  } catch (cause) {
    compiled.delete(key);
    throw new MachineError('wasm-unavailable', 'this host does not compile WebAssembly', { cause });
  }
}
