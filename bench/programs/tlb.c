/* change one 4 KiB PTE + sfence.vma va + load through it (alternating two frames) */
#include "bench.h"
const char bench_name[] = "tlb";
extern u64 l0[][512];
u64 bench_main(void) {
    u64 a = (u64)arena, b = a + 4096, va = a + (8ul << 20), h = 0;
    *(u64 *)a = 11; *(u64 *)b = 22;
    u64 *pte = &l0[(va - 0x80000000ul) >> 21][(va >> 12) & 511];
    for (u64 i = 0; i < 500000ul * SCALE; i++) {
        *(volatile u64 *)pte = ((i & 1 ? a : b) >> 12 << 10) | 0xcf;
        __asm__ volatile("sfence.vma %0, zero" :: "r"(va) : "memory");
        h = h * 3 + *(volatile u64 *)va;
    }
    return h;
}
