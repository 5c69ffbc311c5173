/* What a program tells the one who starts it, in a note of its ELF file. */
#ifndef FAULTLINE_ELF_NOTE_H_
#define FAULTLINE_ELF_NOTE_H_

/* Owner "Faultline", type 1; the descriptor is one u32 of flags. */
#define FAULTLINE_NOTE_TYPE 1
/* The program knows about pagers: its system calls may wait for one instead of failing with ZX_ERR_SHOULD_WAIT. */
#define FAULTLINE_NOTE_MAY_WAIT_FOR_PAGERS 1

/* Once, at file scope, in any source file of a program. */
#define FAULTLINE_MAY_WAIT_FOR_PAGERS()                          \
  __asm__(                                                       \
      ".pushsection .note.faultline, \"aR\", @note\n"            \
      ".balign 4\n"                                              \
      ".word 10, 4, 1\n" /* bytes of the owner, of the flags; type */ \
      ".asciz \"Faultline\"\n"                                   \
      ".balign 4\n"                                              \
      ".word 1\n"                                                \
      ".popsection")

#endif
