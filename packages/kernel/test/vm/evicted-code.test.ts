/** Code whose pages a pager supplies, takes back by eviction, and supplies otherwise. */
import { expect, it } from 'vitest';
import { ZX_RIGHT_SAME_RIGHTS } from '../../src/abi/rights.js';
import { ZX_OK } from '../../src/abi/status.js';
import { ZX_VM_PERM_EXECUTE, ZX_VM_PERM_READ, ZX_VMO_OP_DONT_NEED } from '../../src/abi/vm.js';
import { GuestThread } from '../support/guest-thread.js';
import { type PagedVmo } from '../support/paged-vmo.js';
import { ok, UserPager } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

const LOW = 100;
const HIGH = 140;
const ROUNDS = 6;

/** A page that begins with a loop which counts to `number` in a0, and returns. */
function program(number: number): Uint8Array {
  const page = new Uint8Array(PAGE);
  // li a0, 0; li a2, number; addi a0, a0, 1; bne a0, a2, -4; ret
  const words = [0x513, (number << 20) | 0x613, 0x0015_0513, 0xfec5_1ee3, 0x8067];
  new Uint32Array(page.buffer).set(words);
  return page;
}

it('runs as it was supplied last, in whatever frame', async () => {
  const fixture = await VmFixture.create({
    ramBytes: 2 ** 21,
    limits: { evictBelowFrames: LOW, evictToFrames: HIGH },
  });
  const pager = new UserPager(fixture);
  const { host } = pager;
  const { evictor } = fixture.state.vm;
  const vmo = pager.createVmo(2);
  const others = pager.createVmo(20 * (ROUNDS + 1));
  const executable = ok(host.vmoReplaceAsExecutable(ok(host.handleDuplicate(vmo.handle, ZX_RIGHT_SAME_RIGHTS)).handle)).handle; // prettier-ignore
  const permissions = ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE;
  const { address } = ok(host.vmarMap(pager.vmar, permissions, 0, executable, 0, 2 * PAGE));
  const call = (): GuestThread => GuestThread.start(fixture, pager.space, 'execute', address + PAGE);
  const evict = (of: PagedVmo): void => {
    expect(host.call('vmo_op_range', of.handle, ZX_VMO_OP_DONT_NEED, 0, of.pages * PAGE, 0, 0)).toBe(ZX_OK);
    const { physical } = fixture;
    const filler = ok(host.vmoCreate((physical.freeCount - LOW + 1) * PAGE, 0)).handle;
    const pages = physical.freeCount - LOW + 1;
    const { cow } = pager.object({ handle: filler, key: 0n, first: 0n, base: 0, pages });
    for (let page = 0; page < pages; page += 1) cow.frameForWrite(page);
    evictor.makeRoom();
    expect(pager.committed(of)).toBe(0);
    host.handleClose(filler);
  };

  for (let round = 1; round <= ROUNDS; round += 1) {
    const thread = call();
    pager.expectPackets(pager.R(vmo, 1, 1));
    expect(pager.supplyBytes(vmo, 1, program(50 * round))).toBe(ZX_OK);
    await pager.turn();
    expect(thread.outcome).toEqual({ end: 'done', value: BigInt(50 * round) });
    expect(call().outcome).toEqual({ end: 'done', value: BigInt(50 * round) });
    // What came last is never evicted.
    pager.supply(others, 20 * round, 20);
    evict(vmo);
  }
  expect(evictor.evicted).toBeGreaterThanOrEqual(ROUNDS);
  pager.finish();
});
