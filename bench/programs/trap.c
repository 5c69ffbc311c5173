/* S->M ecall + mret round trips */
#include "bench.h"
const char bench_name[] = "trap";
u64 bench_main(void) { register u64 a0 __asm__("a0") = 0; for (u64 i = 0; i < 1000000ul * SCALE; i++) __asm__ volatile("ecall" : "+r"(a0)); return a0; }
