/**
 * For the tests of backings.
 *
 * @packageDocumentation
 */
export { checkBacking } from './check-backing.js';
