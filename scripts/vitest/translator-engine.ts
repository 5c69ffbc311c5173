/** Stands for `packages/mmu-emu/src/engine.ts` where tests run with every jump's target translated at once. */
import type { Engine } from '../../packages/mmu-emu/src/engine.js';

export type { Engine };

export const DEFAULT_ENGINE: Engine = 'translator';
