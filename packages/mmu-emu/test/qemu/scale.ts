/** How much is compared with QEMU, and with which random numbers. */
import { DEFAULT_ENGINE } from '../../src/engine.js';
import { Random } from './random.js';

/** Multiplies the number of cases; `npm run lockstep` sets it. */
const scale = Number(process.env['FAULTLINE_LOCKSTEP_SCALE'] ?? '1');
if (!Number.isInteger(scale) || scale < 1)
  throw new RangeError('FAULTLINE_LOCKSTEP_SCALE must be a positive integer');

/** Whether this is a long run, where more of the time should go into running what was made. */
export const isLong = scale > 1;

/** The numbers of the batches that a test makes: `count` of them, or that many times as many. */
export const batches = (count: number): number[] =>
  Array.from({ length: count * scale }, (_, index) => index);

/** The seed of the run, and another one for each engine. */
const seed = Number(process.env['FAULTLINE_SEED']) + (DEFAULT_ENGINE === 'auto' ? 0 : 1);

/** Random numbers of one batch of a test: the same for the same seed, whatever else is run. */
export const seededRandom = (batch: number): Random => new Random(seed + Math.imul(batch, 0x6c07_8965));
