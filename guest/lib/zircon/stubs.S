/*
 * Entry points of the system calls. Each jumps through its slot of a table that zircon_bind_vdso fills at start-up.
 * Only t0 is clobbered, so that arguments, result and every other register pass through as they are.
 */

/* One stub, one slot and one name for each call; slots and names are in the same order. */
.macro VDSO_ENTRY name
  .pushsection .text.\name, "ax", @progbits
  .balign 4
  .globl \name
  .type \name, @function
\name:
  1: auipc t0, %pcrel_hi(zircon_slot_\name)
  ld t0, %pcrel_lo(1b)(t0)
  jr t0
  .size \name, . - \name
  .popsection

  .pushsection .data.zircon_slots, "aw", @progbits
zircon_slot_\name:
  .quad 0
  .popsection

  .pushsection .rodata.zircon_names, "a", @progbits
  .asciz "\name"
  .popsection
.endm

  .pushsection .data.zircon_slots, "aw", @progbits
  .balign 8
  .globl zircon_slots
  .hidden zircon_slots
zircon_slots:
  .popsection

  .pushsection .rodata.zircon_names, "a", @progbits
  .globl zircon_names
  .hidden zircon_names
zircon_names:
  .popsection

#define VDSO_CALL(name) VDSO_ENTRY name
#include <zircon/generated/vdso-calls.inc>
#undef VDSO_CALL

  .pushsection .data.zircon_slots, "aw", @progbits
  .globl zircon_slots_end
  .hidden zircon_slots_end
zircon_slots_end:
  .popsection

/* A call that the vDSO does not have: ZX_ERR_NOT_SUPPORTED. */
  .text
  .balign 4
  .globl zircon_not_supported
  .hidden zircon_not_supported
  .type zircon_not_supported, @function
zircon_not_supported:
  li a0, -2
  ret
  .size zircon_not_supported, . - zircon_not_supported

  .section .note.GNU-stack, "", @progbits
