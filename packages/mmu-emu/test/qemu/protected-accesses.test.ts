import { describe, expect, test } from 'vitest';
import { PTE_A, PTE_D } from '../../src/index.js';
import { expectNoDifferences } from './differences.js';
import { EXPECTED_PROTECTED } from './expected.js';
import { makeProtectedAccess, makeProtectedImage } from './protected-accesses.js';
import type { ProtectedAccess, ProtectedOutcome } from './protected-accesses.js';
import { hasQemu, runQemu } from './qemu.js';
import { runImage } from './run-image.js';
import { batches, seededRandom } from './scale.js';
import { causeName, Tally } from './tally.js';

const ACCESSES = 20_000;
const STORE_ACCESS = 7n;
const STORE_PAGE_FAULT = 15n;
/** The page fault of the same access, by access fault. */
const ACCESS_FAULTS = new Map([[1n, 12n], [5n, 13n], [7n, 15n]]); // prettier-ignore
const PAGE_FAULTS = new Set(ACCESS_FAULTS.values());
/** V, R, W and X: a pointer has the first only. */
const KIND_OF_ENTRY = 0xfn;

/**
 * Whether two outcomes are the same, `theirs` being QEMU's; where QEMU 10 and the manual differ, the rule is written out:
 *
 * - QEMU makes the load of an AMO first: what forbids that is found before what forbids the store, and A is set.
 * - tval of a cache-block operation is the address it was given; QEMU gives that of the block.
 * - QEMU sets A and D before it finds that the size of a Svnapot page is reserved.
 * - where there is no memory for a table, the walk ends in an access fault ("Virtual Address Translation Process", step 2);
 *   QEMU raises a page fault.
 */
function isSame({ kind, words }: ProtectedAccess, theirs: ProtectedOutcome, ours: ProtectedOutcome): boolean {
  const entry = words[4];
  const toNowhere = (entry & KIND_OF_ENTRY) === 1n && ACCESS_FAULTS.get(ours.cause) === theirs.cause;
  if (toNowhere) return true;
  const failedAmo = kind === 'amo' && ours.cause !== -1n;
  const cause =
    failedAmo && theirs.cause === STORE_ACCESS && ours.cause === STORE_PAGE_FAULT ? ours.cause : theirs.cause;
  const isBlock = kind === 'zero' && theirs.tval === (ours.tval & -64n);
  const tval = isBlock ? ours.tval : theirs.tval;
  const reservedSize = entry >> 63n === 1n && PAGE_FAULTS.has(ours.cause);
  const bits = failedAmo || reservedSize ? ~BigInt(PTE_A | PTE_D) : -1n;
  return (
    cause === ours.cause &&
    tval === ours.tval &&
    theirs.loaded === ours.loaded &&
    (theirs.entryAfter & bits) === (ours.entryAfter & bits)
  );
}

const show = ({ cause, tval, loaded, entryAfter }: ProtectedOutcome): string =>
  `cause ${cause} tval 0x${tval.toString(16)} loaded 0x${loaded.toString(16)} entry 0x${entryAfter.toString(16)}`;

function tally(accesses: readonly ProtectedAccess[], outcomes: readonly ProtectedOutcome[]): Tally {
  const counts = new Tally();
  for (const label of accesses.flatMap(({ labels }) => labels)) counts.add(label);
  for (const { cause } of outcomes) counts.add(cause === -1n ? 'no exception' : causeName(cause));
  return counts;
}

describe('one access with a random page-table entry, translation and protection', () => {
  test.for(batches(1))(
    'ends as on QEMU: exception, tval, load, A and D bits (%i)',
    async (batch, { task }) => {
      const random = seededRandom(batch);
      const accesses = Array.from({ length: ACCESSES }, () => makeProtectedAccess(random));
      const image = makeProtectedImage(accesses);
      const ours = await runImage(image.image, image.ramBytes);
      expect(ours.exitCode).toBe(0);
      if (!hasQemu(task, `${ACCESSES} protected accesses compared with QEMU`)) return;
      const reference = runQemu(image.image, image.ramBytes);
      expect(reference.exitCode).toBe(0);
      const here = image.outcomes(ours.ram);
      const counts = tally(accesses, here);
      counts.report(task, 'accesses by translation, protection, kind and outcome');
      const found = image.outcomes(reference.ram).flatMap((outcome, index) => {
        const access = accesses[index];
        if (isSame(access, outcome, here[index])) return [];
        const words = access.words.map((value) => `0x${value.toString(16)}`).join(' ');
        return [
          `${access.labels.join(', ')}: ${words}\n  there ${show(outcome)}\n  here  ${show(here[index])}`,
        ];
      });
      expectNoDifferences(task, found);
      expect(counts.missing(EXPECTED_PROTECTED)).toEqual([]);
    },
  );
});
