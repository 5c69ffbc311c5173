/** Gives every property test the run's seed. */
import fc from 'fast-check';

const seed = Number(process.env['FAULTLINE_SEED']);
if (!Number.isInteger(seed)) throw new RangeError('FAULTLINE_SEED must be an integer');
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
