import { describe, expect, test } from 'vitest';
import { assemble, Htif, loadElf, Machine, makeClint, Plic, RAM_BASE, TestFinisher, Uart16550 } from '../../src/index.js'; // prettier-ignore
import { HART_PC } from '../../src/hart/state.js';
import { buildElf, R, W, X } from '../elf/elf-builder.js';
import { hasQemu, runQemu } from '../qemu/qemu.js';
import { PROGRAMS, programSource } from './programs.js';

const assembled = (name: string, failing?: number): ReturnType<typeof assemble> =>
  assemble(programSource(name, failing), { origin: RAM_BASE });

/** Runs a program from its ELF file; gives what it said by HTIF: 0, or the number of the test that failed. */
async function run(name: string, failing?: number): Promise<number> {
  const { bytes, symbols } = assembled(name, failing);
  const tohost = symbols.get('tohost')!;
  const elf = buildElf({
    entry: RAM_BASE,
    segments: [{ flags: R | W | X, vaddr: RAM_BASE, paddr: RAM_BASE, data: bytes }],
    symbols: [{ name: 'tohost', value: BigInt(tohost) }],
  });
  const devices = [
    new Uart16550({ transmit: () => undefined }),
    new Plic(),
    ...makeClint(),
    new TestFinisher(),
  ];
  const machine = await Machine.create({ ramBytes: 2 ** 20, devices });
  machine.harts[0].state[HART_PC] = loadElf(machine, elf).entry;
  let said = -1;
  new Htif(machine, {
    tohost,
    exit: (code) => {
      said = code;
      machine.stop(code);
    },
  });
  machine.run(100_000);
  return said;
}

describe('self-checking programs', () => {
  test.each(PROGRAMS)('of %s pass', async (name) => {
    expect(await run(name)).toBe(0);
  });

  test.for(PROGRAMS)('of %s pass on QEMU', (name, { task }) => {
    if (!hasQemu(task, `programs of ${name} run on QEMU`)) {
      expect(PROGRAMS).toContain(name);
      return;
    }
    const { bytes } = assembled(name);
    expect(runQemu(bytes, 2 ** 21).exitCode).toBe(0);
  });

  test('say which test fails', async () => {
    expect([await run('M', 2), await run('memory management', 1)]).toEqual([2, 1]);
  });
});
