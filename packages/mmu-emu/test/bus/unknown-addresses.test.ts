/**
 * What is at no physical address, and what devices do not take.
 *
 * @see The RISC-V Instruction Set Manual, Volume II, "Physical Memory Attributes", "Machine Trap Value (mtval) Register"
 */

import { beforeAll, describe, expect, test } from 'vitest';
import {
  assemble,
  EXIT_WFI,
  HART_PC,
  Machine,
  readRegister,
  VirtPlatform,
  writeRegister,
} from '../../src/index.js';
import { CountedDevices } from './counted-devices.js';

const ORIGIN = 0x8000_0000;
const RAM_BYTES = 2 ** 21;
const PAGE = 4096n;
const [FETCH_FAULT, LOAD_FAULT, STORE_FAULT] = [1n, 5n, 7n];

const newPlatform = (): VirtPlatform =>
  new VirtPlatform({ transmit: () => undefined, random: () => undefined, epoch: 0n });
/** Where devices are; those of a machine are its own. */
const platform = newPlatform();

/** Windows with nothing in them, `[start, end)`: between devices, around RAM, and up to the end of what an address can be. */
function holes(): readonly (readonly [start: bigint, end: bigint])[] {
  const windows = [...platform.devices, { base: ORIGIN, bytes: RAM_BYTES }].sort((a, b) => a.base - b.base);
  const found: (readonly [bigint, bigint])[] = [];
  let end = 0;
  for (const { base, bytes } of windows) {
    if (base > end) found.push([BigInt(end), BigInt(base)]);
    end = base + bytes;
  }
  return [...found, [BigInt(end), 2n ** 56n]];
}

/** Of each hole the first, the last, and one in between; and a few that are round. */
const NOWHERE: readonly bigint[] = [
  ...holes().flatMap(([start, end]) => [start, ((start + end) / 2n) & ~15n, end - 8n]),
  0x4000_0000n,
  0xffff_fff8n,
  0x1_0000_0000n,
  0x1_8000_0000n,
  0xff_8000_0000n,
  2n ** 52n,
  2n ** 53n + 8n,
];
/** Machine mode can name what no physical address is. */
const BEYOND: readonly bigint[] = [2n ** 56n, 2n ** 56n + BigInt(ORIGIN), 2n ** 63n, 2n ** 64n - 8n];

const KINDS: readonly (readonly [access: string, cause: bigint])[] = [
  ...['lb', 'lbu', 'lh', 'lhu', 'lw', 'lwu', 'ld'].map((name) => [`${name} a0, 0(s0)`, LOAD_FAULT] as const),
  ...['flh', 'flw', 'fld'].map((name) => [`${name} fa0, 0(s0)`, LOAD_FAULT] as const),
  ['c.ld a0, 0(s0)', LOAD_FAULT],
  ...['sb', 'sh', 'sw', 'sd'].map((name) => [`${name} a0, 0(s0)`, STORE_FAULT] as const),
  ...['fsh', 'fsw', 'fsd'].map((name) => [`${name} fa0, 0(s0)`, STORE_FAULT] as const),
  ['c.sd a0, 0(s0)', STORE_FAULT],
  ['lr.w a0, (s0)', LOAD_FAULT],
  ['lr.d a0, (s0)', LOAD_FAULT],
  ['sc.d a0, a1, (s0)', STORE_FAULT],
  ['amoswap.w a0, a1, (s0)', STORE_FAULT],
  ['amoadd.d a0, a1, (s0)', STORE_FAULT],
  ['amominu.d zero, a1, (s0)', STORE_FAULT],
  ['cbo.zero (s0)', STORE_FAULT],
  ['cbo.clean (s0)', STORE_FAULT],
  ['cbo.flush (s0)', STORE_FAULT],
  ['cbo.inval (s0)', STORE_FAULT],
  ['jr s0', FETCH_FAULT],
];
/** With their number, by which a case is found. */
const ACCESSES = KINDS.map(([access, cause], index) => [access, cause, index] as const);
/** Those that devices take. */
const PLAIN = /^(c\.)?(f?l[bhwd]u?|f?s[bhwd]) /;

const CASES = 0x1000;
const CASE_BYTES = 32;
const [ROOT, TABLE, LEAF] = [0x1_0000, 0x1_1000, 0x1_2000];
/** A page of the first GiB, from which the tests' tables lead where they want. */
const MAPPED = 0x4000_0000n;

/** Where the code of an access is. */
const caseAt = (index: number): bigint => BigInt(ORIGIN + CASES + CASE_BYTES * index);

class Bench {
  readonly machine: Machine;
  readonly counted: CountedDevices;

  private constructor(machine: Machine, counted: CountedDevices) {
    this.machine = machine;
    this.counted = counted;
  }

  static async of(engine: 'interpreter' | 'translator'): Promise<Bench> {
    const counted = new CountedDevices(newPlatform().devices);
    const machine = await Machine.create({ ramBytes: RAM_BYTES, engine, devices: counted.devices });
    const handler = 'csrr s3, mcause\ncsrr s4, mtval\ncsrr s5, mepc\nwfi';
    machine.ram.writable(0).set(assemble(handler, { origin: ORIGIN }).bytes);
    // A jump leads to each access, so that it is translated where everything is.
    const cases = KINDS.map(([access]) => `.balign ${CASE_BYTES}\nj 1f\n1: ${access}\n1: wfi\nj 1b`).join(
      '\n',
    );
    const { bytes } = assemble(cases, { origin: ORIGIN + CASES });
    machine.ram.writable(1, Math.ceil(bytes.length / 4096)).set(bytes);
    const bench = new Bench(machine, counted);
    bench.set('mtvec', BigInt(ORIGIN));
    bench.set('pmpaddr0', -1n);
    bench.set('pmpcfg0', 0x1fn);
    bench.set('menvcfg', 0xf0n);
    return bench;
  }

  get(name: string): bigint {
    return readRegister(this.machine.harts[0], name) ?? -1n;
  }

  set(name: string, value: bigint): void {
    if (!writeRegister(this.machine.harts[0], name, value)) throw new Error(`${name} cannot be set`);
  }

  entry(table: number, index: number, value: bigint): void {
    const { ram } = this.machine;
    ram.writePte(table >>> 12, index, Number(value & 0xffff_ffffn), Number(value >> 32n));
  }

  /** Runs the access of a case, with an address in s0; gives what was trapped, and whether anything else has changed. */
  access(index: number, address: bigint, mode: 'machine' | 'supervisor' | 'borrowed' = 'machine') {
    const { machine, counted } = this;
    const [hart] = machine.harts;
    for (const name of ['a0', 'fa0']) this.set(name, 0x1122_3344_5566_7788n);
    for (const name of ['s3', 's4', 's5']) this.set(name, 0n);
    this.set('s0', address);
    this.set('a1', 5n);
    // Supervisors run by mret; with MPRV, machine mode loads and stores as they do.
    this.set(
      'mstatus',
      0x6000n | (mode === 'machine' ? 0n : 0x800n) | (mode === 'borrowed' ? 0x2_0000n : 0n),
    );
    const start = caseAt(index);
    if (mode === 'supervisor') {
      this.set('mepc', start);
      hart.state[HART_PC] = ORIGIN + 0x800;
    } else {
      hart.state[HART_PC] = Number(start);
    }
    hart.state[HART_PC + 1] = 0;
    hart.sfenceVma();
    const before = counted.accesses;
    const reason = machine.run(100);
    return {
      reason,
      cause: this.get('s3'),
      tval: this.get('s4'),
      epc: this.get('s5'),
      kept: ['a0', 'fa0'].every((name) => this.get(name) === 0x1122_3344_5566_7788n),
      asked: counted.accesses - before,
    };
  }

  /** What an access that faults has to give. */
  static fault(index: number, cause: bigint, tval: bigint) {
    // The access stands behind a jump, which the assembler makes a short one.
    const epc = cause === FETCH_FAULT ? tval : caseAt(index) + BigInt(JUMP_BYTES);
    return { reason: EXIT_WFI, cause, tval, epc, kept: true, asked: 0 };
  }
}

const JUMP_BYTES = assemble('j 1f\n1: nop', { origin: ORIGIN }).bytes.length - 4;

describe.each(['interpreter', 'translator'] as const)(
  'an access fault, with the address and nothing else changed (%s)',
  (engine) => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await Bench.of(engine);
      bench.machine.ram.writable(0).set(assemble('mret', { origin: ORIGIN + 0x800 }).bytes, 0x800);
    });

    test.each(ACCESSES)('%s where nothing is, in machine mode', (_access, cause, index) => {
      for (const address of [...NOWHERE, ...BEYOND]) {
        const at = `0x${address.toString(16)}`;
        expect(bench.access(index, address), at).toEqual(Bench.fault(index, cause, address));
      }
    });

    test.each(ACCESSES)('%s where nothing is, through page tables', (_access, cause, index) => {
      bench.set('satp', (8n << 60n) | BigInt((ORIGIN + ROOT) / 4096));
      for (const address of NOWHERE) {
        bench.entry(ROOT, 2, (BigInt(ORIGIN) >> 2n) | 0xcfn);
        bench.entry(ROOT, 1, (BigInt((ORIGIN + TABLE) / 4096) << 10n) | 1n);
        bench.entry(TABLE, 0, (BigInt((ORIGIN + LEAF) / 4096) << 10n) | 1n);
        bench.entry(LEAF, 0, ((address / PAGE) << 10n) | 0xcfn);
        const vaddr = MAPPED + (address % PAGE);
        for (const mode of cause === FETCH_FAULT
          ? (['supervisor'] as const)
          : (['supervisor', 'borrowed'] as const)) {
          const at = `0x${address.toString(16)} in mode ${mode}`;
          expect(bench.access(index, vaddr, mode), at).toEqual(Bench.fault(index, cause, vaddr));
        }
      }
      bench.set('satp', 0n);
    });

    test.each(ACCESSES)('%s with a page table where nothing is, or a device', (_access, cause, index) => {
      const tables = [...NOWHERE, ...platform.devices.map(({ base }) => BigInt(base))].map(
        (address) => address / PAGE,
      );
      for (const ppn of new Set(
        tables.filter((page) => page < BigInt(ORIGIN) / PAGE || page >= BigInt(ORIGIN + RAM_BYTES) / PAGE),
      )) {
        bench.set('satp', (8n << 60n) | BigInt((ORIGIN + ROOT) / 4096));
        bench.entry(ROOT, 2, (BigInt(ORIGIN) >> 2n) | 0xcfn);
        for (const level of [2, 1]) {
          bench.entry(ROOT, 1, ((level === 2 ? ppn : BigInt((ORIGIN + TABLE) / 4096)) << 10n) | 1n);
          bench.entry(TABLE, 0, (ppn << 10n) | 1n);
          const at = `table ${level} at page ${ppn}`;
          expect(bench.access(index, MAPPED + 16n, 'supervisor'), at).toEqual(
            Bench.fault(index, cause, MAPPED + 16n),
          );
        }
        if (cause === FETCH_FAULT) continue;
        bench.set('satp', (8n << 60n) | ppn);
        expect(bench.access(index, MAPPED + 16n, 'borrowed'), `root at page ${ppn}`).toEqual(
          Bench.fault(index, cause, MAPPED + 16n),
        );
      }
      bench.set('satp', 0n);
    });

    test('the first instruction of a supervisor whose root table is nowhere', () => {
      for (const address of NOWHERE.filter((each) => each < ORIGIN || each >= ORIGIN + RAM_BYTES)) {
        bench.set('satp', (8n << 60n) | (address / PAGE));
        const { cause, tval, epc, asked } = bench.access(0, 0n, 'supervisor');
        expect([cause, tval, epc, asked], `0x${address.toString(16)}`).toEqual([
          FETCH_FAULT,
          caseAt(0),
          caseAt(0),
          0,
        ]);
      }
      bench.set('satp', 0n);
    });

    test.each(ACCESSES.filter(([access]) => !PLAIN.test(access)))(
      '%s at a device',
      (_access, cause, index) => {
        for (const { base, bytes, name } of platform.devices) {
          for (const address of [BigInt(base), BigInt(base + bytes - 8)]) {
            expect(bench.access(index, address), name).toEqual(Bench.fault(index, cause, address));
          }
        }
      },
    );

    test.each(ACCESSES.filter(([access]) => PLAIN.test(access) && !/^f?[ls]bu? /.test(access)))(
      '%s at a device, misaligned',
      (_access, cause, index) => {
        for (const { base, bytes, name } of platform.devices) {
          for (const address of [BigInt(base + 1), BigInt(base + bytes - 1)]) {
            expect(bench.access(index, address), name).toEqual(Bench.fault(index, cause, address));
          }
        }
      },
    );

    test('a plain access at a device is none', () => {
      const plain = KINDS.findIndex(([access]) => access.startsWith('lw '));
      for (const { base, name } of platform.devices) {
        expect(bench.access(plain, BigInt(base)), name).toMatchObject({
          reason: EXIT_WFI,
          cause: 0n,
          asked: 1,
        });
      }
    });
  },
);
