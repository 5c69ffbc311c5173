import {
  CAUSE_FETCH_PAGE_FAULT,
  CAUSE_ILLEGAL_INSTRUCTION,
  CAUSE_USER_ECALL,
  EXIT_TRAP,
  HART_CAUSE,
  HART_PC,
  HART_TVAL,
  HART_X,
  Machine,
  PTE_A,
  PTE_D,
  PTE_R,
  PTE_U,
  PTE_V,
  PTE_W,
  PTE_X,
  VirtualClock,
  type Hart,
} from '@faultline/mmu-emu';
import { beforeAll, describe, expect, it } from 'vitest';
import { CALL_TABLE, callNumber } from '../../src/syscall/table.js';
import { buildVdso } from '../../src/syscall/vdso.js';

const FACTS = { ramBytes: 0x1_4000_0000, harts: 3, version: 'a version' };
const image = buildVdso(CALL_TABLE, FACTS);

const VDSO = 0x20_0000;
const DATA = 0x30_0000;
/** Nothing is mapped there: a fetch from it is how a function returns to the test. */
const RETURN = 0x3f_f000;
const START_TIME = 5_000_000_000;

const [RA, SP, T0, A0, A1] = [1, 2, 5, 10, 11];
const TWO_64 = 1n << 64n;

let machine: Machine;
let hart: Hart;

/** One call into the kernel. */
interface Entered {
  readonly name: string;
  readonly args: readonly bigint[];
}

type Ending = { returned: bigint; second: bigint } | { trap: number };

function getX(index: number): bigint {
  const at = HART_X + 2 * index;
  return (BigInt(hart.context[at + 1]) << 32n) | BigInt(hart.context[at]);
}

function setX(index: number, value: bigint): void {
  const at = HART_X + 2 * index;
  const unsigned = BigInt.asUintN(64, value);
  hart.context[at] = Number(unsigned & 0xffff_ffffn);
  hart.context[at + 1] = Number(unsigned >> 32n);
}

/** Calls a function of the vDSO; `answer` plays the kernel. The stack pointer leads nowhere. */
function run(
  name: string,
  args: readonly (number | bigint)[],
  answer: (name: string) => bigint | 'exit' = () => 0n,
): { ending: Ending; entered: Entered[] } {
  const entered: Entered[] = [];
  hart.context.fill(0);
  hart.context[HART_PC] = VDSO + (image.symbols.get(name) as number);
  setX(RA, BigInt(RETURN));
  setX(SP, BigInt(RETURN));
  args.forEach((arg, index) => setX(A0 + index, BigInt(arg)));
  for (let step = 0; step < 100; step += 1) {
    expect(hart.run(10_000)).toBe(EXIT_TRAP);
    const pc = hart.context[HART_PC];
    const cause = hart.state[HART_CAUSE];
    if (cause === CAUSE_FETCH_PAGE_FAULT && hart.state[HART_TVAL] === RETURN) {
      return { ending: { returned: getX(A0), second: getX(A1) }, entered };
    }
    if (cause !== CAUSE_USER_ECALL) return { ending: { trap: cause }, entered };
    const number = Number(getX(T0));
    expect(pc).toBe(VDSO + image.sites[number]);
    const call = CALL_TABLE[number]?.name;
    entered.push({ name: call, args: [0, 1, 2, 3].map((index) => getX(A0 + index)) });
    const result = answer(call);
    if (result === 'exit') return { ending: { trap: CAUSE_USER_ECALL }, entered };
    setX(A0, result);
    hart.context[HART_PC] = pc + 4;
  }
  throw new Error(`${name} does not end`);
}

beforeAll(async () => {
  const clock = new VirtualClock({ start: START_TIME });
  machine = await Machine.create({ mode: 'hosted', ramBytes: 1 << 20, clock, timebaseHz: 1_000_000_000 });
  hart = machine.harts[0];
  const { ram } = machine;
  const table = (frame: number): number => (ram.basePpn + frame) * 1024 + PTE_V;
  ram.zero(0, 3);
  ram.writePte(0, 0, table(1), 0);
  ram.writePte(1, 1, table(2), 0);
  const pages = image.bytes.length / 4096;
  ram.writable(3, pages).set(image.bytes);
  for (let page = 0; page < pages; page += 1) {
    const flags = PTE_V | PTE_U | PTE_R | PTE_A | (page * 4096 >= image.codeOffset ? PTE_X : 0);
    ram.writePte(2, page, (ram.basePpn + 3 + page) * 1024 + flags, 0);
  }
  const dataFrame = 3 + pages;
  ram.zero(dataFrame);
  ram.writePte(2, 256, (ram.basePpn + dataFrame) * 1024 + (PTE_V | PTE_U | PTE_R | PTE_W | PTE_A | PTE_D), 0);
  hart.setAddressSpace(ram.basePpn, 1);
  hart.sfenceVma();
});

/** The data page. */
function data(): DataView {
  const bytes = machine.ram.readable(3 + image.bytes.length / 4096);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

describe('functions of the vDSO, on the machine', () => {
  it('tell the time in nanoseconds, ever later, without entering the kernel', () => {
    const first = run('zx_clock_get_monotonic', []);
    const second = run('zx_ticks_get', []);
    expect([first.entered, second.entered]).toEqual([[], []]);
    const [before, after] = [first.ending, second.ending].map((ending) =>
      'returned' in ending ? ending.returned : -1n,
    ) as [bigint, bigint];
    expect(before).toBeGreaterThanOrEqual(BigInt(START_TIME));
    expect(after).toBeGreaterThan(before);
    expect(after).toBeLessThan(BigInt(START_TIME) + 1_000_000n);
  });

  it('add durations to the time, and stop at the ends of the scale', () => {
    const after = (duration: bigint): bigint => {
      const { ending } = run('zx_deadline_after', [duration]);
      return 'returned' in ending ? BigInt.asIntN(64, ending.returned) : 0n;
    };
    const infinite = (1n << 63n) - 1n;
    expect(after(1_000_000_000n)).toBeGreaterThan(BigInt(START_TIME) + 1_000_000_000n);
    expect(after(1_000_000_000n)).toBeLessThan(BigInt(START_TIME) + 1_001_000_000n);
    expect(after(-1_000_000_000n)).toBeLessThan(BigInt(START_TIME) - 900_000_000n);
    expect([after(infinite), after(infinite - 1_000n)]).toEqual([infinite, infinite]);
    expect(after(-infinite - 1n)).toBeLessThan(-infinite + BigInt(START_TIME) + 1_000_000n);
  });

  it('know the machine', () => {
    const result = (name: string): unknown => run(name, []).ending;
    expect(result('zx_ticks_per_second')).toMatchObject({ returned: 1_000_000_000n });
    expect(result('zx_system_get_page_size')).toMatchObject({ returned: 4096n });
    expect(result('zx_system_get_num_cpus')).toMatchObject({ returned: 3n });
    expect(result('zx_system_get_physmem')).toMatchObject({ returned: 0x1_4000_0000n });
    const version = run('zx_system_get_version_string', []).ending;
    if (!('returned' in version)) throw new Error('no version');
    const at = Number(version.returned) - VDSO;
    const text = new TextDecoder().decode(image.bytes.subarray(at, at + Number(version.second)));
    expect([text, image.bytes[at + text.length]]).toEqual(['a version', 0]);
    expect(run('zx_cache_flush', [DATA, 64, 1]).ending).toMatchObject({ returned: 0n });
  });

  it('refuse what the kernel does not offer', () => {
    const { ending, entered } = run('zx_socket_create', [0, DATA, DATA]);
    expect(entered).toEqual([]);
    expect(ending).toMatchObject({ returned: TWO_64 - 2n });
  });

  it('enter the kernel with all arguments in place, and bring its result back', () => {
    const { ending, entered } = run('zx_port_wait', [7, 8, 9, 10], () => TWO_64 - 21n);
    expect(entered).toEqual([{ name: 'port_wait', args: [7n, 8n, 9n, 10n] }]);
    expect(ending).toMatchObject({ returned: TWO_64 - 21n });
  });

  it('draw random bytes 256 at a time', () => {
    const { entered, ending } = run('zx_cprng_draw', [DATA, 600]);
    expect(ending).toHaveProperty('returned');
    expect(entered.map((call) => [call.name, ...call.args.slice(0, 2)])).toEqual([
      ['cprng_draw_once', BigInt(DATA), 256n],
      ['cprng_draw_once', BigInt(DATA + 256), 256n],
      ['cprng_draw_once', BigInt(DATA + 512), 88n],
    ]);
    expect(run('zx_cprng_draw', [DATA, 0]).entered).toEqual([]);
    expect(run('zx_cprng_draw', [DATA, 1], () => -10n).ending).toEqual({ trap: CAUSE_ILLEGAL_INSTRUCTION });
  });

  it('store, wake, close and exit, in this order, without a stack', () => {
    const exit = (name: string): bigint | 'exit' => (name === 'thread_exit' ? 'exit' : 0n);
    const whole = run('zx_futex_wake_handle_close_thread_exit', [DATA, 5, -3, 0x43], exit);
    expect(whole.entered.map((call) => call.name)).toEqual(['futex_wake', 'handle_close', 'thread_exit']);
    expect(whole.entered[0]?.args.slice(0, 2)).toEqual([BigInt(DATA), 5n]);
    expect(whole.entered[1]?.args[0]).toBe(0x43n);
    expect(data().getInt32(0, true)).toBe(-3);
    const without = run('zx_futex_wake_handle_close_thread_exit', [DATA, 5, 1, 0], exit);
    expect(without.entered.map((call) => call.name)).toEqual(['futex_wake', 'thread_exit']);
    const failing = run('zx_futex_wake_handle_close_thread_exit', [DATA, 5, 1, 3], (name) =>
      name === 'handle_close' ? -11n : 0n,
    );
    expect(failing.ending).toEqual({ trap: CAUSE_ILLEGAL_INSTRUCTION });
  });

  it('unmap, close and exit; or return what unmapping said', () => {
    const name = 'zx_vmar_unmap_handle_close_thread_exit';
    const exit = (call: string): bigint | 'exit' => (call === 'thread_exit' ? 'exit' : 0n);
    const whole = run(name, [1, 2, 3, 4], exit);
    expect(whole.entered.map((call) => call.name)).toEqual(['vmar_unmap', 'handle_close', 'thread_exit']);
    expect(whole.entered[0]?.args.slice(0, 3)).toEqual([1n, 2n, 3n]);
    expect(whole.entered[1]?.args[0]).toBe(4n);
    expect(run(name, [1, 2, 3, 0], exit).entered.length).toBe(2);
    expect(run(name, [1, 2, 3, 4], () => -10n)).toMatchObject({ ending: { returned: TWO_64 - 10n } });
    const failing = run(name, [1, 2, 3, 4], (call) => (call === 'handle_close' ? -11n : 0n));
    expect(failing.ending).toEqual({ trap: CAUSE_ILLEGAL_INSTRUCTION });
  });

  it('are numbered as the table says', () => {
    for (const name of ['handle_close', 'vmo_read', 'process_exit', 'futex_wait']) {
      const { entered } = run(`zx_${name}`, [], () => 'exit');
      expect(entered[0]?.name).toBe(name);
      expect(callNumber(name)).toBeDefined();
    }
  });
});
