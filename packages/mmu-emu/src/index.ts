/**
 * A RISC-V machine (RV64, Sv39) for Node and browsers.
 *
 * @packageDocumentation
 */

export { Machine } from './machine.js';
export type { MachineOptions } from './machine-options.js';
export type { Engine } from './engine.js';
export { RegionCompiler, serveRegionCompiler } from './translator/region-compiler.js';
export type { RegionPort } from './translator/region-compiler.js';
export type { HotRegion } from './translator/region-text.js';
export type { TranslationExit, TranslationStatistics } from './translator/translation-statistics.js';
export { EXIT_BUDGET, EXIT_DEBUG, EXIT_RESET, EXIT_STOP, EXIT_TRAP, EXIT_WFI, Hart } from './hart/hart.js';
export type { ExitReason } from './hart/hart.js';
export { CONTEXT_WORDS, HART_CAUSE, HART_F, HART_FCSR, HART_PC, HART_TVAL, HART_X } from './hart/state.js';
export * from './hart/causes.js';
export { Ram, RAM_BASE } from './ram.js';
export * from './mmu/pte.js';
export { VirtualClock } from './clock.js';
export type { Clock } from './clock.js';
export { MachineError } from './errors.js';
export type { MachineErrorCode } from './errors.js';
export * from './isa/index.js';
export * from './bus/index.js';
export * from './debug/index.js';
export * from './devices/index.js';
export * from './platform/index.js';
export * from './snapshot/index.js';
export * from './elf/index.js';
export * from './assembler/index.js';
