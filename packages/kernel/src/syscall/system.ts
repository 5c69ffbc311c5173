/**
 * What belongs to no object: random numbers. Time, ticks and the page size need no call: code in the vDSO answers guests
 * (`vdso-functions.ts`), and callers on the host have the kernel's clock.
 */
import { ZX_CPRNG_DRAW_MAX_LEN } from '../abi/abi-limits.js';
import { ZX_ERR_INVALID_ARGS } from '../abi/status.js';
import { numberArg, type Caller, type SystemCall } from './call.js';
import { outBytes } from './user-values.js';

function randomBytes(caller: Caller, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index += 4) {
    const word = caller.core.rng.next();
    for (let byte = 0; byte < 4 && index + byte < length; byte += 1)
      bytes[index + byte] = word >>> (8 * byte);
  }
  return bytes;
}

export const SYSTEM_CALLS: readonly SystemCall[] = [
  {
    // The vDSO's `zx_cprng_draw` asks for at most 256 bytes at a time.
    name: 'cprng_draw_once',
    returns: 'zx_status_t',
    args: ['void* buffer', 'size_t buffer_size'],
    internal: true,
    handler: (caller, args) => {
      const length = numberArg(args, 1);
      if (length > ZX_CPRNG_DRAW_MAX_LEN) return ZX_ERR_INVALID_ARGS;
      return outBytes(caller, numberArg(args, 0), randomBytes(caller, length));
    },
  },
];
