/* Look-up of system calls in the dynamic symbol table of the vDSO (System V ABI, "Hash Table"). */
#include "bind.h"

#include "elf64.h"

extern uintptr_t zircon_slots[];
extern uintptr_t zircon_slots_end[];
extern const char zircon_names[];
extern char zircon_not_supported[];

static struct {
  uintptr_t bias;
  const elf_symbol_t *symbols;
  const char *strings;
  const uint32_t *hash; /* bucket count, chain count, buckets, chains */
} vdso_table;

static uint32_t hash_of(const char *name) {
  uint32_t hash = 0;
  for (; *name != 0; name++) {
    hash = (hash << 4) + (uint8_t)*name;
    const uint32_t high = hash & 0xf0000000u;
    hash = (hash ^ (high >> 24)) & ~high;
  }
  return hash;
}

static int same(const char *left, const char *right) {
  while (*left != 0 && *left == *right) left++, right++;
  return *left == *right;
}

uintptr_t zircon_vdso_symbol(const char *name) {
  const uint32_t *hash = vdso_table.hash;
  if (hash == 0 || hash[0] == 0) return 0;
  const uint32_t *chains = hash + 2 + hash[0];
  uint32_t index = hash[2 + hash_of(name) % hash[0]];
  for (; index != 0 && index < hash[1]; index = chains[index]) {
    const elf_symbol_t *symbol = &vdso_table.symbols[index];
    if (symbol->section != 0 && same(vdso_table.strings + symbol->name, name)) {
      return vdso_table.bias + symbol->value;
    }
  }
  return 0;
}

int zircon_bind_vdso(uintptr_t vdso) {
  const elf_header_t *header = (const elf_header_t *)vdso;
  if (vdso == 0 || header->ident[0] != 0x7f || header->ident[1] != 'E' || header->ident[2] != 'L' ||
      header->ident[3] != 'F' || header->phentsize != sizeof(elf_program_header_t)) {
    return 0;
  }

  const elf_program_header_t *program = (const elf_program_header_t *)(vdso + header->phoff);
  const elf_dynamic_t *dynamic = 0;
  int have_bias = 0;
  uintptr_t bias = 0;
  uint64_t dynamic_vaddr = 0;
  for (uint32_t i = 0; i < header->phnum; i++) {
    if (program[i].type == PT_LOAD && !have_bias) {
      bias = vdso + program[i].offset - program[i].vaddr;
      have_bias = 1;
    } else if (program[i].type == PT_DYNAMIC) {
      dynamic_vaddr = program[i].vaddr;
    }
  }
  if (!have_bias || dynamic_vaddr == 0) return 0;

  vdso_table.bias = bias;
  for (dynamic = (const elf_dynamic_t *)(bias + dynamic_vaddr); dynamic->tag != DT_NULL; dynamic++) {
    const uintptr_t address = bias + dynamic->value;
    if (dynamic->tag == DT_HASH) vdso_table.hash = (const uint32_t *)address;
    if (dynamic->tag == DT_STRTAB) vdso_table.strings = (const char *)address;
    if (dynamic->tag == DT_SYMTAB) vdso_table.symbols = (const elf_symbol_t *)address;
  }
  if (vdso_table.hash == 0 || vdso_table.strings == 0 || vdso_table.symbols == 0) return 0;

  const char *name = zircon_names;
  for (uintptr_t *slot = zircon_slots; slot != zircon_slots_end; slot++) {
    const uintptr_t address = zircon_vdso_symbol(name);
    *slot = address != 0 ? address : (uintptr_t)zircon_not_supported;
    while (*name++ != 0) {
    }
  }
  return 1;
}
