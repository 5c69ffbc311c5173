# Every hart starts here, with a stack of its own. What main returns goes to the test finisher.
  .globl _start
_start:
  .option push
  .option norelax
  la gp, __global_pointer$
  .option pop
  li t0, 0x2000
  csrs mstatus, t0
  la sp, stack_top
  csrr t0, mhartid
  slli t1, t0, 12
  sub sp, sp, t1
  bnez t0, 1f
  call main
  slli a0, a0, 16
  li t1, 0x3333
  or t1, t1, a0
  li t0, 0x100000
  sw t1, 0(t0)
2:
  j 2b
1:
  call second

  .bss
  .balign 4096
  .space 32768
stack_top:
