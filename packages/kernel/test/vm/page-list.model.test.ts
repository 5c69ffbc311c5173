import { Machine } from '@faultline/mmu-emu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENTRY_ZERO, frameEntry, frameOf, isFrame } from '../../src/vm/page-entry.js';
import { PageList } from '../../src/vm/page-list.js';
import { NODE_ENTRIES, NODE_SHIFT, PageNodes } from '../../src/vm/page-nodes.js';
import { PhysicalPages } from '../../src/vm/physical-pages.js';

const machine = await Machine.create({ mode: 'hosted', ramBytes: 2 ** 20 });

interface Parts {
  readonly list: PageList;
  readonly nodes: PageNodes;
  readonly physical: PhysicalPages;
}

function fresh(limit = 10_000): Parts {
  const physical = new PhysicalPages(machine.ram, 16);
  const nodes = new PageNodes(limit);
  return { list: new PageList(nodes, physical), nodes, physical };
}

/** Pages near each other, near borders of nodes, and far away. */
const page = fc.oneof(
  fc.integer({ min: 0, max: 200 }),
  fc.integer({ min: 4_000, max: 4_200 }),
  fc.integer({ min: 262_100, max: 262_200 }),
  fc.constantFrom(2 ** 32, 2 ** 40 + 63, 2 ** 52 - 1, 2 ** 52 - 64),
);

describe('the page list', () => {
  it('agrees with a map, whatever is done', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('frame' as const), page }),
      fc.record({ kind: fc.constant('zero' as const), page }),
      fc.record({ kind: fc.constant('remove' as const), page }),
      fc.record({ kind: fc.constant('removeRange' as const), page, count: fc.integer({ min: 0, max: 300 }) }),
      fc.record({ kind: fc.constant('ask' as const), page, count: fc.integer({ min: 0, max: 5_000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const { list, nodes, physical } = fresh();
        const model = new Map<number, number>();
        const put = (at: number, entry: number): void => {
          const before = model.get(at);
          expect(list.set(at, entry)).toBe(true);
          if (before !== undefined && isFrame(before)) physical.free(frameOf(before));
          model.set(at, entry);
        };
        for (const action of steps) {
          if (action.kind === 'frame') {
            if (physical.freeCount > 0) put(action.page, frameEntry(physical.allocate(), 0));
          } else if (action.kind === 'zero') put(action.page, ENTRY_ZERO);
          else if (action.kind === 'remove') {
            const entry = list.remove(action.page);
            expect(entry).toBe(model.get(action.page) ?? 0);
            if (isFrame(entry)) physical.free(frameOf(entry));
            model.delete(action.page);
          } else if (action.kind === 'removeRange') {
            const removed: number[] = [];
            list.removeRange(action.page, action.page + action.count, (at, entry) => {
              removed.push(at);
              expect(entry).toBe(model.get(at));
              model.delete(at);
              if (isFrame(entry)) physical.free(frameOf(entry));
            });
            expect(removed).toEqual([...removed].sort((a, b) => a - b));
          } else {
            const end = action.page + action.count;
            const keys = [...model.keys()].sort((a, b) => a - b);
            expect(list.next(action.page, end)).toBe(
              keys.find((key) => key >= action.page && key < end) ?? end,
            );
            let absent = action.page;
            while (absent < end && model.has(absent)) absent += 1;
            expect(list.nextAbsent(action.page, end)).toBe(absent);
            const frames = keys.filter(
              (key) => key >= action.page && key < end && isFrame(model.get(key) as number),
            );
            expect(list.countFrames(action.page, end)).toBe(frames.length);
          }
        }
        for (const [at, entry] of model) {
          expect(list.get(at)).toBe(entry);
          if (!isFrame(entry)) continue;
          const slot = physical.slotOf(frameOf(entry));
          expect(nodes.listOf(slot >>> NODE_SHIFT)).toBe(list);
          expect(nodes.base[slot >>> NODE_SHIFT] + (slot % NODE_ENTRIES)).toBe(at);
        }
        expect(list.frames).toBe([...model.values()].filter(isFrame).length);
        list.removeRange(0, Infinity, (_at, entry) => {
          if (isFrame(entry)) physical.free(frameOf(entry));
        });
        expect([nodes.size, physical.freeCount, list.isEmpty]).toEqual([0, physical.frameCount, true]);
      }),
      { numRuns: 300 },
    );
  });

  it('costs nothing for what is not in it', () => {
    const { list, nodes } = fresh();
    expect(list.next(0, 2 ** 52)).toBe(2 ** 52);
    expect(nodes.size).toBe(0);
    list.set(2 ** 40, ENTRY_ZERO);
    expect(nodes.size).toBe(40 / NODE_SHIFT + 1);
    list.set(2 ** 40 + 1, ENTRY_ZERO);
    expect(nodes.size).toBe(40 / NODE_SHIFT + 1);
  });

  it('changes nothing when there are too few nodes', () => {
    const { list, nodes } = fresh(2);
    expect(list.set(3, ENTRY_ZERO)).toBe(true);
    expect(list.set(2 ** 30, ENTRY_ZERO)).toBe(false);
    expect([nodes.size, list.get(3), list.get(2 ** 30)]).toEqual([1, ENTRY_ZERO, 0]);
    expect(list.set(64, ENTRY_ZERO)).toBe(false);
    expect(nodes.size).toBe(1);
  });
});
