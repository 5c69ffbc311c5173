/* rewrite a function of 16 instructions, fence.i, call it 8 times */
#include "bench.h"
const char bench_name[] = "smc";
u64 bench_main(void) {
    volatile u32 *code = (volatile u32 *)(arena + (4ul << 20));
    u64 (*f)(u64) = (u64 (*)(u64))code;
    u64 h = 1;
    for (u64 i = 0; i < 20000ul * SCALE; i++) {
        /* addi a0, a0, n or xori a0, a0, n: the words differ in every round; the last one is ret */
        for (u32 j = 0; j < 15; j++) code[j] = ((i * 31 + j * 7) & 0x7ff) << 20 | (j & 1 ? 0x00054513u : 0x00050513u);
        code[15] = 0x00008067u;
        __asm__ volatile("fence.i" ::: "memory");
        for (u32 k = 0; k < 8; k++) h = f(h * 3);
    }
    return h;
}
