/* The parts of ELF64 that self-relocation and symbol look-up need. */
#ifndef FAULTLINE_LIB_ELF64_H_
#define FAULTLINE_LIB_ELF64_H_

#include <stdint.h>

typedef struct elf_header {
  uint8_t ident[16];
  uint16_t type, machine;
  uint32_t version;
  uint64_t entry, phoff, shoff;
  uint32_t flags;
  uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
} elf_header_t;

typedef struct elf_program_header {
  uint32_t type, flags;
  uint64_t offset, vaddr, paddr, filesz, memsz, align;
} elf_program_header_t;

typedef struct elf_dynamic {
  int64_t tag;
  uint64_t value;
} elf_dynamic_t;

typedef struct elf_symbol {
  uint32_t name;
  uint8_t info, other;
  uint16_t section;
  uint64_t value, size;
} elf_symbol_t;

typedef struct elf_rela {
  uint64_t offset, info;
  int64_t addend;
} elf_rela_t;

enum {
  PT_LOAD = 1,
  PT_DYNAMIC = 2,
  DT_NULL = 0,
  DT_HASH = 4,
  DT_STRTAB = 5,
  DT_SYMTAB = 6,
  DT_RELA = 7,
  DT_RELASZ = 8,
  R_RISCV_RELATIVE = 3,
};

#endif
