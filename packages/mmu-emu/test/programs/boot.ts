/** Programs that are booted, and look at what they were given: the number of their hart, and a device tree. */
import { check } from './frame.js';
import type { Check, FrameParts } from './frame.js';

export const BOOT_HARTS = 3;
export const BOOT_MEBIBYTES = 128;
export const BOOT_ARGUMENTS = 'console=ttyS0';

/** Reads a device tree; its numbers are big-endian. */
const WALK = `
# The first node whose name begins with the text at a0, and its property with the name at a1. Gives where its value is in a0 (0
# when there is none), its length in a1, and how many nodes begin so in a2.
find_property:
  mv a3, a0
  mv a4, a1
  li a0, 0
  li a1, 0
  li a2, 0
  li a5, 0                    # whether this is such a node
  lwu t0, 8(s2)
  rev8 t0, t0
  srli t0, t0, 32
  add t0, t0, s2              # the structure
  lwu t1, 12(s2)
  rev8 t1, t1
  srli t1, t1, 32
  add t1, t1, s2              # the names of properties
1:
  lwu t2, 0(t0)
  rev8 t2, t2
  srli t2, t2, 32
  addi t0, t0, 4
  addi t2, t2, -1
  beqz t2, begin_node
  addi t2, t2, -1
  beqz t2, end_node
  addi t2, t2, -1
  beqz t2, property
  addi t2, t2, -1
  beqz t2, 1b                 # nothing
  ret
begin_node:
  mv t3, a3
  mv t4, t0
  li a5, 0
2: lbu t5, 0(t3)
  beqz t5, 3f
  lbu t6, 0(t4)
  bne t5, t6, 4f
  addi t3, t3, 1
  addi t4, t4, 1
  j 2b
3: li a5, 1
  addi a2, a2, 1
4: lbu t5, 0(t0)
  addi t0, t0, 1
  bnez t5, 4b
  addi t0, t0, 3
  andi t0, t0, -4
  j 1b
end_node:
  li a5, 0
  j 1b
property:
  lwu t2, 0(t0)
  rev8 t2, t2
  srli t2, t2, 32             # its length
  lwu t3, 4(t0)
  rev8 t3, t3
  srli t3, t3, 32
  add t3, t3, t1              # its name
  addi t0, t0, 8
  beqz a5, 6f
  bnez a0, 6f
  mv t4, a4
5: lbu t5, 0(t3)
  lbu t6, 0(t4)
  bne t5, t6, 6f
  addi t3, t3, 1
  addi t4, t4, 1
  bnez t5, 5b
  mv a0, t0
  mv a1, t2
6: add t0, t0, t2
  addi t0, t0, 3
  andi t0, t0, -4
  j 1b

  .balign 8
tree: .dword 0
arrived: .dword 0
strange: .dword 0`;

/** The others say whether they were given their own numbers, and the same tree. */
const OTHERS = `
  csrr t0, mhartid
  sub a0, a0, t0
1: la t0, tree
  ld t1, 0(t0)
  beqz t1, 1b
  sub a1, a1, t1
  or a0, a0, a1
  la t0, strange
  amoor.d x0, a0, (t0)
  la t0, arrived
  li t1, 1
  amoadd.d x0, t1, (t0)
2: wfi
  j 2b`;

export const BOOT_PARTS: FrameParts = {
  first: 'mv s2, a1\nmv s3, a0\nla t0, tree\nfence rw, rw\nsd a1, 0(t0)',
  others: OTHERS,
  more: WALK,
};

const find = (node: string, property: string): string => `
  j 2f
  .option push
  .option norvc
  6: .asciz "${node}"
  7: .asciz "${property}"
  .balign 4
  .option pop
  2: la a0, 6b
  la a1, 7b
  jal find_property
  bnez a0, 2f
  j fail
  2:`;

const word = (node: string, property: string): string =>
  `${find(node, property)}\nlwu t5, 0(a0)\nrev8 t5, t5\nsrli t5, t5, 32`;
const pair = (node: string, property: string): string =>
  `${find(node, property)}\nlwu t5, 0(a0)\nlwu t4, 4(a0)\nslli t4, t4, 32\nor t5, t5, t4\nrev8 t5, t5`;

export const BOOT: readonly Check[] = [
  check('csrr t0, mhartid\nsub t5, s3, t0', 0n),
  check('csrr t5, satp\nla t0, start\nli t1, 0x80000000\nsub t4, t0, t1', { t5: 0n, t4: 0n }),
  // The header: magic, version, and a size that ends in RAM; the tree is at a multiple of 8.
  check('lwu t5, 0(s2)\nrev8 t5, t5\nsrli t5, t5, 32', 0xd00d_feedn),
  check('lwu t5, 20(s2)\nrev8 t5, t5\nsrli t5, t5, 32', 17n),
  check(`lwu t0, 4(s2)\nrev8 t0, t0\nsrli t0, t0, 32\nadd t0, t0, s2\nli t1, ${0x8000_0000 + BOOT_MEBIBYTES * 2 ** 20}\nsltu t5, t1, t0\nandi t4, s2, 7`, { t5: 0n, t4: 0n }),
  check(pair('memory@', 'reg'), 0x8000_0000n),
  check(`${find('memory@', 'reg')}\nlwu t5, 8(a0)\nlwu t4, 12(a0)\nslli t4, t4, 32\nor t5, t5, t4\nrev8 t5, t5\nmv t4, a1`, { t5: BigInt(BOOT_MEBIBYTES * 2 ** 20), t4: 16n }),
  check(`${find('cpu@', 'reg')}\nmv t5, a2`, BigInt(BOOT_HARTS)),
  check(`${find('cpu@', 'riscv,isa')}\nlwu t5, 0(a0)`, BigInt(new DataView(new TextEncoder().encode('rv64').buffer).getUint32(0, true))),
  check(word('cpus', 'timebase-frequency'), 10_000_000n),
  check(pair('serial@', 'reg'), 0x1000_0000n),
  check(pair('clint@', 'reg'), 0x200_0000n),
  check(pair('plic@', 'reg'), 0xc00_0000n),
  check(word('serial@', 'interrupts'), 10n),
  {
    ...check(`${find('chosen', 'bootargs')}\nlwu t5, 0(a0)\nmv t4, a1`, {
      t5: BigInt(new DataView(new TextEncoder().encode(BOOT_ARGUMENTS).buffer).getUint32(0, true)),
      t4: BigInt(BOOT_ARGUMENTS.length + 1),
    }),
    notOnQemu: 'it gives a command line to kernels only',
  },
  // Every other hart has come with its own number.
  check(`la t0, arrived\nli t2, ${BOOT_HARTS - 1}\n1: ld t1, 0(t0)\nbne t1, t2, 1b\nla t0, strange\nld t5, 0(t0)`, 0n),
]; // prettier-ignore
