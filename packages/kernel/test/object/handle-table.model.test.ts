import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { EventDispatcher } from '../../src/ipc/event.js';
import { PortDispatcher } from '../../src/ipc/port.js';
import { Handle, HandleTable } from '../../src/object/handle-table.js';
import { ZX_ERR_ACCESS_DENIED, ZX_ERR_BAD_HANDLE, ZX_ERR_WRONG_TYPE } from '../../src/abi/status.js';
import { ZX_RIGHT_MAP, ZX_RIGHT_WAIT } from '../../src/abi/rights.js';
import { TestKernel } from '../syscall/harness.js';

type Step =
  | { kind: 'add' }
  | { kind: 'remove'; pick: number }
  | { kind: 'stale'; pick: number }
  | { kind: 'random'; value: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'add' as const }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stale' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('random' as const), value: fc.nat(0xffff_ffff) }) },
);

describe('a handle table, against a map', () => {
  it('finds what is in it and nothing else; values of the past are found out', () => {
    fc.assert(
      fc.property(fc.nat(12), fc.array(step, { maxLength: 80 }), (limit, steps) => {
        const kernel = new TestKernel();
        const table = new HandleTable(limit);
        const model = new Map<number, Handle>();
        const past: number[] = [];
        for (const current of steps) {
          if (current.kind === 'add') {
            expect(table.hasRoom(1)).toBe(model.size < limit);
            if (!table.hasRoom(1)) continue;
            const handle = new Handle(new EventDispatcher(kernel), 0);
            const value = table.add(handle);
            expect(value & 3).toBe(3);
            expect(value).toBeGreaterThan(0);
            expect(value).toBeLessThanOrEqual(0xffff_ffff);
            expect(model.has(value)).toBe(false);
            model.set(value, handle);
          } else if (current.kind === 'remove') {
            const value = [...model.keys()][current.pick % Math.max(model.size, 1)];
            if (value === undefined) continue;
            expect(table.remove(value)).toBe(model.get(value));
            model.get(value)?.release();
            model.delete(value);
            past.push(value);
          } else {
            const value =
              current.kind === 'random' ? current.value : past[current.pick % Math.max(past.length, 1)];
            if (value === undefined) continue;
            expect(table.get(value)).toBe(model.get(value));
            if (!model.has(value)) expect(table.remove(value)).toBeUndefined();
          }
          expect(table.size).toBe(model.size);
          expect(kernel.liveObjects).toBe(model.size);
          expect(new Map(table.entries())).toEqual(model);
        }
        table.clear();
        expect([table.size, kernel.liveObjects]).toEqual([0, 0]);
      }),
      { numRuns: 300 },
    );
    expect.hasAssertions();
  });

  it('recycles a slot a thousand times before a value comes back', () => {
    const kernel = new TestKernel();
    const table = new HandleTable(1);
    const seen = new Set<number>();
    for (let round = 0; round < 1023; round += 1) {
      const value = table.add(new Handle(new EventDispatcher(kernel), 0));
      seen.add(value);
      table.remove(value)?.release();
    }
    expect(seen.size).toBe(1023);
  });

  it('refuses to be overfilled', () => {
    const table = new HandleTable(0);
    expect(() => table.add(new Handle(new EventDispatcher(new TestKernel()), 0))).toThrow('full');
  });

  it('looks up in the order value, type, rights', () => {
    const table = new HandleTable(4);
    const value = table.add(new Handle(new EventDispatcher(new TestKernel()), ZX_RIGHT_WAIT));
    expect(table.lookup(3, PortDispatcher, ZX_RIGHT_MAP)).toBe(ZX_ERR_BAD_HANDLE);
    expect(table.lookup(value, PortDispatcher, ZX_RIGHT_MAP)).toBe(ZX_ERR_WRONG_TYPE);
    expect(table.lookup(value, EventDispatcher, ZX_RIGHT_MAP | ZX_RIGHT_WAIT)).toBe(ZX_ERR_ACCESS_DENIED);
    expect(table.lookup(value, EventDispatcher, ZX_RIGHT_WAIT)).toBe(table.get(value)?.dispatcher);
  });
});
