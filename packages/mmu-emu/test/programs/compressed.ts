/** Programs of the compressed instructions; sp is an ordinary register to them. */
import { check, table, trapping } from './frame.js';
import type { Check } from './frame.js';

const two = (name: string, a: string, b: string): string =>
  `li a0, ${a}\nli a1, ${b}\n${name} a0, a1\nmv t5, a0`;
const number = (name: string, a: string, b: string): string => `li a0, ${a}\n${name} a0, ${b}\nmv t5, a0`;
const one = (name: string, a: string): string => `li a0, ${a}\n${name} a0\nmv t5, a0`;

const PLACE = 'la a0, word\nli a1, 0x8182838485868788\nsd a1, 0(a0)\nsd x0, 8(a0)\nmv sp, a0\n';
const load = (name: string, place: string): string => `${PLACE}${name} a2, ${place}\nmv t5, a2`;
const store = (name: string, place: string): string => `${PLACE}${name} a1, ${place}\nld t5, 8(a0)`;

export const C: readonly Check[] = [
  ...table(
    number,
    `c.addi  5 -32 -27
     c.addiw 0x7fffffff 1 -0x80000000
     c.li    5 -32 -32
     c.lui   5 0xfffff -4096
     c.srli  -1 63 1
     c.srai  -64 5 -2
     c.andi  0x1ff -16 0x1f0
     c.slli  3 62 -0x4000000000000000`,
  ),
  ...table(
    two,
    `c.sub  5 7 -2
     c.xor  0xff 0x0f 0xf0
     c.or   0xf0 0x0f 0xff
     c.and  0x3c 0x0f 0x0c
     c.subw -0x80000000 1 0x7fffffff
     c.addw 0x7fffffff 1 -0x80000000
     c.mv   1 7 7
     c.add  -1 3 2`,
  ),
  ...table(
    load,
    `c.lw   4(a0) -0x7e7d7c7c
     c.ld   0(a0) -0x7e7d7c7b7a797878
     c.lwsp 4(sp) -0x7e7d7c7c
     c.ldsp 0(sp) -0x7e7d7c7b7a797878`,
  ),
  ...table(
    store,
    `c.sw   8(a0) 0x85868788
     c.sd   8(a0) -0x7e7d7c7b7a797878
     c.swsp 8(sp) 0x85868788
     c.sdsp 8(sp) -0x7e7d7c7b7a797878`,
  ),
  check(`${PLACE}c.fld fa0, 0(a0)\nc.fsd fa0, 8(a0)\nld t5, 8(a0)`, -0x7e7d_7c7b_7a79_7878n),
  check(`${PLACE}c.fldsp fa0, 0(sp)\nc.fsdsp fa0, 8(sp)\nld t5, 8(a0)`, -0x7e7d_7c7b_7a79_7878n),
  check('li sp, 1024\nc.addi4spn a0, sp, 1020\nmv t5, a0', 2044n),
  check('li sp, 1024\nc.addi16sp sp, -512\nmv t5, sp', 512n),
  check('li t5, 1\nc.j 1f\nli t5, 0\n1: c.nop', 1n),
  check('li a0, 0\nli t5, 1\nc.beqz a0, 1f\nli t5, 0\n1:', 1n),
  check('li a0, 4\nli t5, 1\nc.bnez a0, 1f\nli t5, 0\n1:', 1n),
  check('la t0, 1f\nli t5, 1\nc.jr t0\nli t5, 0\n1:', 1n),
  // The link of two bytes.
  check('la t0, 1f\n2: c.jalr t0\nc.nop\n1: la t1, 2b\nsub t5, ra, t1', 2n),
  check(`${trapping('8: c.ebreak')}\nla t0, 8b\nsub t5, s10, t0`, { s11: 3n, t5: 0n }),
  check(trapping('.half 0'), { s11: 2n, s10: 0n }),
  // c.addi4spn without a number, and c.addiw to x0, are reserved.
  check(trapping('.half 4'), { s11: 2n, s10: 4n }),
  check(trapping('.half 0x2001'), { s11: 2n, s10: 0x2001n }),
];

export const ZCB: readonly Check[] = [
  ...table(
    one,
    `c.zext.b -1 0xff
     c.sext.b 0x180 -128
     c.zext.h -1 0xffff
     c.sext.h 0x18000 -32768
     c.zext.w -1 0xffffffff
     c.not    5 -6`,
  ),
  ...table(two, 'c.mul -3 7 -21'),
  ...table(
    load,
    `c.lbu 3(a0) 0x85
     c.lhu 2(a0) 0x8586
     c.lh  2(a0) -0x7a7a`,
  ),
  check(`${PLACE}addi a3, a0, 8\nc.sb a1, 1(a3)\nld t5, 8(a0)`, 0x8800n),
  check(`${PLACE}addi a3, a0, 8\nc.sh a1, 2(a3)\nld t5, 8(a0)`, 0x8788_0000n),
];
