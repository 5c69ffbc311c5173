/*
 * Entry of a program: a0 is the bootstrap channel, a1 the address of the vDSO, sp the top of the stack.
 * Nothing is relocated yet, so only addresses relative to pc are used until rt_relocate has run.
 */
  .text
  .balign 4
  .globl _start
  .type _start, @function
_start:
  mv s2, a0
  mv s1, a1
  li fp, 0 /* the end of the chain of frames */
  lla a0, __ehdr_start
  lla a1, _DYNAMIC
  call rt_relocate
  mv a0, s2
  mv a1, s1
  call rt_start
  unimp
  .size _start, . - _start

  .section .note.GNU-stack, "", @progbits
