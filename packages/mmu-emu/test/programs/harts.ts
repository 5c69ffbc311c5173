/** Programs of several harts: the first runs the tests, the others what it asks them to do. */
import { check, interrupt, trapping } from './frame.js';
import type { Check, FrameParts } from './frame.js';

/** How often each hart does what it does in a test of contention. */
const TIMES = 400;

/** Waits for a test to ask for something, does it, says so, and waits for the next. */
const OTHERS = `
  csrw mie, zero
  la t0, other_trap
  csrw mtvec, t0
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 0x1f
  csrw pmpcfg0, t0
  li t0, 0x2004000
  csrr t1, mhartid
  slli t1, t1, 3
  add t0, t0, t1
  li t1, -1
  sd t1, 0(t0)
  li s1, 0
1:
  la t0, asked
  ld t1, 0(t0)
  beq t1, s1, 1b
  mv s1, t1
  fence rw, rw
  la t0, job
  ld t0, 0(t0)
  jalr t0
  fence rw, rw
  la t0, done
  li t1, 1
  amoadd.d x0, t1, (t0)
  j 1b

  .balign 4
other_trap:
  csrr t5, mcause
  slli t5, t5, 1
  li t6, 2 * 7
  beq t5, t6, 2f
  csrr t5, mhartid          # the software interrupt: taken back, counted, and whatever it was sent for done
  slli t5, t5, 2
  li t6, 0x2000000
  add t5, t5, t6
  sw x0, 0(t5)
  sfence.vma
  j 3f
2:
  csrr t5, mhartid          # the timer's
  slli t5, t5, 3
  li t6, 0x2004000
  add t5, t5, t6
  li t6, -1
  sd t6, 0(t5)
3:
  addi s2, s2, 1
  la t5, interrupts
  li t6, 1
  amoadd.d x0, t6, (t5)
  mret`;

const JOBS = (harts: number): string => `
# Adds one to a counter by a load-reserved and a store-conditional.
add_reserved:
  li t0, ${TIMES}
  la t1, counter
1: lr.d t2, (t1)
  addi t2, t2, 1
  sc.d t3, t2, (t1)
  bnez t3, 1b
  addi t0, t0, -1
  bnez t0, 1b
  ret

# Draws tickets, and notes who has which.
draw_tickets:
  li t0, ${TIMES}
  la t1, counter
  la t2, tickets
1: li t3, 1
  amoadd.w t3, t3, (t1)
  add t3, t3, t2
  lbu t4, 0(t3)
  addi t4, t4, 1
  sb t4, 0(t3)
  addi t0, t0, -1
  bnez t0, 1b
  ret

# Adds one to a counter, not in one piece, under a lock.
add_locked:
  li t0, ${TIMES}
  la t1, counter
  la t2, lock
1: li t3, 1
2: amoswap.w.aq t4, t3, (t2)
  bnez t4, 2b
  ld t4, 0(t1)
  addi t4, t4, 1
  nop
  sd t4, 0(t1)
  amoswap.w.rl x0, x0, (t2)
  addi t0, t0, -1
  bnez t0, 1b
  ret

# Takes one interrupt.
await_interrupt:
  li s2, 0
  li t0, 0x88
  csrw mie, t0
  la t0, ready
  li t1, 1
  amoadd.d x0, t1, (t0)
  csrsi mstatus, 8
1: beqz s2, 1b
  csrci mstatus, 8
  csrw mie, zero
  ret

# On hart 1: reserves a place, and stores to it when the first hart has done so.
lose_reservation:
  csrr t0, mhartid
  addi t0, t0, -1
  bnez t0, 2f
  la t1, counter
  la t2, ready
  lr.d t3, (t1)
  li t4, 1
  amoadd.d x0, t4, (t2)
1: ld t4, 0(t2)
  addi t4, t4, -2
  bnez t4, 1b
  sc.d t3, t3, (t1)
  la t1, seen
  sd t3, 0(t1)
2: ret

# On hart 1: reads a page under the first hart's tables, waits for an interrupt, and reads it again.
read_page:
  csrr t0, mhartid
  addi t0, t0, -1
  bnez t0, 2f
  la t0, root
  ld t0, 0(t0)
  csrw satp, t0
  sfence.vma
  li t3, 0x40000000
  li t0, 0x1800
  csrc mstatus, t0
  li t0, 0x20800
  csrs mstatus, t0
  ld s3, 0(t3)
  li t0, 0x20000
  csrc mstatus, t0
  mv s4, ra
  jal await_interrupt
  li t3, 0x40000000
  li t0, 0x1800
  csrc mstatus, t0
  li t0, 0x20800
  csrs mstatus, t0
  ld t1, 0(t3)
  li t0, 0x20000
  csrc mstatus, t0
  la t0, seen
  sd s3, 0(t0)
  sd t1, 8(t0)
  csrw satp, zero
  jr s4
2: ret

  .balign 64
asked: .dword 0
job: .dword 0
  .balign 64
done: .dword 0
  .balign 64
ready: .dword 0
  .balign 64
interrupts: .dword 0
root: .dword 0
seen: .zero 16
lock: .dword 0
  .balign 64
counter: .dword 0
  .balign 64
tickets: .zero ${harts * TIMES}`;

/** Has the others do something, does something else meanwhile, and waits until they have all done it. */
const together = (harts: number, job: string, here: string): string => `
  la t0, done
  sd x0, 0(t0)
  la t0, ready
  sd x0, 0(t0)
  la t0, interrupts
  sd x0, 0(t0)
  la t0, counter
  sd x0, 0(t0)
  la t0, job
  la t1, ${job}
  sd t1, 0(t0)
  fence rw, rw
  la t0, asked
  sd gp, 0(t0)
  ${here}
  la t0, done
  li t2, ${harts - 1}
  1: ld t1, 0(t0)
  bne t1, t2, 1b
  fence rw, rw`;

const allReady = (count: number): string => `
  la t0, ready
  li t2, ${count}
  1: ld t1, 0(t0)
  bne t1, t2, 1b`;

export const hartChecks = (harts: number): Check[] => [
  check(`${together(harts, 'add_reserved', 'jal add_reserved')}\nla t0, counter\nld t5, 0(t0)`, BigInt(harts * TIMES)),
  check(`${together(harts, 'add_locked', 'jal add_locked')}\nla t0, counter\nld t5, 0(t0)`, BigInt(harts * TIMES)),
  // Every ticket is drawn once: all their bytes are 1.
  check(`${together(harts, 'draw_tickets', 'jal draw_tickets')}
    la t0, tickets
    li t1, ${harts * TIMES}
    li t5, 0
    1: lbu t2, 0(t0)
    addi t2, t2, -1
    or t5, t5, t2
    addi t0, t0, 1
    addi t1, t1, -1
    bnez t1, 1b
    la t0, counter
    ld t4, 0(t0)`, { t5: 0n, t4: BigInt(harts * TIMES) }),
  // An interrupt from here to each of the others, by software and by its timer; and one to itself.
  check(`${together(harts, 'await_interrupt', `${allReady(harts - 1)}
    li t0, 0x2000000
    li t1, 1
    ${Array.from({ length: harts - 1 }, (_, index) => `sw t1, ${4 * (index + 1)}(t0)`).join('\n')}`)}
    la t0, interrupts
    ld t5, 0(t0)
    li t0, 0x2000000
    li t4, 0
    ${Array.from({ length: harts }, (_, hart) => `lw t1, ${4 * hart}(t0)\nor t4, t4, t1`).join('\n')}`, { t5: BigInt(harts - 1), t4: 0n }),
  check(`${together(harts, 'await_interrupt', `${allReady(harts - 1)}
    li t0, 0x2004000
    rdtime t1
    ${Array.from({ length: harts - 1 }, (_, index) => `sd t1, ${8 * (index + 1)}(t0)`).join('\n')}`)}
    la t0, interrupts
    ld t5, 0(t0)`, BigInt(harts - 1)),
  check(`li t0, 8\ncsrw mie, t0\nli t0, 0x2000000\nli t1, 1\n${trapping('csrsi mstatus, 8\nsw t1, 0(t0)\n1: j 1b')}\nsw x0, 0(t0)`, { s11: interrupt(3) }),
  // The store of another hart ends a reservation, and what it stored stays.
  check(`${together(harts, 'lose_reservation', `${allReady(1)}
    la t0, counter
    li t1, 5
    sd t1, 0(t0)
    la t0, ready
    li t1, 1
    amoadd.d x0, t1, (t0)`)}
    la t0, seen
    ld t5, 0(t0)
    la t0, counter
    ld t4, 0(t0)`, { t5: 1n, t4: 5n }),
  // What another hart has cached of a table goes when it fences, as an interrupt asks it to.
  check(`la a1, page
    srli a1, a1, 2
    ori a1, a1, 0xc7
    li a0, 8
    jal paging
    csrr t1, satp
    la t0, root
    sd t1, 0(t0)
    csrw satp, zero
    la t0, page
    li t1, 77
    sd t1, 0(t0)
    li t0, 0x80080000
    li t1, 78
    sd t1, 0(t0)
    ${together(harts, 'read_page', `${allReady(1)}
      la t0, tables + 16384
      li t1, (0x80080000 >> 2) | 0xc7
      sd t1, 0(t0)
      fence rw, rw
      li t0, 0x2000000
      li t1, 1
      sw t1, 4(t0)`)}
    la t0, seen
    ld t4, 0(t0)
    ld t5, 8(t0)`, { t4: 77n, t5: 78n }),
]; // prettier-ignore

export const hartParts = (harts: number): FrameParts => ({ others: OTHERS, more: JOBS(harts) });
