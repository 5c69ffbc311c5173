import { assemble, parseElf } from '@faultline/mmu-emu';
import { describe, expect, it } from 'vitest';
import { ZX_ERR_NOT_SUPPORTED } from '../../src/abi/status.js';
import { guestCalls } from '../../src/syscall/guest-headers.js';
import { CALL_TABLE, callNumber } from '../../src/syscall/table.js';
import { UNSUPPORTED_CALLS } from '../../src/syscall/unsupported.js';
import { buildVdso } from '../../src/syscall/vdso.js';
import { elfHash } from '../../src/syscall/vdso-elf.js';

const FACTS = { ramBytes: 256 * 1024 * 1024, harts: 2, version: 'faultline test' };
const image = buildVdso(CALL_TABLE, FACTS);
const view = new DataView(image.bytes.buffer);

/** The one word of an instruction. */
function word(source: string): number {
  return new DataView(assemble(source).bytes.buffer).getUint32(0, true);
}

const [RET, ECALL, UNIMP] = ['ret', 'ecall', 'unimp'].map(word) as [number, number, number];

/** Instruction words from a position on, up to and with the first `ret`. */
function codeAt(position: number): number[] {
  const words: number[] = [];
  for (let at = position; words.at(-1) !== RET && words.length < 40; at += 4)
    words.push(view.getUint32(at, true));
  return words;
}

/** Looks a name up as a program does: by the hash table of the dynamic section. */
function lookUp(name: string): { offset: number; weak: boolean } | undefined {
  const dynamic = new Map<number, number>();
  const program = Array.from({ length: view.getUint16(56, true) }, (_none, index) => 64 + 56 * index);
  const header = program.find((at) => view.getUint32(at, true) === 2) as number;
  for (let at = view.getUint32(header + 8, true); view.getUint32(at, true) !== 0; at += 16) {
    dynamic.set(view.getUint32(at, true), view.getUint32(at + 8, true));
  }
  const [hash, strings, symbols] = [4, 5, 6].map((tag) => dynamic.get(tag) as number) as [
    number,
    number,
    number,
  ];
  const buckets = view.getUint32(hash, true);
  let index = view.getUint32(hash + 8 + 4 * (elfHash(name) % buckets), true);
  for (; index !== 0; index = view.getUint32(hash + 8 + 4 * (buckets + index), true)) {
    const at = symbols + 24 * index;
    const start = strings + view.getUint32(at, true);
    const end = image.bytes.indexOf(0, start);
    if (new TextDecoder().decode(image.bytes.subarray(start, end)) !== name) continue;
    return { offset: view.getUint32(at + 8, true), weak: view.getUint8(at + 4) >>> 4 === 2 };
  }
  return undefined;
}

describe('the vDSO', () => {
  it('is a file that the machine’s own reader accepts: data, then code, each on its own pages', () => {
    const elf = parseElf(image.bytes);
    expect(elf.type).toBe('dyn');
    const [data, code] = elf.segments;
    expect(elf.segments.length).toBe(2);
    expect([data?.readable, data?.writable, data?.executable]).toEqual([true, false, false]);
    expect([code?.readable, code?.writable, code?.executable]).toEqual([true, false, true]);
    expect(code?.fileOffset).toBe(image.codeOffset);
    expect([image.codeOffset % 4096, image.bytes.length % 4096]).toEqual([0, 0]);
  });

  it('has every call under two names', () => {
    const names = guestCalls().map((call) => `zx_${call.name}`);
    for (const name of names) {
      expect(lookUp(name), name).toEqual({ offset: image.symbols.get(name), weak: false });
      expect(lookUp(`_${name}`), name).toEqual({ offset: image.symbols.get(name), weak: true });
    }
    expect([...image.symbols.keys()].sort()).toEqual([...names].sort());
    expect(lookUp('zx_no_such_call')).toBeUndefined();
    expect(lookUp('zx_cprng_draw_once')).toBeUndefined();
  });

  it('enters the kernel with the number in t0, at one site for each call', () => {
    expect(image.sites.length).toBe(CALL_TABLE.length);
    expect(new Set(image.sites).size).toBe(CALL_TABLE.length);
    CALL_TABLE.forEach((call, number) => {
      const site = image.sites[number];
      expect(view.getUint32(site, true), call.name).toBe(ECALL);
      const load = assemble(`li t0, ${number}`).bytes;
      expect(image.bytes.slice(site - 4, site), call.name).toEqual(load);
      if (call.internal === true) return;
      expect(image.symbols.get(`zx_${call.name}`), call.name).toBe(site - 4);
      expect(view.getUint32(site + 4, true), call.name).toBe(call.noreturn === true ? UNIMP : RET);
    });
  });

  it('has no other way into the kernel', () => {
    let entries = 0;
    for (let at = image.codeOffset; at < image.bytes.length; at += 4) {
      if (view.getUint32(at, true) === ECALL) entries += 1;
    }
    expect(entries).toBe(CALL_TABLE.length);
  });

  it('reads the time and constants without a trap', () => {
    for (const name of ['clock_get_monotonic', 'clock_get_boot', 'ticks_get']) {
      const code = codeAt(image.symbols.get(`zx_${name}`) as number);
      expect(code, name).toEqual([word('csrrs a0, time, zero'), RET]);
    }
    for (const name of [
      'ticks_per_second',
      'system_get_page_size',
      'system_get_num_cpus',
      'deadline_after',
    ]) {
      expect(codeAt(image.symbols.get(`zx_${name}`) as number), name).not.toContain(ECALL);
    }
  });

  it('refuses calls that the kernel does not offer, in the vDSO itself', () => {
    const refused = UNSUPPORTED_CALLS.filter((call) => callNumber(call.name) === undefined);
    expect(refused.length).toBeGreaterThan(30);
    const positions = new Set(refused.map((call) => image.symbols.get(`zx_${call.name}`)));
    expect(positions.size).toBe(1);
    const expected = assemble(`li a0, ${ZX_ERR_NOT_SUPPORTED}\nret`).bytes;
    const [position] = positions as Set<number>;
    expect(image.bytes.slice(position, position + expected.length)).toEqual(expected);
  });

  it('is the same whenever it is built', () => {
    expect(buildVdso(CALL_TABLE, FACTS).bytes).toEqual(image.bytes);
  });
});

describe('the table', () => {
  it('and the list of refused calls have nothing in common', () => {
    expect(
      UNSUPPORTED_CALLS.map((call) => call.name).filter((name) => callNumber(name) !== undefined),
    ).toEqual([]);
  });

  it('numbers every call, by name', () => {
    CALL_TABLE.forEach((call, number) => expect(callNumber(call.name)).toBe(number));
    expect(callNumber('no_such_call')).toBeUndefined();
  });

  it('declares calls as C does: at most eight arguments, each with its name', () => {
    for (const call of guestCalls()) {
      expect(call.args.length, call.name).toBeLessThanOrEqual(8);
      for (const arg of call.args) expect(arg, call.name).toMatch(/^(?:const )?\w+\*? \w+$/);
      expect(call.name).toMatch(/^[a-z][a-z0-9_]+$/);
    }
  });
});
