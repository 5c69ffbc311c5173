import { describe, expect, test } from 'vitest';
import { makeClint, Plic, Uart16550 } from '../../src/index.js';
import { expectNoDifferences } from './differences.js';
import { EXPECTED_PRIVILEGED } from './expected.js';
import { hasQemu, runQemu } from './qemu.js';
import { runImage } from './run-image.js';
import { batches, seededRandom } from './scale.js';
import { causeName, Tally } from './tally.js';
import { describePrivilegeCase, labelsOf, makePrivilegeCase, makePrivilegeImage } from './privilege-cases.js';
import type { PrivilegeCase, PrivilegeOutcome } from './privilege-cases.js';

const CASES = 8000;

/** Devices by which machine mode is interrupted. */
function interruptDevices() {
  const plic = new Plic();
  const uart = new Uart16550({ transmit: () => undefined, interrupt: plic.line(UART_SOURCE) });
  return [uart, plic, ...makeClint()];
}
const ILLEGAL = 2n;
const STIP = 0x20n;
const UART_SOURCE = 10;

/**
 * What QEMU 10 gives, put right where it and the manual differ, or the manual leaves a choice:
 *
 * - tval of an illegal instruction is the instruction here; where a helper of QEMU finds out that it is one, it is 0 or that
 *   of an earlier instruction.
 * - sip.STIP follows mip.STIP where it is delegated ("Supervisor Interrupt (sip and sie) Registers"); with stimecmp, QEMU
 *   does not show it there.
 */
function corrected(
  { inputs }: PrivilegeCase,
  theirs: PrivilegeOutcome,
  ours: PrivilegeOutcome,
): PrivilegeOutcome {
  const events = theirs.events.map((event, index) => {
    const { cause, tval } = ours.events[index] ?? event;
    return cause === ILLEGAL && hasHelper(tval) ? { ...event, tval } : event;
  });
  const registers = { ...theirs.registers };
  for (const name of ['mtval', 'stval']) {
    if (hasHelper(ours.registers[name])) registers[name] = ours.registers[name];
  }
  const comparesTime = ours.registers['menvcfg'] >> 63n === 1n || inputs.menvcfg >> 63n === 1n;
  const isSip = inputs.word >> 20n === 0x144n;
  if (comparesTime) registers['sip'] |= ours.registers['sip'] & STIP;
  const result = comparesTime && isSip ? theirs.result | (ours.result & STIP) : theirs.result;
  return { events, registers, result };
}

const MODES = ['U', 'S', '', 'M'];
function tally(cases: readonly PrivilegeCase[], outcomes: readonly PrivilegeOutcome[]): Tally {
  const counts = new Tally();
  for (const each of cases) {
    counts.add(`instruction in ${MODES[each.privilege]}`);
    for (const label of labelsOf(each)) counts.add(label);
  }
  for (const { taker, cause } of outcomes.flatMap(({ events }) => events)) {
    counts.add(`${MODES[taker]}: ${causeName(cause)}`);
  }
  return counts;
}

/** Whether an instruction is mret, sret or a cache-block operation. */
const hasHelper = (bits: bigint): boolean =>
  bits === 0x3020_0073n || bits === 0x1020_0073n || (bits & 0x707fn) === 0x200fn;

function differences(theirs: PrivilegeOutcome, ours: PrivilegeOutcome): string[] {
  const lines: string[] = [];
  const show = (value: unknown): string =>
    JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? `0x${v.toString(16)}` : v));
  const compare = (what: string, a: unknown, b: unknown): void => {
    if (show(a) !== show(b)) lines.push(`${what}: ${show(a)} there, ${show(b)} here`);
  };
  compare('result', theirs.result, ours.result);
  compare('events', theirs.events, ours.events);
  for (const name of Object.keys(ours.registers)) compare(name, theirs.registers[name], ours.registers[name]);
  return lines;
}

describe('one instruction in a mode with random control registers', () => {
  test.for(batches(1))('traps, interrupts and changes registers as on QEMU (%i)', async (batch, { task }) => {
    const random = seededRandom(batch);
    const cases = Array.from({ length: CASES }, () => makePrivilegeCase(random));
    const image = makePrivilegeImage(cases);
    const ours = await runImage(image.image, image.ramBytes, { devices: interruptDevices() });
    expect(ours.exitCode).toBe(0);
    if (!hasQemu(task, `${CASES} privileged instructions compared with QEMU`)) return;
    const reference = runQemu(image.image, image.ramBytes);
    expect(reference.exitCode).toBe(0);
    const here = image.outcomes(ours.ram);
    tally(cases, here).report(task, 'privileged instructions by mode, traps by mode');
    const found = image.outcomes(reference.ram).flatMap((outcome, index) => {
      const lines = differences(corrected(cases[index], outcome, here[index]), here[index]);
      return lines.length === 0 ? [] : [`${describePrivilegeCase(cases[index])}\n  ${lines.join('\n  ')}`];
    });
    expectNoDifferences(task, found);
    expect(tally(cases, here).missing(EXPECTED_PRIVILEGED)).toEqual([]);
  });
});
