/** Programs of the devices, by their registers. */
import { check, inMode, interrupt, trapping } from './frame.js';
import type { Check } from './frame.js';

const UART = 0x1000_0000;
const UART_SOURCE = 10;
const PLIC = 0xc00_0000;
const RTC = 0x10_1000;
const RTC_SOURCE = 11;

/** What the serial port's program sends. */
export const UART_TEXT = 'sixteen\n';

const uart = (code: string): string => `li s0, ${UART}\n${code}`;

/** The transmitter's interrupt, which is raised as soon as it is enabled; reading what it is takes it back. */
const RAISE = 'li t1, 2\nsb t1, 1(s0)';
const DROP = 'sb x0, 1(s0)';

export const SERIAL: readonly Check[] = [
  // Ready to send, and nothing received.
  check(uart('lbu t5, 5(s0)\nandi t5, t5, 0x61'), 0x60n),
  check(uart([...UART_TEXT].map((letter) => `1: lbu t1, 5(s0)\nandi t1, t1, 0x20\nbeqz t1, 1b\nli t1, ${letter.charCodeAt(0)}\nsb t1, 0(s0)`).join('\n') + '\nli t5, 1'), 1n),
  check(uart('li t1, 0xa5\nsb t1, 7(s0)\nlbu t5, 7(s0)'), 0xa5n),
  // The divisor behind the latch, and the interrupt enables in the same place without it.
  check(uart('li t1, 0x83\nsb t1, 3(s0)\nli t1, 0x12\nsb t1, 0(s0)\nli t1, 0x34\nsb t1, 1(s0)\nlbu t5, 0(s0)\nlbu t4, 1(s0)\nli t1, 3\nsb t1, 3(s0)\nlbu t3, 1(s0)'), { t5: 0x12n, t4: 0x34n, t3: 0n }),
  // Looped back: what is sent is received, with the interrupt of received data.
  check(uart('li t1, 0x10\nsb t1, 4(s0)\nli t1, 1\nsb t1, 1(s0)\nli t1, 0x5a\nsb t1, 0(s0)\n1: lbu t5, 5(s0)\nandi t5, t5, 1\nbeqz t5, 1b\nlbu t4, 2(s0)\nandi t4, t4, 15\nlbu t3, 0(s0)\nlbu t5, 5(s0)\nandi t5, t5, 1\nsb x0, 4(s0)\nsb x0, 1(s0)'), { t4: 4n, t3: 0x5an, t5: 0n }),
  // No interrupt; the transmitter's, until it is looked at; none.
  check(uart('lbu t5, 2(s0)\nandi t5, t5, 15'), 1n),
  check(uart(`${RAISE}\nlbu t5, 2(s0)\nandi t5, t5, 15\nlbu t4, 2(s0)\nandi t4, t4, 15\n${DROP}`), { t5: 2n, t4: 1n }),
]; // prettier-ignore

const context = (number: number): string => `
  li s1, ${PLIC}
  li s2, ${PLIC + 0x2000 + 0x80 * number}
  li s3, ${PLIC + 0x20_0000 + 0x1000 * number}`;
const source = (priority: number, enabled = true): string => `
  li t1, ${priority}
  sw t1, ${4 * UART_SOURCE}(s1)
  li t1, ${enabled ? 1 << UART_SOURCE : 0}
  sw t1, 0(s2)`;
const external = (bit: number): string => `csrr t5, mip\nsrli t5, t5, ${bit}\nandi t5, t5, 1`;
const waitFor = (bit: number): string => `1: ${external(bit)}\nbeqz t5, 1b`;
/** Everything as it was. */
const QUIET = `${DROP}\nlbu t1, 2(s0)\nlw t1, 4(s3)\nsw t1, 4(s3)\nsw x0, 0(s2)\nsw x0, 0(s3)`;
const pending = `li t2, ${PLIC + 0x1000}\nlwu t4, 0(t2)\nsrli t4, t4, ${UART_SOURCE}\nandi t4, t4, 1`;

export const INTERRUPT_CONTROLLER: readonly Check[] = [
  check(`${context(0)}\nli t1, 5\nsw t1, 40(s1)\nlw t5, 40(s1)\nli t1, 7\nsw t1, 0(s3)\nlw t4, 0(s3)\nsw x0, 0(s3)`, { t5: 5n, t4: 7n }),
  check(`${context(0)}\nli t1, -1\nsw t1, 0(s2)\nlwu t5, 0(s2)\nsw x0, 0(s2)\nandi t5, t5, -2`, 0xffff_fffen),
  // Pending, seen by the hart, claimed once, and pending again when it is completed with the line raised.
  check(uart(`${context(0)}\n${source(1)}\n${RAISE}\n${waitFor(11)}\n${pending}\n`), { t5: 1n, t4: 1n }),
  check(`lw t5, 4(s3)\nlw t4, 4(s3)\ncsrr t3, mip\nsrli t3, t3, 11\nandi t3, t3, 1`, { t5: BigInt(UART_SOURCE), t4: 0n, t3: 0n }),
  {
    ...check(`li t1, ${UART_SOURCE}\nsw t1, 4(s3)\n${waitFor(11)}\nlw t4, 4(s3)`, { t4: BigInt(UART_SOURCE) }),
    notOnQemu: 'it does not look at the line when an interrupt is completed',
  },
  check(`lbu t1, 2(s0)\nli t1, ${UART_SOURCE}\nsw t1, 4(s3)\n${external(11)}\n${DROP}`, 0n),
  // A threshold that is as high as the priority masks it; priority 0 is never.
  check(uart(`${context(0)}\n${source(3)}\nli t1, 3\nsw t1, 0(s3)\n${RAISE}\n${pending}\n${external(11)}`), { t5: 0n, t4: 1n }),
  check(`li t1, 2\nsw t1, 0(s3)\n${waitFor(11)}\n${source(0)}\n${external(11)}\n${QUIET}`, 0n),
  // The supervisor's context raises the supervisor's interrupt.
  check(uart(`${context(1)}\n${source(1)}\n${RAISE}\n1: csrr t4, mip\nsrli t4, t4, 9\nandi t4, t4, 1\nbeqz t4, 1b\n${external(11)}`), { t4: 1n, t5: 0n }),
  check(`li t0, 0x200\ncsrw mideleg, t0\ncsrw mie, t0\n${inMode('S', 'csrsi sstatus, 2\n1: j 1b')}\nmv t5, s11\nlw t4, 4(s3)`, { t5: interrupt(9), s8: 1n, t4: BigInt(UART_SOURCE) }),
  check(`li t1, ${UART_SOURCE}\nsw t1, 4(s3)\n${QUIET}\n${external(9)}`, 0n),
]; // prettier-ignore

export const CLINT: readonly Check[] = [
  // Of a software interrupt one bit is kept; a deadline is as it was written, in halves too.
  check('li s0, 0x2000000\nli t1, -1\nsw t1, 0(s0)\nlw t5, 0(s0)\ncsrr t4, mip\nandi t4, t4, 8\nsw x0, 0(s0)\nlw t3, 0(s0)', { t5: 1n, t4: 8n, t3: 0n }),
  check('li s0, 0x2004000\nli t1, 0x1234567812345678\nsd t1, 0(s0)\nld t5, 0(s0)\nlwu t4, 4(s0)', { t5: 0x1234_5678_1234_5678n, t4: 0x1234_5678n }),
  check('li t1, -1\nsw t1, 4(s0)\nli t1, 0x10\nsw t1, 0(s0)\nlwu t5, 0(s0)\nlwu t4, 4(s0)', { t5: 0x10n, t4: 0xffff_ffffn }),
  // The timer's interrupt is there from its deadline on, and gone with a later one.
  check('sd x0, 0(s0)\ncsrr t5, mip\nandi t5, t5, 128\nli t1, -1\nsd t1, 0(s0)\ncsrr t4, mip\nandi t4, t4, 128', { t5: 128n, t4: 0n }),
  check('li s1, 0x200bff8\nrdtime t0\nld t1, 0(s1)\nrdtime t2\nsltu t5, t1, t0\nsltu t4, t2, t1', { t5: 0n, t4: 0n }),
  check('ld t0, 0(s1)\n1: ld t1, 0(s1)\nbeq t0, t1, 1b\nsltu t5, t0, t1', 1n),
  check(`li t0, 0x80\ncsrw mie, t0\nld t0, 0(s1)\naddi t0, t0, 500\nsd t0, 0(s0)\nmv s2, t0\n${trapping('csrsi mstatus, 8\n1: j 1b')}\nld t0, 0(s1)\nsltu t5, t0, s2\nli t1, -1\nsd t1, 0(s0)`, { s11: interrupt(7), t5: 0n }),
]; // prettier-ignore

/** The program ends by it; nothing else that is written to it does anything. */
export const FINISHER: readonly Check[] = [
  check('li s0, 0x100000\nsw x0, 0(s0)\nli t1, 0x1111\nsw t1, 0(s0)\nlw t5, 0(s0)', 0n),
];

/** Nanoseconds since 1970 of the beginnings of 2020 and 2100. */
const [YEAR_2020, YEAR_2100] = [1_577_836_800_000_000_000n, 4_102_444_800_000_000_000n];
const now = (register: string): string => `lwu t0, 0(s0)\nlwu ${register}, 4(s0)\nslli ${register}, ${register}, 32\nor ${register}, ${register}, t0`; // prettier-ignore

export const CLOCK: readonly Check[] = [
  check(`li s0, ${RTC}\n${now('t1')}\nli t2, ${YEAR_2020}\nli t3, ${YEAR_2100}\nsltu t5, t1, t2\nsltu t4, t1, t3`, { t5: 0n, t4: 1n }),
  check(`${now('t1')}\n1: ${now('t2')}\nbeq t1, t2, 1b\nsltu t5, t1, t2`, 1n),
  // An alarm is set by its high half, then the low one; it rings once, and the PLIC hears of it.
  check(`li t1, 1
    sw t1, 16(s0)
    ${now('t1')}
    li t2, 2000000
    add s1, t1, t2
    srli t1, s1, 32
    sw t1, 12(s0)
    sw s1, 8(s0)
    lwu t5, 24(s0)
    1: lwu t4, 24(s0)
    bnez t4, 1b
    ${now('t1')}
    sltu t3, t1, s1
    li t0, ${PLIC + 0x1000}
    lwu t2, 0(t0)
    srli t2, t2, ${RTC_SOURCE}
    andi t2, t2, 1`, { t5: 1n, t4: 0n, t3: 0n, t2: 1n }),
  check(`sw x0, 28(s0)\nsw x0, 16(s0)\nlwu t5, 16(s0)`, 0n),
]; // prettier-ignore

/** What the program of the host-target interface writes to its console. */
export const HTIF_TEXT = 'berkeley\n';

const say = (word: string): string => `
  la t0, tohost
  li t1, ${word}
  sd t1, 0(t0)
  1: ld t1, 0(t0)
  bnez t1, 1b`;

export const HTIF: readonly Check[] = [
  check([...HTIF_TEXT].map((letter) => say(`(1 << 56) | (1 << 48) | ${letter.charCodeAt(0)}`)).join('\n') + '\nli t5, 1', 1n),
  // The system call `write` of two bytes, whose answer is where its number was.
  check(`la s0, word
    li t1, 64
    sd t1, 0(s0)
    li t1, 1
    sd t1, 8(s0)
    la t1, page
    sd t1, 16(s0)
    li t2, 0x0a21
    sh t2, 0(t1)
    li t1, 2
    sd t1, 24(s0)
    la t0, fromhost
    sd x0, 0(t0)
    la t0, tohost
    sd s0, 0(t0)
    la t0, fromhost
    1: ld t1, 0(t0)
    beqz t1, 1b
    sd x0, 0(t0)
    ld t5, 0(s0)`, 2n),
].map((each) => ({ ...each, notOnQemu: 'its machine `virt` has no such interface' })); // prettier-ignore
