/** Programs of the integer extensions. The expected values are the manual's definitions, worked out by hand. */
import { check, inMode, table, trapping } from './frame.js';
import type { Check } from './frame.js';

/** rd, rs1, rs2. */
const register = (name: string, a: string, b: string): string =>
  `li t0, ${a}\nli t1, ${b}\n${name} t5, t0, t1`;
/** rd, rs1, number. */
const immediate = (name: string, a: string, b: string): string => `li t0, ${a}\n${name} t5, t0, ${b}`;
/** rd, rs1. */
const unary = (name: string, a: string): string => `li t0, ${a}\n${name} t5, t0`;
/** 1 if the branch is taken. */
const branch = (name: string, a: string, b: string): string =>
  `li t0, ${a}\nli t1, ${b}\nli t5, 1\n${name} t0, t1, 1f\nli t5, 0\n1:`;

const BYTES = 'la t0, word\nli t1, 0x8182838485868788\nsd t1, 0(t0)\nsd t1, 8(t0)\n';
const load = (name: string, offset: string): string => `${BYTES}${name} t5, ${offset}(t0)`;
const store = (name: string, offset: string): string => `${BYTES}li t1, 0x1122334455667788\n${name} t1, ${offset}(t0)\nld t5, 0(t0)`; // prettier-ignore

/** An AMO on a place that holds a: what it gives, with what the place holds then in t4. */
const amo = (name: string, a: string, b: string): string =>
  `la t0, word\nli t1, ${a}\nsd t1, 0(t0)\nli t2, ${b}\n${name} t4, t2, (t0)\nld t5, 0(t0)`;

export const RV64I: readonly Check[] = [
  ...table(
    register,
    `add   0x7fffffffffffffff 1 -0x8000000000000000
     sub   0 1 -1
     sll   1 65 2
     slt   -1 0 1
     sltu  -1 0 0
     xor   0x0ff0 0x00ff 0x0f0f
     srl   -1 68 0x0fffffffffffffff
     sra   -16 66 -4
     or    0x0f 0xf0 0xff
     and   0x3c 0x0f 0x0c
     addw  0x7fffffff 1 -0x80000000
     subw  -0x80000000 1 0x7fffffff
     sllw  1 63 -0x80000000
     srlw  0x180000000 31 1
     sraw  0x80000000 32 -0x80000000`,
  ),
  ...table(
    immediate,
    `addi  5 -2048 -2043
     slti  -1 0 1
     sltiu 1 -1 1
     xori  0x55 -1 -0x56
     ori   0x800 -2048 -2048
     andi  0x1fff -16 0x1ff0
     slli  1 63 -0x8000000000000000
     srli  -1 63 1
     srai  -2 63 -1
     addiw 0x7fffffff 1 -0x80000000
     slliw 3 31 -0x80000000
     srliw -1 4 0x0fffffff
     sraiw 0x80000000 31 -1`,
  ),
  ...table(
    branch,
    `beq  3 3 1
     beq  3 4 0
     bne  3 4 1
     blt  -1 0 1
     blt  0 0 0
     bge  0 0 1
     bge  -1 0 0
     bltu 0 -1 1
     bgeu 0 -1 0`,
  ),
  // The bytes in memory, from the lowest: 88 87 86 85 84 83 82 81.
  ...table(
    load,
    `lb  1 -0x79
     lbu 1 0x87
     lh  2 -0x7a7a
     lhu 2 0x8586
     lw  4 -0x7e7d7c7c
     lwu 4 0x81828384
     ld  0 -0x7e7d7c7b7a797878`,
  ),
  ...table(
    store,
    `sb 1 -0x7e7d7c7b7a797778
     sh 2 -0x7e7d7c7b88777878
     sw 4 0x5566778885868788
     sd 0 0x1122334455667788`,
  ),
  check('lui t5, 0x80000', -0x8000_0000n),
  check('1: auipc t5, 1\nla t0, 1b\nsub t5, t5, t0', 0x1000n),
  check('jal t0, 1f\n1: la t1, 1b\nsub t5, t0, t1', 0n),
  // The lowest bit of a target is dropped.
  check('li t5, 0\nla t0, 1f + 1\n.option push\n.option norvc\n2: jalr t1, 0(t0)\n.option pop\nli t5, 1\n1: la t0, 2b + 4\nsub t1, t1, t0\nadd t5, t5, t1', 0n), // prettier-ignore
  check('fence rw, rw\nfence.tso\nli t5, 1', 1n),
  check('li t0, 7\naddi x0, t0, 1\nmv t5, x0', 0n),
  check(`${trapping('ecall')}`, { s11: 11n, s10: 0n }),
  check(`${trapping('8: ebreak')}\nla t0, 8b\nsub t5, s9, t0`, { s11: 3n, t5: 0n }),
];

export const M: readonly Check[] = table(
  register,
  `mul    0x100000001 0x100000001 0x200000001
   mulh   -1 -1 0
   mulh   -0x8000000000000000 -0x8000000000000000 0x4000000000000000
   mulhu  -1 -1 -2
   mulhsu -1 -1 -1
   mulw   0x10000 0x8000 -0x80000000
   div    -7 2 -3
   div    5 0 -1
   div    -0x8000000000000000 -1 -0x8000000000000000
   divu   -1 2 0x7fffffffffffffff
   divu   5 0 -1
   rem    -7 2 -1
   rem    5 0 5
   rem    -0x8000000000000000 -1 0
   remu   -1 10 5
   remu   7 0 7
   divw   -0x80000000 -1 -0x80000000
   divuw  0xffffffff 1 -1
   remw   -7 2 -1
   remuw  0x80000000 0 -0x80000000`,
);

export const A: readonly Check[] = [
  ...table(
    amo,
    `amoadd.d  -1 2 1
     amoswap.d 5 9 9
     amoxor.d  0xff 0x0f 0xf0
     amoand.d  0xff 0x0f 0x0f
     amoor.d   0xf0 0x0f 0xff
     amomin.d  -1 1 -1
     amomax.d  -1 1 1
     amominu.d -1 1 1
     amomaxu.d -1 1 -1
     amoadd.w  0x1ffffffff 1 0x100000000
     amoswap.w 0x100000005 9 0x100000009
     amoxor.w  0x1000000ff 0x0f 0x1000000f0
     amoand.w  0x1000000ff 0x0f 0x10000000f
     amoor.w   0x1000000f0 0x0f 0x1000000ff
     amomin.w  0x1ffffffff 1 0x1ffffffff
     amomax.w  0x1ffffffff 1 0x100000001
     amominu.w 0x1ffffffff 1 0x100000001
     amomaxu.w 0x1ffffffff 1 0x1ffffffff`,
  ),
  check(amo('amoadd.w.aqrl', '0x80000000', '0'), { t4: -0x8000_0000n }),
  check('la t0, word\nlr.d t1, (t0)\nsc.d t5, t1, (t0)', 0n),
  check('la t0, word\nlr.w t1, (t0)\nsc.w t5, t1, (t0)', 0n),
  // A reservation serves once, and one of another place does not.
  check('la t0, word\nlr.d t1, (t0)\nsc.d t2, t1, (t0)\nsc.d t5, t1, (t0)', 1n),
  check('la t0, word\nla t1, page\nlr.w t2, (t1)\nsc.w t5, t2, (t0)', 1n),
  check('la t0, word\nli t1, 7\nsd t1, 0(t0)\nli t2, 9\nsc.d t3, t2, (t0)\nld t5, 0(t0)', 7n),
  check(trapping('la t0, word + 4\nlr.d t1, (t0)'), { s11: 4n }),
  {
    ...check(trapping('la t0, word + 2\nsc.w t1, t1, (t0)'), { s11: 6n }),
    notOnQemu: 'without a reservation it fails before it looks at the address',
  },
];

export const ZICSR: readonly Check[] = [
  check('li t0, 5\ncsrw mscratch, t0\nli t1, 9\ncsrrw t5, mscratch, t1\ncsrr t4, mscratch', {
    t5: 5n,
    t4: 9n,
  }),
  check('li t0, 5\ncsrw mscratch, t0\nli t1, 9\ncsrrs t5, mscratch, t1\ncsrr t4, mscratch', {
    t5: 5n,
    t4: 13n,
  }),
  check('li t0, 13\ncsrw mscratch, t0\nli t1, 9\ncsrrc t5, mscratch, t1\ncsrr t4, mscratch', { t5: 13n, t4: 4n }), // prettier-ignore
  check('csrrwi t0, mscratch, 31\ncsrrsi t1, mscratch, 0\ncsrrci t2, mscratch, 1\ncsrr t5, mscratch', { t1: 31n, t2: 31n, t5: 30n }), // prettier-ignore
  // Registers that are read only may be read with set and clear, where nothing is written.
  check(trapping('csrrs t0, mhartid, x0\ncsrrci t0, mhartid, 0'), { s11: -1n }),
  check(trapping('csrrs t0, mhartid, t0'), { s11: 2n }),
  check(trapping('csrw cycle, zero'), { s11: 2n }),
];

/** Adds 1, and then 2, to t5, by an instruction that is changed between. */
const CHANGED = `
  li t5, 0
  li t2, 2
  la t0, 1f
  .option push
  .option norvc
  1: addi t5, t5, 1
  lw t1, 0(t0)
  li t3, 1 << 20
  add t1, t1, t3
  sw t1, 0(t0)
  fence.i
  addi t2, t2, -1
  bnez t2, 1b
  .option pop`;

export const ZIFENCEI: readonly Check[] = [check(CHANGED, 3n)];

/** Instructions of four bytes at an address that is no multiple of four, over a boundary of pages. */
export const ZICCIF: readonly Check[] = [
  check(
    `la t0, page + 4094
    li t1, 0x07f00f13          # addi t5, zero, 127
    sh t1, 0(t0)
    srli t1, t1, 16
    sh t1, 2(t0)
    li t1, 0x8082              # ret
    sh t1, 4(t0)
    fence.i
    jalr t0`,
    127n,
  ),
];

export const ZICNTR: readonly Check[] = [
  check('rdcycle t0\nnop\nrdcycle t1\nsltu t5, t0, t1', 1n),
  check('rdinstret t0\nnop\nrdinstret t1\nsltu t5, t0, t1', 1n),
  check('rdtime t0\n1: rdtime t1\nbeq t0, t1, 1b\nsltu t5, t0, t1', 1n),
  check(inMode('U', 'rdtime t0'), { s11: 2n }),
  check(`li t0, 2\ncsrw mcounteren, t0\ncsrw scounteren, t0\n${inMode('U', 'rdtime t0')}`, { s11: 8n }),
];

export const ZIHPM: readonly Check[] = [
  check('li t0, -1\ncsrr t1, hpmcounter3\ncsrr t2, hpmcounter31\nor t5, t1, t2', 0n),
  check('li t0, -1\ncsrw mhpmcounter3, t0\ncsrr t5, mhpmcounter3', 0n),
  check('li t0, -1\ncsrw mhpmevent31, t0\ncsrr t5, mhpmevent31', 0n),
].map((each) => ({
  ...each,
  notOnQemu: 'it is told to have no such counters, and takes their registers away',
}));

export const ZICOND: readonly Check[] = table(
  register,
  `czero.eqz 9 0 0
   czero.eqz 9 5 9
   czero.nez 9 5 0
   czero.nez 9 0 9`,
);

export const ZBA: readonly Check[] = [
  ...table(
    register,
    `sh1add 3 100 106
     sh2add 3 100 112
     sh3add -1 100 92
     add.uw -1 1 0x100000000
     sh1add.uw -1 1 0x1ffffffff
     sh2add.uw -1 1 0x3fffffffd
     sh3add.uw -1 1 0x7fffffff9`,
  ),
  ...table(immediate, 'slli.uw -1 4 0xffffffff0'),
];

export const ZBB: readonly Check[] = [
  ...table(
    register,
    `andn 0xff 0x0f 0xf0
     orn  0 -16 15
     xnor 0x0f 0x0f -1
     max  -1 1 1
     maxu -1 1 -1
     min  -1 1 -1
     minu -1 1 1
     rol  0x8000000000000001 4 0x18
     ror  0x18 4 -0x7fffffffffffffff
     rolw 0x80000001 4 0x18
     rorw 0x18 4 -0x7fffffff`,
  ),
  ...table(
    immediate,
    `rori  1 1 -0x8000000000000000
     roriw 1 1 -0x80000000`,
  ),
  ...table(
    unary,
    `clz    0x00f0 56
     clz    0 64
     ctz    0x00f0 4
     ctz    0 64
     cpop   -1 64
     clzw   0xf00000001 31
     ctzw   0x100000000 32
     cpopw  0xf0000000f 4
     sext.b 0x180 -128
     sext.h 0x18000 -32768
     zext.h -1 0xffff
     rev8   0x0102030405060708 0x0807060504030201
     orc.b  0x00ff000000120001 0x00ff000000ff00ff`,
  ),
];

export const ZBC: readonly Check[] = table(
  register,
  `clmul  7 5 27
   clmulh -0x8000000000000000 4 2
   clmulr -0x8000000000000000 2 2`,
);

export const ZBS: readonly Check[] = [
  ...table(
    register,
    `bset 0 63 -0x8000000000000000
     bclr -1 64 -2
     binv 5 66 1
     bext 4 2 1`,
  ),
  ...table(
    immediate,
    `bseti 0 63 -0x8000000000000000
     bclri -1 0 -2
     binvi 5 2 1
     bexti 4 1 0`,
  ),
];

export const ZIHINTPAUSE: readonly Check[] = [check('li t5, 1\npause', 1n)];

export const ZAWRS: readonly Check[] = [
  check('la t0, word\nlr.d t1, (t0)\nwrs.sto\nli t5, 1', 1n),
  // Something is pending, so that no wait is for long.
  check('csrwi mip, 2\ncsrwi mie, 2\nla t0, word\nlr.d t1, (t0)\nwrs.nto\nli t5, 1', 1n),
];

const maybe = (name: string, count: number, operands: string): Check[] =>
  Array.from({ length: count }, (_, index) => check(`li t5, 5\n${name}.${index} t5, ${operands}`, 0n));

export const ZIMOP: readonly Check[] = [...maybe('mop.r', 32, 't5'), ...maybe('mop.rr', 8, 't5, t5')];

export const ZCMOP: readonly Check[] = [1, 3, 5, 7, 9, 11, 13, 15].map((index) =>
  check(`li t5, 5\nc.mop.${index}`, 5n),
);

/** What lies after a block of 64 bytes, and the block, after an operation on an address in the middle of it. */
const zeroed = (offset: number): string => `
  la t0, block
  li t1, -1
  ${Array.from({ length: 16 }, (_, index) => `sd t1, ${8 * index}(t0)`).join('\n')}
  addi t2, t0, ${offset}
  cbo.zero (t2)
  li t5, 0
  li t4, -1
  ${Array.from({ length: 8 }, (_, index) => `ld t1, ${8 * index}(t0)\nor t5, t5, t1\nld t1, ${64 + 8 * index}(t0)\nand t4, t4, t1`).join('\n')}`;

export const ZICBOZ: readonly Check[] = [
  check(zeroed(0), { t5: 0n, t4: -1n }),
  check(`li t0, 0x80\ncsrs menvcfg, t0\n${inMode('U', 'la t0, block\ncbo.zero (t0)')}`, { s11: 2n }),
  check(trapping('li t0, 0x180000\ncbo.zero (t0)'), { s11: 7n }),
];
export const ZIC64B: readonly Check[] = [
  check(zeroed(37), { t5: 0n, t4: -1n }),
  check(zeroed(63), { t5: 0n, t4: -1n }),
];
export const ZICBOM: readonly Check[] = [
  check('la t0, block\nli t1, 7\nsd t1, 0(t0)\ncbo.clean (t0)\ncbo.flush (t0)\nld t5, 0(t0)', 7n),
  check('la t0, block\ncbo.inval (t0)\nli t5, 1', 1n),
  check(inMode('S', 'la t0, block\ncbo.clean (t0)'), { s11: 2n }),
];
export const ZICBOP: readonly Check[] = [
  check('la t0, block\nprefetch.r 0(t0)\nprefetch.w 32(t0)\nprefetch.i 64(t0)\nli t5, 1', 1n),
  // They never trap.
  check(trapping('li t0, 0x180000\nprefetch.w 0(t0)'), { s11: -1n }),
];

/** Reservations are of 64 bytes or less: a store of another place leaves them. */
export const ZA64RS: readonly Check[] = [
  check('la t0, block\nlr.d t1, (t0)\nsd t1, 64(t0)\nsc.d t5, t1, (t0)', 0n),
];

/** A loop of sixteen instructions between lr and sc, and no more, comes to an end. */
export const ZICCRSE: readonly Check[] = [
  check(`la t0, word\nsd x0, 0(t0)\nli t5, 0\n1: addi t5, t5, 1\nlr.d t1, (t0)\n${'addi t1, t1, 1\n'.repeat(13)}sc.d t2, t1, (t0)\nbnez t2, 1b\nld t4, 0(t0)`, { t4: 13n }), // prettier-ignore
];

/** Cycles that three instructions take with these operands, less those that they take with zeros. */
const cycles = (a: string, b: string): string => `
  li t0, ${a}
  li t1, ${b}
  csrr t2, mcycle
  mul t3, t0, t1
  sll t3, t0, t1
  sltu t3, t0, t1
  csrr t3, mcycle
  sub t5, t3, t2
  csrr t2, mcycle
  mul t3, x0, x0
  sll t3, x0, x0
  sltu t3, x0, x0
  csrr t3, mcycle
  sub t3, t3, t2
  sub t5, t5, t3`;
export const ZKT: readonly Check[] = [
  check(cycles('-1', '-1'), 0n),
  check(cycles('0x7fffffffffffffff', '63'), 0n),
].map((each) => ({ ...each, notOnQemu: 'its cycles are those of the host' }));

/** Every AMO of the A extension works in RAM, whatever kind of page it is in. */
export const ZICCAMOA: readonly Check[] = A.slice(0, 18).map(({ code, expected }) =>
  check(code.replace('la t0, word', 'la t0, page + 4088'), expected),
);

const misaligned = (store: string, load: string, at: number): string =>
  `la t0, page + ${at}\nli t1, 0x8182838485868788\n${store} t1, 0(t0)\n${load} t5, 0(t0)`;

export const ZICCLSM: readonly Check[] = [
  ...[1, 2, 3, 4, 5, 6, 7, 4089, 4092, 4095].map((at) =>
    check(misaligned('sd', 'ld', at), -0x7e7d_7c7b_7a79_7878n),
  ),
  ...[1, 2, 3, 4093, 4094, 4095].map((at) => check(misaligned('sw', 'lwu', at), 0x8586_8788n)),
  ...[1, 4095].map((at) => check(misaligned('sh', 'lh', at), -0x7878n)),
];
