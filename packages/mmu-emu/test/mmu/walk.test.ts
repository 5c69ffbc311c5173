import { beforeEach, describe, expect, it } from 'vitest';
import { CAUSE_FETCH_ACCESS, CAUSE_FETCH_PAGE_FAULT, CAUSE_LOAD_ACCESS, CAUSE_LOAD_PAGE_FAULT, CAUSE_STORE_ACCESS, CAUSE_STORE_PAGE_FAULT, EXIT_BUDGET, EXIT_TRAP, PTE_A, PTE_D, PTE_G, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from '../../src/index.js'; // prettier-ignore
import { CODE, CODE_FRAME, DATA_FRAME, pte, Sv39Machine, USER, USER_RW, USER_RX } from './sv39-machine.js';

/** Offsets of the probes below: each is alone, so that a budget of one is enough for all of a region. */
const LOAD = CODE;
const STORE = CODE + 8n;
const JUMP = CODE + 16n;
const ATOMIC = CODE + 24n;
const RESERVE = CODE + 32n;
const PROBES =
  'ld a0, 0(a1)\necall\nsd a2, 0(a1)\necall\njr a1\necall\namoadd.d a0, a2, (a1)\necall\nlr.d a0, (a1)\necall';
const AT = 0x4020_1000n;

type Outcome = 'ok' | number;

describe('the Sv39 walk', () => {
  let sv39: Sv39Machine;

  beforeEach(async () => {
    sv39 = await Sv39Machine.of(PROBES);
  });

  /** Tries an access through a fresh TLB; checks that a fault is precise. */
  function probe(at: bigint, address: bigint): Outcome {
    sv39.hart.sfenceVma();
    sv39.pc = at;
    sv39.setX('a0', 0x1111n);
    sv39.setX('a1', address);
    // Instructions that do nothing, as they may be jumped to.
    sv39.setX('a2', 0x0001_0001_0001_0001n);
    const reason = sv39.hart.run(1);
    if (reason === EXIT_BUDGET && at !== JUMP) {
      expect(sv39.pc).toBe(at + 4n);
      return 'ok';
    }
    if (at === JUMP) {
      expect([reason, sv39.pc]).toEqual([EXIT_BUDGET, address]);
      if (sv39.hart.run(1) === EXIT_BUDGET) return 'ok';
      expect([sv39.tval, sv39.pc, sv39.hart.retired]).toEqual([address, address, 0]);
      return sv39.cause;
    }
    expect([reason, sv39.tval, sv39.pc, sv39.hart.retired, sv39.x('a0')]).toEqual([
      EXIT_TRAP,
      address,
      at,
      0,
      0x1111n,
    ]);
    return sv39.cause;
  }

  const probes = (address = AT): Outcome[] => [
    probe(LOAD, address),
    probe(STORE, address),
    probe(JUMP, address),
  ];
  const PAGE_FAULTS = [CAUSE_LOAD_PAGE_FAULT, CAUSE_STORE_PAGE_FAULT, CAUSE_FETCH_PAGE_FAULT];
  const ACCESS_FAULTS = [CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS, CAUSE_FETCH_ACCESS];

  /** A frame of instructions that do nothing, so that a jump to it goes well. */
  function fill(frame: number): void {
    const view = sv39.machine.ram.writable(frame);
    for (let i = 0; i < view.length; i += 2) view[i] = 1;
  }

  it.each([
    ['nothing', 0, CAUSE_LOAD_PAGE_FAULT, CAUSE_STORE_PAGE_FAULT, CAUSE_FETCH_PAGE_FAULT],
    ['R', PTE_R, 'ok', CAUSE_STORE_PAGE_FAULT, CAUSE_FETCH_PAGE_FAULT],
    ['RW', PTE_R | PTE_W, 'ok', 'ok', CAUSE_FETCH_PAGE_FAULT],
    ['X', PTE_X, CAUSE_LOAD_PAGE_FAULT, CAUSE_STORE_PAGE_FAULT, 'ok'],
    ['RX', PTE_R | PTE_X, 'ok', CAUSE_STORE_PAGE_FAULT, 'ok'],
    ['RWX', PTE_R | PTE_W | PTE_X, 'ok', 'ok', 'ok'],
    ['W, reserved', PTE_W, CAUSE_LOAD_PAGE_FAULT, CAUSE_STORE_PAGE_FAULT, CAUSE_FETCH_PAGE_FAULT],
    ['WX, reserved', PTE_W | PTE_X, CAUSE_LOAD_PAGE_FAULT, CAUSE_STORE_PAGE_FAULT, CAUSE_FETCH_PAGE_FAULT],
    ['RW, global', PTE_R | PTE_W | PTE_G, 'ok', 'ok', CAUSE_FETCH_PAGE_FAULT],
    ['RWX and software bits', PTE_R | PTE_W | PTE_X | 0x300, 'ok', 'ok', 'ok'],
  ] as const)('allows what a leaf of %s allows', (_, flags, load, store, fetch) => {
    fill(DATA_FRAME);
    sv39.map(AT, DATA_FRAME, USER | flags);
    expect(probes()).toEqual([load, store, fetch]);
  });

  it('faults on an entry that is not valid, at each level, whatever else it has', () => {
    sv39.map(AT, DATA_FRAME, USER_RW);
    for (const level of [0, 1, 2]) {
      const good = sv39.readEntry(AT, level);
      sv39.setEntry(AT, good & ~1n, level);
      expect(probes(), `level ${level}`).toEqual(PAGE_FAULTS);
      sv39.setEntry(AT, good, level);
    }
    expect(probe(LOAD, AT)).toBe('ok');
  });

  it('faults on every reserved high bit of a leaf and of a pointer', () => {
    sv39.map(AT, DATA_FRAME, USER_RW);
    for (const level of [0, 1, 2]) {
      const good = sv39.readEntry(AT, level);
      for (let bit = 54n; bit < 64n; bit++) {
        sv39.setEntry(AT, good | (1n << bit), level);
        expect(probes(), `level ${level} bit ${bit}`).toEqual(PAGE_FAULTS);
      }
      sv39.setEntry(AT, good, level);
    }
    expect(probe(STORE, AT)).toBe('ok');
  });

  it('faults on A, D or U of a pointer, and not on G', () => {
    sv39.map(AT, DATA_FRAME, USER_RW);
    for (const level of [1, 2]) {
      const good = sv39.readEntry(AT, level);
      for (const bit of [PTE_A, PTE_D, PTE_U]) {
        sv39.setEntry(AT, good | BigInt(bit), level);
        expect(probes(), `level ${level}`).toEqual(PAGE_FAULTS);
      }
      sv39.setEntry(AT, good | BigInt(PTE_G), level);
      expect(probe(LOAD, AT)).toBe('ok');
      sv39.setEntry(AT, good, level);
    }
  });

  it('faults when the last level still points down', () => {
    sv39.map(AT, DATA_FRAME, PTE_V);
    expect(probes()).toEqual(PAGE_FAULTS);
  });

  it('raises access faults, of the access that walks, for tables and leaves outside RAM', () => {
    sv39.setEntry(AT, pte(0x100, USER_RX | PTE_W));
    expect(probes()).toEqual(ACCESS_FAULTS);
    sv39.setEntry(AT, pte(sv39.machine.ram.basePpn + sv39.machine.ram.frameCount, USER_RX | PTE_W));
    expect(probes()).toEqual(ACCESS_FAULTS);
    sv39.setEntry(AT, pte(2 ** 43, USER_RX | PTE_W));
    expect(probes()).toEqual(ACCESS_FAULTS);
    for (const level of [1, 2]) {
      const good = sv39.readEntry(AT, level);
      for (const ppn of [0, 0x7_ffff, 2 ** 44 - 1]) {
        sv39.setEntry(AT, pte(ppn, PTE_V), level);
        expect(probes(), `level ${level}`).toEqual(ACCESS_FAULTS);
      }
      sv39.setEntry(AT, good, level);
    }
  });

  it('maps superpages of 2 MiB and 1 GiB, and faults on misaligned ones', () => {
    const { ram } = sv39.machine;
    const mega = 0x4060_0000n;
    // 2 MiB of RAM from its start.
    sv39.map(mega, 0, USER_RW, 1);
    ram.writable(DATA_FRAME + 3)[8] = 0x5a;
    sv39.hart.sfenceVma();
    sv39.pc = LOAD;
    sv39.setX('a1', mega + BigInt((DATA_FRAME + 3) * 4096 + 8));
    expect([sv39.hart.run(1), sv39.x('a0')]).toEqual([EXIT_BUDGET, 0x5an]);
    for (const low of [1, 2, 256, 511]) {
      sv39.setEntry(mega, pte(ram.basePpn + low, USER_RW), 1);
      expect(probe(LOAD, mega), `ppn low bits ${low}`).toBe(CAUSE_LOAD_PAGE_FAULT);
    }
    const giga = 0x8000_0000n;
    sv39.map(giga, 0, USER_RW, 2);
    sv39.setX('a0', 0n);
    sv39.pc = LOAD;
    sv39.setX('a1', giga + BigInt((DATA_FRAME + 3) * 4096 + 8));
    sv39.hart.sfenceVma();
    expect([sv39.hart.run(1), sv39.x('a0')]).toEqual([EXIT_BUDGET, 0x5an]);
    expect(probe(LOAD, giga + BigInt(ram.bytes))).toBe(CAUSE_LOAD_ACCESS);
    for (const low of [1, 512, 1 << 17]) {
      sv39.setEntry(giga, pte(ram.basePpn + low, USER_RW), 2);
      expect(probe(STORE, giga), `ppn low bits ${low}`).toBe(CAUSE_STORE_PAGE_FAULT);
    }
  });

  it('faults on addresses whose upper bits do not repeat bit 38', () => {
    sv39.map(0x3f_ffff_f000n, DATA_FRAME, USER_RW);
    sv39.map(0xffff_ffff_ffff_f000n, DATA_FRAME, USER_RW);
    expect(probe(LOAD, 0x3f_ffff_f000n)).toBe('ok');
    expect(probe(LOAD, 0xffff_ffff_ffff_f000n)).toBe('ok');
    for (const address of [
      0x40_0000_0000n,
      0x7f_ffff_f000n,
      0x8000_003f_ffff_f000n,
      0x7fff_ffff_ffff_f000n,
      0xffff_ffbf_ffff_f000n,
    ]) {
      expect(probes(address), address.toString(16)).toEqual(PAGE_FAULTS);
    }
  });

  it('refuses supervisor pages to users', () => {
    sv39.map(AT, DATA_FRAME, (USER_RW | PTE_X) & ~PTE_U);
    expect(probes()).toEqual(PAGE_FAULTS);
  });

  it('faults when A is clear, and at a store when D is (Svade)', () => {
    fill(DATA_FRAME);
    sv39.map(AT, DATA_FRAME, (USER_RW | PTE_X) & ~PTE_A);
    expect(probes()).toEqual(PAGE_FAULTS);
    sv39.map(AT, DATA_FRAME, (USER_RW | PTE_X) & ~PTE_D);
    expect(probes()).toEqual(['ok', CAUSE_STORE_PAGE_FAULT, 'ok']);
    // A load that filled the TLB must not let a store through.
    sv39.setX('a1', AT);
    sv39.pc = LOAD;
    expect(sv39.hart.run(1)).toBe(EXIT_BUDGET);
    sv39.pc = STORE;
    expect(sv39.hart.run(1)).toBe(EXIT_TRAP);
    expect([sv39.cause, sv39.pc]).toEqual([CAUSE_STORE_PAGE_FAULT, STORE]);
  });

  it('sets A, and D at a store, when told to (Svadu)', async () => {
    sv39 = await Sv39Machine.of(PROBES, { adUpdate: 'hardware' });
    const bare = (USER_RW | PTE_X) & ~(PTE_A | PTE_D);
    fill(DATA_FRAME);
    sv39.map(AT, DATA_FRAME, bare);
    expect(probe(LOAD, AT)).toBe('ok');
    expect(Number(sv39.readEntry(AT)) & 255).toBe(bare | PTE_A);
    expect(probe(STORE, AT)).toBe('ok');
    expect(Number(sv39.readEntry(AT)) & 255).toBe(bare | PTE_A | PTE_D);
    sv39.map(AT, DATA_FRAME, bare);
    expect(probe(JUMP, AT)).toBe('ok');
    expect(Number(sv39.readEntry(AT)) & 255).toBe(bare | PTE_A);
    sv39.map(AT, DATA_FRAME, bare & ~PTE_W);
    expect(probe(STORE, AT)).toBe(CAUSE_STORE_PAGE_FAULT);
    expect(Number(sv39.readEntry(AT)) & 255).toBe(bare & ~PTE_W);
  });

  it('counts an atomic as a store and a load-reserved as a load', () => {
    sv39.map(AT, DATA_FRAME, USER | PTE_R);
    expect(probe(ATOMIC, AT)).toBe(CAUSE_STORE_PAGE_FAULT);
    expect(probe(RESERVE, AT)).toBe('ok');
    sv39.setEntry(AT, pte(0x100, USER_RW));
    expect(probe(ATOMIC, AT)).toBe(CAUSE_STORE_ACCESS);
    expect(probe(RESERVE, AT)).toBe(CAUSE_LOAD_ACCESS);
  });

  it('keeps what it cached until fenced: page, identifier, everything', () => {
    const other = AT + 0x1000n;
    const { ram } = sv39.machine;
    const load = (address: bigint): bigint => {
      const loaded = [0, 1].map(() => {
        sv39.pc = LOAD;
        sv39.setX('a1', address);
        expect(sv39.hart.run(1)).toBe(EXIT_BUDGET);
        return sv39.x('a0');
      });
      // By what was just cached, too.
      expect(loaded[1]).toBe(loaded[0]);
      return loaded[0];
    };
    ram.writable(DATA_FRAME)[0] = 1;
    ram.writable(DATA_FRAME + 1)[0] = 2;
    const point = (frame: number): void => {
      sv39.map(AT, frame, USER_RW);
      sv39.map(other, frame, USER_RW);
    };
    point(DATA_FRAME);
    expect([load(AT), load(other)]).toEqual([1n, 1n]);
    point(DATA_FRAME + 1);
    sv39.hart.sfenceVmaPage(Number(AT));
    expect([load(AT), load(other)]).toEqual([2n, 1n]);
    sv39.hart.sfenceVmaAsid(1);
    expect(load(other)).toBe(2n);
    point(DATA_FRAME);
    sv39.hart.sfenceVma();
    expect([load(AT), load(other)]).toEqual([1n, 1n]);
  });

  it('fences a whole superpage by any address in it', () => {
    const mega = 0x4060_0000n;
    const load = (address: bigint): bigint => {
      sv39.pc = LOAD;
      sv39.setX('a1', address);
      return sv39.hart.run(1) === EXIT_BUDGET ? sv39.x('a0') : -1n;
    };
    sv39.map(mega, 0, USER_RW, 1);
    for (let round = 0; round < 2; round++) expect(load(mega + 0x9000n)).not.toBe(-1n);
    sv39.setEntry(mega, 0n, 1);
    sv39.hart.sfenceVmaPage(Number(mega + 0x1f_0000n));
    expect(load(mega + 0x9000n)).toBe(-1n);
  });

  it('keeps address spaces apart, and finds each again after a switch', () => {
    const { ram } = sv39.machine;
    const load = (): bigint => {
      sv39.pc = LOAD;
      sv39.setX('a1', AT);
      expect(sv39.hart.run(1)).toBe(EXIT_BUDGET);
      return sv39.x('a0');
    };
    ram.writable(DATA_FRAME)[0] = 1;
    sv39.map(AT, DATA_FRAME, USER_RW);
    expect(load()).toBe(1n);
    // Twenty more than there are banks, each a copy of the root with its own page.
    for (let space = 0; space < 36; space++) {
      const root = 200 + 4 * space;
      ram.copy(root, 0);
      const [l1, l0] = [root + 1, root + 2];
      sv39.writeEntry(root, Number(AT >> 30n), pte(ram.basePpn + l1, PTE_V));
      sv39.writeEntry(l1, Number((AT >> 21n) & 511n), pte(ram.basePpn + l0, PTE_V));
      sv39.writeEntry(l0, Number((AT >> 12n) & 511n), pte(ram.basePpn + root + 3, USER_RW));
      ram.writable(root + 3)[0] = 10 + space;
    }
    for (let round = 0; round < 3; round++) {
      for (let space = 0; space < 36; space++) {
        // Two spaces of each identifier: what they map is kept apart nevertheless.
        sv39.hart.setAddressSpace(ram.basePpn + 200 + 4 * space, 2 + (space >> 1));
        expect(load()).toBe(BigInt(10 + space));
      }
      sv39.hart.setAddressSpace(ram.basePpn, 1);
      expect(load()).toBe(1n);
    }
    expect(CODE_FRAME).toBeLessThan(DATA_FRAME);
  });
});
