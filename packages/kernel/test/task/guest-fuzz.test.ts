import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZX_RIGHT_SAME_RIGHTS } from '../../src/abi/rights.js';
import { ZX_OK } from '../../src/abi/status.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { Kernel } from '../../src/kernel.js';
import { CALL_TABLE } from '../../src/syscall/table.js';
import { HARTS } from '../support/harts.js';
import { AsmGuest, CODE, DATA, EXIT, FREE, PAGE, site, STACK_TOP, VDSO } from '../support/asm-guest.js';
import { ServingPager } from '../support/serving-pager.js';

/** One call in the table that the guest works through: where, t0, a0 to a7. */
const ENTRY_WORDS = 10;
const TABLE = DATA + PAGE;
const CANARY_PAGES = 4;

/**
 * Works through a table of calls. The registers it needs survive system calls; whatever the calls do to its memory, it goes on
 * until the table ends or it crashes.
 */
const SOURCE = `
  li s0, ${TABLE}
next:
  ld t1, 0(s0)
  beqz t1, end
  ld t0, 8(s0)
  ld a0, 16(s0)
  ld a1, 24(s0)
  ld a2, 32(s0)
  ld a3, 40(s0)
  ld a4, 48(s0)
  ld a5, 56(s0)
  ld a6, 64(s0)
  ld a7, 72(s0)
  jalr t1
  addi s0, s0, ${8 * ENTRY_WORDS}
  j next
end:
  li a0, 0
  ${EXIT}`;

const GIVEN = 18;

/** What an argument is made of. */
type Value =
  { readonly kind: 'handle'; readonly index: number } | { readonly kind: 'word'; readonly value: bigint };

const pointers = [
  0,
  DATA,
  DATA + 0x200,
  DATA + 4095,
  DATA + 16 * PAGE - 4,
  FREE,
  FREE + PAGE - 8,
  FREE + 8 * PAGE,
  CODE,
  VDSO,
  STACK_TOP - 64,
];
const word = (value: number | bigint): Value => ({ kind: 'word', value: BigInt.asUintN(64, BigInt(value)) });

const argument: fc.Arbitrary<Value> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('handle' as const), index: fc.nat(GIVEN - 1) }) },
  { weight: 4, arbitrary: fc.constantFrom(...pointers).map(word) },
  { weight: 4, arbitrary: fc.nat(64).map(word) },
  { weight: 1, arbitrary: fc.constantFrom(0x8309, 0x0100_0000, 256, 528, 24, 40).map(word) },
  { weight: 2, arbitrary: fc.nat(16).map((pages) => word(pages * PAGE)) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(word) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(
        -1n,
        -(2n ** 63n),
        2n ** 63n - 1n,
        2n ** 38n,
        2n ** 38n - 1n,
        2n ** 32n,
        0x8000_0000n,
        -4096n,
      )
      .map(word),
  },
);

const names = CALL_TABLE.filter((call) => call.internal !== true && call.noreturn !== true).map(
  (call) => call.name,
);

const call = fc.record({
  /** Mostly as the vDSO does it; now and then with another number. */
  name: fc.constantFrom(...names),
  number: fc.oneof({ weight: 80, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(400) }),
  args: fc.array(argument, { minLength: 8, maxLength: 8 }),
});

type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

function encode(calls: readonly Call[], handles: readonly number[]): Uint8Array {
  const words = new BigUint64Array(calls.length * ENTRY_WORDS + 1);
  calls.forEach(({ name, number, args }, index) => {
    const right = CALL_TABLE.findIndex((known) => known.name === name);
    words[index * ENTRY_WORDS] = BigInt(site(name));
    words[index * ENTRY_WORDS + 1] = BigInt(number ?? right);
    args.forEach((arg, position) => {
      words[index * ENTRY_WORDS + 2 + position] =
        arg.kind === 'word' ? arg.value : BigInt(handles[arg.index]);
    });
  });
  return new Uint8Array(words.buffer);
}

/** A bit of everything, for a guest to be careless with. */
function objects(host: HostProcess, paged: number, job: number): number[] {
  const channel = host.channelCreate(0).handles;
  const pair = host.eventpairCreate(0).handles;
  const pager = host.pagerCreate(0).handle;
  const port = host.portCreate(0).handle;
  const own = host.pagerCreateVmo(pager, 0, port, 5n, 4 * PAGE).handle;
  return [
    paged,
    host.vmoCreate(8 * PAGE, 2).handle,
    host.vmoCreate(2 * PAGE, 0).handle,
    ...channel,
    ...pair,
    host.eventCreate(0).handle,
    pager,
    port,
    own,
    job,
  ];
}

/**
 * Tasks to be careless with: the guest's own thread and process, those of a neighbour that computes for ever, a channel for exceptions of the neighbour,
 * and a timer.
 */
function tasks(host: HostProcess, guest: AsmGuest, neighbour: AsmGuest): void {
  const copy = (handle: number): number => host.handleDuplicate(handle, ZX_RIGHT_SAME_RIGHTS).handle;
  const out = new Uint8Array(4);
  expect(host.call('timer_create', 0, 0, out)).toBe(ZX_OK);
  const given = [
    copy(guest.thread),
    copy(guest.process),
    copy(neighbour.thread),
    copy(neighbour.process),
    host.taskCreateExceptionChannel(neighbour.process, 0).handle,
    new DataView(out.buffer).getUint32(0, true),
  ];
  for (const handle of given) guest.dispatcher.handles.add(host.handles.remove(handle)!);
}

/** Computes, and crashes now and then: a handler may be there. */
const NEIGHBOUR = `
again:
  li t0, 2000
spin:
  addi t0, t0, -1
  bnez t0, spin
  ld t1, 0(zero)
  j again`;

describe('the edge of the kernel, from a guest', () => {
  it(
    'gives statuses, exceptions or ends of processes, and nothing else changes',
    { timeout: 180_000 },
    async () => {
      let yields = 0;
      const kernel = await Kernel.create({
        ramBytes: 4 * 2 ** 20,
        harts: HARTS,
        sliceInstructions: 2_000,
        limits: {
          objects: 500,
          handlesPerProcess: 200,
          processes: 20,
          threadsPerProcess: 20,
          mappingsPerProcess: 100,
        },
        hostYield: () => {
          yields += 1;
          if (yields > 20) kernel.stop();
          return new Promise((resolve) => setImmediate(resolve));
        },
      });
      const host = kernel.createHostProcess('test');
      const pager = new ServingPager(host);
      const file = pager.createVmo(8);
      pager.serve(file);
      const canary = host.vmoCreate(CANARY_PAGES * PAGE, 0).handle;
      const expected = Uint8Array.from({ length: CANARY_PAGES * PAGE }, (_none, index) => (index * 7) % 256);
      await host.vmoWrite(canary, expected, 0);
      const before = kernel.statistics();

      await fc.assert(
        fc.asyncProperty(
          fc.array(call, { minLength: 8, maxLength: 40, size: 'max' }),
          fc.boolean(),
          async (calls, patient) => {
            const used = kernel.createHostProcess('one run');
            const copy = host.handleDuplicate(file, ZX_RIGHT_SAME_RIGHTS).handle;
            const job = used.jobCreate(used.rootJob().handle, 0).handle;
            const given = used.handleDuplicate(job, ZX_RIGHT_SAME_RIGHTS).handle;
            const give = objects(used, used.handles.add(host.handles.remove(copy)!), given);
            const mapped = used.vmoCreate(8 * PAGE, 0).handle;
            const guest = await AsmGuest.start(kernel, used, SOURCE, {
              give,
              map: [{ address: FREE, vmo: mapped, bytes: 8 * PAGE }],
              pagerBlocking: patient ? 'allow' : 'fail',
            });
            const neighbour = await AsmGuest.start(kernel, used, NEIGHBOUR, { name: 'neighbour', job });
            tasks(used, guest, neighbour);
            const handles = [...guest.dispatcher.handles.entries()].map(([value]) => value);
            expect(
              used.call(
                'vmo_write',
                guest.dataVmo,
                encode(calls, handles),
                PAGE,
                calls.length * ENTRY_WORDS * 8 + 8,
              ),
            ).toBe(ZX_OK);
            yields = 0;
            const { outcome } = await kernel.run();
            expect(['exited', 'deadlock', 'stopped']).toContain(outcome);

            // Whatever it has made: jobs and processes of its own may still be there.
            used.taskKill(guest.process);
            used.taskKill(neighbour.process);
            used.taskKill(job);
            used.close();
            const bytes = new Uint8Array(expected.length);
            expect((await host.vmoRead(canary, bytes, 0)).status).toBe(ZX_OK);
            expect(bytes).toEqual(expected);
          },
        ),
        { numRuns: 120 },
      );

      // Pages of the file that were fetched are still there.
      host.call('vmo_write', canary, expected, 0, expected.length);
      const after = kernel.statistics();
      expect(after.objects).toBe(before.objects);
      expect(after.processes).toBe(0);
      expect(before.frames.free - after.frames.free).toBeLessThanOrEqual(8);
      expect(after.systemCalls).toBeGreaterThan(1_500);
      kernel.close();
      expect(kernel.statistics().frames.free).toBe(after.frames.total - 1);
    },
  );
});
