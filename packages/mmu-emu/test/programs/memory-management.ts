/** Programs of translation and protection. The page at 0x40000000 has the entry that a test gives it. */
import { check, inMode, RAN, trapping } from './frame.js';
import type { Check } from './frame.js';

const PAGE = 0x4000_0000n;
const V = 1n;
const R = 2n;
const W = 4n;
const X = 8n;
const U = 16n;
const A = 64n;
const D = 128n;
const PBMT_NC = 1n << 61n;
const PBMT_RESERVED = 3n << 61n;
const N = 1n << 63n;

const SUM = 0x4_0000;
const MXR = 0x8_0000;
const ADUE = '1 << 61';
const PBMTE = '1 << 62';

const MODES = { Sv39: 8, Sv48: 9, Sv57: 10 } as const;
type Mode = keyof typeof MODES;

/** Translates, with an entry for the page that leads to `page`, or to a physical address. */
const paging = (mode: Mode, flags: bigint, to?: bigint): string => `
  ${to === undefined ? 'la a1, page\n  srli a1, a1, 2' : `li a1, ${to >> 2n}`}
  li t0, ${BigInt.asIntN(64, flags)}
  or a1, a1, t0
  li a0, ${MODES[mode]}
  jal paging
  la t0, page
  li t1, 77
  sd t1, 0(t0)`;

const set = (csr: string, bits: string | number): string => `li t0, ${bits}\ncsrs ${csr}, t0`;
const load = `li t3, ${PAGE}\nld t5, 0(t3)`;
const store = `li t3, ${PAGE}\nli t5, 78\nsd t5, 0(t3)`;
const fetch = `li t3, ${PAGE}\njalr t3`;

/** Runs code in user mode where translation shows it to users. */
const asUser = (code: string): string => `
  la s7, 9f
  la t0, 8f
  li t1, 0x40000000
  add t0, t0, t1
  csrw mepc, t0
  li t0, 0x1800
  csrc mstatus, t0
  mret
  8: ${code}
  ecall
  9:`;

/** Makes accesses of machine mode those of a supervisor, or of a user. */
const as = (mode: 'U' | 'S', code: string): string => `
  li t0, 0x1800
  csrc mstatus, t0
  li t0, ${mode === 'S' ? 0x2_0800 : 0x2_0000}
  csrs mstatus, t0
  ${trapping(code)}
  li t0, 0x20000
  csrc mstatus, t0`;

const FULL = V | R | W | X | A | D;
/** What the page's entry has become, without its address. */
const ENTRY = 'la t0, tables + 16384\nld t4, 0(t0)\nandi t4, t4, 0x3ff';

const everyMode = (mode: Mode): Check[] => [
  check(`${paging(mode, FULL)}\n${as('S', load)}`, { s11: -1n, t5: 77n }),
  check(`${paging(mode, FULL)}\n${as('S', store)}\nla t0, page\nld t4, 0(t0)`, { s11: -1n, t4: 78n }),
  check(`${paging(mode, FULL)}\nla t0, page\nli t1, 0x8082\nsh t1, 0(t0)\nfence.i\n${inMode('S', fetch)}`, { s11: RAN.S }),
  check(`${paging(mode, FULL | U)}\n${asUser(load)}`, { s11: RAN.U, t5: 77n }),
  // Each fault, with the address that could not be translated.
  check(`${paging(mode, 0n)}\n${as('S', load)}`, { s11: 13n, s10: PAGE }),
  check(`${paging(mode, 0n)}\n${as('S', store)}`, { s11: 15n, s10: PAGE }),
  check(`${paging(mode, 0n)}\n${inMode('S', fetch)}`, { s11: 12n, s10: PAGE, s9: PAGE }),
  check(`${paging(mode, V | R | X | A | D)}\n${as('S', store)}`, { s11: 15n }),
  check(`${paging(mode, V | R | X | A | D)}\n${as('S', `li t3, ${PAGE}\namoadd.d t5, t5, (t3)`)}`, { s11: 15n }),
  check(`${paging(mode, V | R | W | A | D)}\n${inMode('S', fetch)}`, { s11: 12n }),
  check(`${paging(mode, V | X | A | D)}\n${as('S', load)}`, { s11: 13n }),
  // Reserved: W without R, a pointer at the last level, an entry with a reserved bit.
  check(`${paging(mode, V | W | X | A | D)}\n${as('S', load)}`, { s11: 13n }),
  check(`${paging(mode, V)}\n${as('S', load)}`, { s11: 13n }),
  check(`${paging(mode, FULL | (1n << 58n))}\n${as('S', load)}`, { s11: 13n }),
  // Users have pages with U, supervisors those without, or with SUM all of them, but never to execute.
  check(`${paging(mode, FULL)}\n${as('U', load)}`, { s11: 13n }),
  check(`${paging(mode, FULL | U)}\n${as('S', load)}`, { s11: 13n }),
  check(`${paging(mode, FULL | U)}\n${set('mstatus', SUM)}\n${as('S', load)}`, { s11: -1n, t5: 77n }),
  check(`${paging(mode, FULL | U)}\n${set('mstatus', SUM)}\n${inMode('S', fetch)}`, { s11: 12n }),
  check(`${paging(mode, V | X | A | D)}\n${set('mstatus', MXR)}\n${as('S', load)}`, { s11: -1n, t5: 77n }),
  // Addresses that are not canonical.
  check(`${paging(mode, FULL)}\n${as('S', `li t3, ${1n << BigInt({ Sv39: 38, Sv48: 47, Sv57: 56 }[mode])}\nld t5, 0(t3)`)}`, { s11: 13n }),
  check(`${paging(mode, FULL)}\n${as('S', 'li t3, 1 << 63\nld t5, 0(t3)')}`, { s11: 13n }),
  // A superpage whose address is not a multiple of its size, and memory that is not there.
  check(`${paging(mode, FULL)}\nla t0, tables + 8192\nli t1, (0x80001000 >> 2) | 0xcf\nsd t1, 24(t0)\nsfence.vma\n${as('S', 'li t3, 0xc0000000\nld t5, 0(t3)')}`, { s11: 13n }),
  check(`${paging(mode, FULL, 0x18_0000n)}\n${as('S', load)}`, { s11: 5n, s10: PAGE }),
  // Over the edge of the page, into one that is not there: nothing is stored.
  check(`${paging(mode, FULL)}\nla t0, page + 4088\nsd x0, 0(t0)\n${as('S', `li t3, ${PAGE} + 4092\nli t5, -1\nsd t5, 0(t3)`)}\nla t0, page + 4088\nld t5, 0(t0)`, { s11: 15n, s10: PAGE + 0x1000n, t5: 0n }),
  // What was cached goes by address, by address space, and by both.
  ...['sfence.vma', 'sfence.vma t3', 'sfence.vma t3, x0', 'sfence.vma x0, x0'].map((fence) =>
    check(`${paging(mode, FULL)}\n${as('S', load)}\nla t0, tables + 16384\nsd x0, 0(t0)\nli t3, ${PAGE}\n${fence}\n${as('S', load)}`, { s11: 13n }),
  ),
  check(`${paging(mode, FULL)}\ncsrr t0, satp\nsrli t5, t0, 60`, BigInt(MODES[mode])),
]; // prettier-ignore

export const SV39: readonly Check[] = everyMode('Sv39');
export const SV48: readonly Check[] = everyMode('Sv48');
export const SV57: readonly Check[] = everyMode('Sv57');

export const BARE: readonly Check[] = [
  check(`la t0, page\nli t1, 77\nsd t1, 0(t0)\n${inMode('S', 'la t3, page\nld t5, 0(t3)')}`, { s11: RAN.S, t5: 77n }), // prettier-ignore
  check(as('S', 'li t3, 0x180000\nld t5, 0(t3)'), { s11: 5n, s10: 0x18_0000n }),
  check(inMode('S', 'li t3, 1 << 60\nld t5, 0(t3)'), { s11: 5n }),
  // Modes that do not exist change nothing of satp.
  check(`${paging('Sv39', FULL)}\ncsrr t1, satp\nli t0, 11 << 60\ncsrw satp, t0\ncsrr t5, satp\nsub t5, t5, t1\ncsrw satp, x0`, 0n), // prettier-ignore
  // 16 bits of ASID.
  check('li t0, (8 << 60) | (0xffff << 44)\ncsrw satp, t0\ncsrr t5, satp\ncsrw satp, x0\nslli t5, t5, 4\nsrli t5, t5, 48', 0xffffn), // prettier-ignore
];

export const SVADE: readonly Check[] = [
  check(`${paging('Sv39', V | R | W)}\n${as('S', load)}\n${ENTRY}`, { s11: 13n, t4: V | R | W }),
  check(`${paging('Sv39', V | R | W | A)}\n${as('S', load)}\n${ENTRY}`, { s11: -1n, t4: V | R | W | A }),
  check(`${paging('Sv39', V | R | W | A)}\n${as('S', store)}\n${ENTRY}`, { s11: 15n, t4: V | R | W | A }),
  check(`${paging('Sv39', V | X)}\n${inMode('S', fetch)}`, { s11: 12n }),
];
export const SVADU: readonly Check[] = [
  check(`${set('menvcfg', ADUE)}\n${paging('Sv39', V | R | W)}\n${as('S', load)}\n${ENTRY}`, { s11: -1n, t5: 77n, t4: V | R | W | A }),
  check(`${set('menvcfg', ADUE)}\n${paging('Sv39', V | R | W)}\n${as('S', store)}\n${ENTRY}`, { s11: -1n, t4: V | R | W | A | D }),
  check(`${set('menvcfg', ADUE)}\n${paging('Sv57', V | R | W | A)}\n${as('S', load)}\n${as('S', store)}\n${ENTRY}`, { s11: -1n, t4: V | R | W | A | D }),
  // A store that is not allowed sets nothing.
  check(`${set('menvcfg', ADUE)}\n${paging('Sv39', V | R)}\n${as('S', store)}\n${ENTRY}`, { s11: 15n, t4: V | R }),
]; // prettier-ignore

/** Sixteen pages in RAM, far behind the program; the first entry of a table maps one of them, wherever that is in it. */
const RANGE = 0x8008_0000n;
const napot = (size: bigint): string => paging('Sv39', FULL | N, RANGE | (size << 12n));
export const SVNAPOT: readonly Check[] = [
  check(`li t0, ${RANGE}\nli t1, 91\nsd t1, 0(t0)\n${napot(8n)}\n${as('S', load)}`, { s11: -1n, t5: 91n }),
  // The entries beside it are the same in every page of the 64 KiB.
  check(`li t0, ${RANGE} + 0x5000\nli t1, 92\nsd t1, 0(t0)\n${napot(8n)}\nla t0, tables + 16384\nld t1, 0(t0)\nsd t1, 40(t0)\nsfence.vma\n${as('S', `li t3, ${PAGE} + 0x5000\nld t5, 0(t3)`)}`, { s11: -1n, t5: 92n }),
  ...[0n, 1n, 4n, 12n].map((size) => check(`${napot(size)}\n${as('S', load)}`, { s11: 13n })),
  check(`${paging('Sv39', FULL)}\nla t0, tables + 8192\nld t1, 16(t0)\nli t2, 1 << 63\nor t1, t1, t2\nsd t1, 24(t0)\nsfence.vma\n${as('S', 'li t3, 0xc0000000\nld t5, 0(t3)')}`, { s11: 13n }),
]; // prettier-ignore

export const SVPBMT: readonly Check[] = [
  check(`${set('menvcfg', PBMTE)}\n${paging('Sv39', FULL | PBMT_NC)}\n${as('S', load)}`, { s11: -1n, t5: 77n }),
  check(`${set('menvcfg', PBMTE)}\n${paging('Sv39', FULL | (PBMT_NC << 1n))}\n${as('S', load)}`, { s11: -1n, t5: 77n }),
  {
    ...check(`${set('menvcfg', PBMTE)}\n${paging('Sv39', FULL | PBMT_RESERVED)}\n${as('S', load)}`, { s11: 13n }),
    notOnQemu: 'it takes the reserved type as well',
  },
  check(`${paging('Sv39', FULL | PBMT_NC)}\n${as('S', load)}`, { s11: 13n }),
  // Pointers have no type.
  check(`${set('menvcfg', PBMTE)}\n${paging('Sv39', FULL)}\nla t0, tables + 8192\nld t1, 8(t0)\nli t2, 1 << 61\nor t1, t1, t2\nsd t1, 8(t0)\nsfence.vma\n${as('S', load)}`, { s11: 13n }),
]; // prettier-ignore

export const SVINVAL: readonly Check[] = [
  check(`${paging('Sv39', FULL)}\n${as('S', load)}\nla t0, tables + 16384\nsd x0, 0(t0)\nli t3, ${PAGE}\nsfence.w.inval\nsinval.vma t3, x0\nsfence.inval.ir\n${as('S', load)}`, { s11: 13n }),
  check(inMode('S', 'sfence.w.inval\nsinval.vma x0, x0\nsfence.inval.ir'), { s11: RAN.S }),
  check(inMode('U', 'sinval.vma x0, x0'), { s11: 2n }),
  ...['sfence.w.inval', 'sfence.inval.ir'].map((name) => ({
    ...check(inMode('U', name), { s11: 2n }),
    notOnQemu: 'it lets users run them',
  })),
]; // prettier-ignore

/** PMP entries 0 and 1, above one that opens everything: entry 2. */
const pmp = (first: number, address: bigint | string, second = 0, next: bigint | string = 0n): string => `
  csrw pmpcfg0, zero
  li t0, ${address}
  csrw pmpaddr0, t0
  li t0, ${next}
  csrw pmpaddr1, t0
  li t0, -1
  csrw pmpaddr2, t0
  li t0, ${(0x1f << 16) | (second << 8) | first}
  csrw pmpcfg0, t0`;

const TOR = 0x08;
const NA4 = 0x10;
const NAPOT = 0x18;
const LOCK = 0x80;
const RANGE_4 = RANGE >> 2n;
const at = (offset: number, code: string): string => `li t3, ${RANGE + BigInt(offset)}\n${code}`;
const loadAt = (offset: number): string => at(offset, 'lw t5, 0(t3)');
const storeAt = (offset: number): string => at(offset, 'sw t5, 0(t3)');

export const PMP: readonly Check[] = [
  // NA4: the four bytes of the entry, and not those beside them.
  check(`${pmp(NA4, RANGE_4 + 1n)}\n${as('S', loadAt(4))}`, { s11: 5n, s10: RANGE + 4n }),
  check(`${pmp(NA4, RANGE_4 + 1n)}\n${as('S', loadAt(0))}`, { s11: -1n }),
  check(`${pmp(NA4, RANGE_4 + 1n)}\n${as('S', loadAt(8))}`, { s11: -1n }),
  check(`${pmp(NA4 | 1, RANGE_4 + 1n)}\n${as('S', loadAt(4))}`, { s11: -1n }),
  check(`${pmp(NA4 | 1, RANGE_4 + 1n)}\n${as('S', storeAt(4))}`, { s11: 7n }),
  check(`${pmp(NA4 | 3, RANGE_4 + 1n)}\n${as('S', storeAt(4))}`, { s11: -1n }),
  // An access that is matched in part fails, whatever the entry allows.
  check(`${pmp(NA4 | 7, RANGE_4 + 1n)}\n${as('S', at(0, 'ld t5, 0(t3)'))}`, { s11: 5n }),
  // NAPOT: 32 bytes from RANGE on.
  check(`${pmp(NAPOT, RANGE_4 | 3n)}\n${as('U', loadAt(28))}`, { s11: 5n }),
  check(`${pmp(NAPOT, RANGE_4 | 3n)}\n${as('U', loadAt(32))}`, { s11: -1n }),
  check(`${pmp(NAPOT | 1, RANGE_4 | 3n)}\n${as('U', storeAt(28))}`, { s11: 7n }),
  // TOR: from the address before to that of the entry.
  check(`${pmp(0, RANGE_4 + 2n, TOR, RANGE_4 + 4n)}\n${as('S', loadAt(4))}`, { s11: -1n }),
  check(`${pmp(0, RANGE_4 + 2n, TOR, RANGE_4 + 4n)}\n${as('S', loadAt(8))}`, { s11: 5n }),
  check(`${pmp(0, RANGE_4 + 2n, TOR, RANGE_4 + 4n)}\n${as('S', loadAt(12))}`, { s11: 5n }),
  check(`${pmp(0, RANGE_4 + 2n, TOR, RANGE_4 + 4n)}\n${as('S', loadAt(16))}`, { s11: -1n }),
  // The first entry that matches decides.
  check(`${pmp(NA4 | 1, RANGE_4, NAPOT, RANGE_4 | 3n)}\n${as('S', loadAt(0))}`, { s11: -1n }),
  check(`${pmp(NA4, RANGE_4, NAPOT | 7, RANGE_4 | 3n)}\n${as('S', loadAt(0))}`, { s11: 5n }),
  // Fetches need X; what nothing matches is machine mode's alone.
  check(`${pmp(NAPOT | 3, RANGE_4 | 3n)}\n${inMode('S', at(0, 'jr t3'))}`, { s11: 1n, s10: RANGE }),
  check(`csrw pmpcfg0, zero\n${as('S', loadAt(0))}`, { s11: 5n }),
  check(`csrw pmpcfg0, zero\n${trapping(loadAt(0))}`, { s11: -1n }),
  // Page tables are read as a supervisor reads.
  check(`${paging('Sv39', FULL)}\nla t0, tables + 16384\nsrli t4, t0, 2\ncsrw pmpcfg0, zero\ncsrw pmpaddr0, t4\nli t0, -1\ncsrw pmpaddr1, t0\nli t0, 0x1f10\ncsrw pmpcfg0, t0\n${as('S', load)}`, { s11: 5n, s10: PAGE }),
  // Machine mode is bound by locked entries only, which nothing changes any more: the last tests.
  check(`${pmp(NA4, RANGE_4)}\n${trapping(loadAt(0))}`, { s11: -1n }),
  check(`li t0, ${RANGE_4 + 64n}\ncsrw pmpaddr8, t0\nli t0, ${NA4 | LOCK | 1}\ncsrw pmpcfg2, t0\ncsrw pmpcfg0, zero\n${trapping(loadAt(256))}`, { s11: -1n }),
  check(`csrw pmpcfg0, zero\n${trapping(storeAt(256))}`, { s11: 7n }),
  check(`csrw pmpcfg2, zero\nli t0, 0\ncsrw pmpaddr8, t0\ncsrr t5, pmpaddr8\ncsrr t4, pmpcfg2\nandi t4, t4, 255`, { t5: RANGE_4 + 64n, t4: BigInt(NA4 | LOCK | 1) }),
]; // prettier-ignore
