/** Pagers that end while another thread makes VMOs with them. */
import { describe, expect, it } from 'vitest';
import { ZX_ERR_BAD_HANDLE } from '../../src/abi/status.js';
import { Kernel } from '../../src/kernel.js';
import { HARTS } from '../support/harts.js';
import { AsmGuest, DATA, EXIT, zx } from '../support/asm-guest.js';

const ROUNDS = 300;
const PAGER = DATA;
const PORT = DATA + 4;
const STOP = DATA + 8;
const VMO = DATA + 12;
const MADE = DATA + 16;
const REFUSED = DATA + 24;
const ENDED = DATA + 32;
const REASON = DATA + 40;

/** The main thread makes and closes pagers; the other makes VMOs with whatever handle it finds. */
const SOURCE = `
  j main
  .balign 4
maker:
  li s0, ${DATA}
again:
  lw a0, ${PAGER - DATA}(s0)
  li a1, 0
  lw a2, ${PORT - DATA}(s0)
  li a3, 7
  li a4, 4096
  li a5, ${VMO}
  ${zx('pager_create_vmo')}
  bnez a0, refused
  lw a0, ${VMO - DATA}(s0)
  ${zx('handle_close')}
  ld t0, ${MADE - DATA}(s0)
  addi t0, t0, 1
  sd t0, ${MADE - DATA}(s0)
  j next
refused:
  sd a0, ${REASON - DATA}(s0)
  ld t0, ${REFUSED - DATA}(s0)
  addi t0, t0, 1
  sd t0, ${REFUSED - DATA}(s0)
next:
  lw t0, ${STOP - DATA}(s0)
  beqz t0, again
  li t0, 1
  sw t0, ${ENDED - DATA}(s0)
  ${zx('thread_exit')}
main:
  li s0, ${DATA}
  li a0, 0
  li a1, ${PORT}
  ${zx('port_create')}
  li s1, ${ROUNDS}
round:
  li a0, 0
  li a1, ${PAGER}
  ${zx('pager_create')}
  bnez a0, done
  lw a0, ${PAGER - DATA}(s0)
  ${zx('handle_close')}
  bnez a0, done
  addi s1, s1, -1
  bnez s1, round
  li t0, 1
  sw t0, ${STOP - DATA}(s0)
wait:
  lw t0, ${ENDED - DATA}(s0)
  beqz t0, wait
  li a0, 0
done:
  ${EXIT}`;

describe('a pager handle that is closed and made anew', () => {
  it.each([1, 2, 3, 4])('CR-12 CP-05: may be used by another thread meanwhile, schedule %i', async (seed) => {
    const kernel = await Kernel.create({
      ramBytes: 8 * 2 ** 20,
      harts: HARTS,
      sliceInstructions: 11 + seed,
      schedule: { seed },
    });
    const host = kernel.createHostProcess('test');
    const guest = await AsmGuest.start(kernel, host, SOURCE, { compress: false });
    guest.addThread(0);
    expect((await kernel.run()).outcome).toBe('exited');
    expect([guest.crash, guest.returnCode]).toEqual([null, 0n]);
    const counts = [await guest.i64(MADE - DATA), await guest.i64(REFUSED - DATA)];
    expect(counts.every((count) => count > 0n)).toBe(true);
    expect(await guest.i64(REASON - DATA)).toBe(BigInt(ZX_ERR_BAD_HANDLE));
    kernel.close();
  });
});
