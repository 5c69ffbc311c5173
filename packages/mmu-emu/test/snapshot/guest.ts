/**
 * A machine whose whole state matters, for tests of snapshots: a random program in user mode under Sv39, on every hart, and a
 * handler in machine mode that answers its faults, changes its page tables and often does not fence, and takes interrupts
 * from all timers, from other harts, from the serial port and from the real-time clock.
 */

import {
  assemble,
  CLINT_BASE,
  GoldfishRtc,
  HART_PC,
  Machine,
  makeClint,
  Plic,
  PLIC_BASE,
  RTC_BASE,
  TestFinisher,
  UART_BASE,
  Uart16550,
  VirtualClock,
} from '../../src/index.js';
import type { MachineOptions } from '../../src/index.js';
import { Random } from '../qemu/random.js';
import { setWordPair } from '../run-program.js';
import { DATA, randomControl } from '../translator/random-control.js';
import { visibleState } from './visible-state.js';

const ORIGIN = 0x8000_0000;
const RAM_BYTES = 2 ** 21;
const CODE = 0x1_0000;
const CODE_FRAME = 64;
const CODE_PAGES = 4;
const DATA_FRAME = 72;
const DATA_PAGES = 9;
const [ROOT_FRAME, MIDDLE_FRAME, LEAF_FRAME] = [16, 17, 18];
const LEAVES = ORIGIN + LEAF_FRAME * 4096;
const FIRST_PPN = ORIGIN / 4096;
const [UART_SOURCE, RTC_SOURCE] = [10, 11];

const supervisor = (harts: number, changed: number): string => `
        la   t0, handler
        csrw mtvec, t0
        li   t0, -1
        csrw pmpaddr0, t0
        li   t0, 0x1f
        csrw pmpcfg0, t0
        li   t0, ${0x8000_0000_0000_0000n + BigInt(FIRST_PPN + ROOT_FRAME)}
        csrw satp, t0
        csrwi mcounteren, 7
        csrwi scounteren, 7
        li   t0, 0x8000000000000000
        csrw menvcfg, t0
        li   t0, 777
        csrw stimecmp, t0
        csrr t0, mhartid
        slli t1, t0, 3
        li   t2, ${CLINT_BASE + 0x4000}
        add  t1, t1, t2
        li   t2, 50
        sd   t2, 0(t1)
        bnez t0, ready
        li   t0, ${PLIC_BASE}
        li   t1, 1
        sw   t1, ${4 * UART_SOURCE}(t0)
        sw   t1, ${4 * RTC_SOURCE}(t0)
        li   t1, ${(1 << UART_SOURCE) | (1 << RTC_SOURCE)}
        li   t2, ${PLIC_BASE + 0x2000}
        sw   t1, 0(t2)
        li   t0, ${UART_BASE}
        li   t1, 1
        sb   t1, 1(t0)
        li   t0, ${RTC_BASE}
        sw   t1, 0x10(t0)
        sw   zero, 0xc(t0)
        li   t1, 5000
        sw   t1, 8(t0)
ready:  mv   a0, zero
        mv   a1, zero
        mv   a2, zero
        li   t0, 0x8a8
        csrw mie, t0
        li   s0, ${DATA}
        li   s1, ${DATA + 64}
        li   s2, ${changed}
        li   s3, 0x00050513
        li   ra, ${CODE}
        li   t0, ${CODE}
        csrw mepc, t0
        li   t0, 0x6000
        csrw mstatus, t0
        mret

        .balign 4
handler:
        csrr s4, mcause
        bltz s4, interrupt
        li   s5, 8
        beq  s4, s5, syscall
        li   s5, 13
        beq  s4, s5, fault
        li   s5, 15
        beq  s4, s5, fault
restart:
        li   s5, ${CODE}
        csrw mepc, s5
        mret
fault:  csrr s5, mtval
        li   s6, ${DATA - 4096}
        sub  s6, s5, s6
        srli s6, s6, 12
        li   s7, ${DATA_PAGES}
        bgeu s6, s7, restart
        srli s5, s5, 12
        slli s5, s5, 3
        li   s7, ${LEAVES}
        add  s5, s5, s7
        li   s7, ${FIRST_PPN + DATA_FRAME}
        add  s7, s7, s6
        slli s7, s7, 10
        li   s8, 0x53
        li   s9, 15
        bne  s4, s9, 1f
        li   s8, 0xd7
1:      or   s7, s7, s8
        sd   s7, 0(s5)
        csrr s9, minstret
        andi s9, s9, 4
        beqz s9, 1f
        sfence.vma
1:      mret
syscall:
        csrr s5, mepc
        addi s5, s5, 4
        csrw mepc, s5
        li   s6, ${UART_BASE}
        sb   a0, 0(s6)
        andi s5, a1, 7
        slli s5, s5, 3
        li   s6, ${LEAVES + (8 * DATA) / 4096}
        add  s6, s6, s5
        sd   zero, 0(s6)
        andi s5, a2, 3
        bnez s5, 1f
        sfence.vma
1:      andi s5, a3, 3
        bnez s5, 1f
        wfi
1:      mret
interrupt:
        andi s5, s4, 0xff
        csrr s6, mhartid
        csrr s11, time
        csrr s7, minstret
        andi s7, s7, 31
        addi s7, s7, 9
        add  s7, s7, s11
        li   s8, 5
        bne  s5, s8, 1f
        csrw stimecmp, s7
        mret
1:      slli s8, s6, 2
        li   s9, ${CLINT_BASE}
        add  s8, s8, s9
        li   s9, 3
        bne  s5, s9, 1f
        sw   zero, 0(s8)
        mret
1:      li   s9, 7
        bne  s5, s9, external
        slli s8, s6, 3
        li   s9, ${CLINT_BASE + 0x4000}
        add  s8, s8, s9
        sd   s7, 0(s8)
        addi s6, s6, 1
        li   s9, ${harts}
        remu s6, s6, s9
        slli s6, s6, 2
        li   s9, ${CLINT_BASE}
        add  s6, s6, s9
        li   s9, 1
        sw   s9, 0(s6)
        mret
external:
        li   s8, ${PLIC_BASE + 0x20_0004}
        lw   s9, 0(s8)
        li   s10, ${UART_SOURCE}
        bne  s9, s10, 1f
        li   s5, ${UART_BASE}
        lbu  s6, 0(s5)
        xori s6, s6, 32
        sb   s6, 0(s5)
        j    done
1:      li   s5, ${RTC_BASE}
        sw   zero, 0x1c(s5)
        lw   s6, 0(s5)
        lw   s10, 4(s5)
        li   s11, 7000
        add  s6, s6, s11
        sw   s10, 0xc(s5)
        sw   s6, 8(s5)
done:   sw   s9, 0(s8)
        mret
`;

/** How a guest's machine is made; what a snapshot needs to be the same. */
export interface GuestOptions {
  /** Of the program; it does not matter to a machine that is restored. */
  readonly seed: number;
  readonly harts: number;
  readonly engine: NonNullable<MachineOptions['engine']>;
  readonly nanosecondsPerInstruction?: number;
  readonly turnSeed?: number;
}

/** A machine, its serial port, and what that has sent. */
export class Guest {
  readonly machine: Machine;
  readonly uart: Uart16550;
  readonly sent: number[];

  private constructor(machine: Machine, uart: Uart16550, sent: number[]) {
    this.machine = machine;
    this.uart = uart;
    this.sent = sent;
  }

  /** With empty RAM, to be restored. */
  static async empty(options: GuestOptions): Promise<Guest> {
    const { harts, engine, nanosecondsPerInstruction = 1, turnSeed } = options;
    const plic = new Plic();
    const sent: number[] = [];
    const uart = new Uart16550({
      transmit: (byte) => sent.push(byte),
      interrupt: plic.line(UART_SOURCE),
    });
    const rtc = new GoldfishRtc({ epoch: 0n, interrupt: plic.line(RTC_SOURCE) });
    const machine = await Machine.create({
      ramBytes: RAM_BYTES,
      harts,
      engine,
      turnInstructions: 50,
      ...(turnSeed === undefined ? {} : { seed: turnSeed }),
      clock: new VirtualClock({ nanosecondsPerInstruction }),
      devices: [...makeClint(), plic, uart, rtc, new TestFinisher()],
    });
    return new Guest(machine, uart, sent);
  }

  /** With its program, at its beginning. */
  static async of(options: GuestOptions): Promise<Guest> {
    const guest = await Guest.empty(options);
    guest.load(options);
    return guest;
  }

  /** Puts the program where a machine that was just made, or reset, begins. */
  load({ seed, harts }: GuestOptions): void {
    const { machine } = this;
    const program = assemble(randomControl(new Random(Math.imul(seed, 0x9e37_79b1))), { origin: CODE });
    const changed = program.symbols.get('changed')!;
    machine.ram.writable(0).set(assemble(supervisor(harts, changed), { origin: ORIGIN }).bytes);
    machine.ram.writable(CODE_FRAME, CODE_PAGES).set(program.bytes);
    const pte = (frame: number, bits: number): readonly [number, number] => [
      ((FIRST_PPN + frame) << 10) | bits,
      (FIRST_PPN + frame) >>> 22,
    ];
    machine.ram.writePte(ROOT_FRAME, 0, ...pte(MIDDLE_FRAME, 1));
    machine.ram.writePte(MIDDLE_FRAME, 0, ...pte(LEAF_FRAME, 1));
    for (let page = 0; page < CODE_PAGES; page++) {
      machine.ram.writePte(LEAF_FRAME, CODE / 4096 + page, ...pte(CODE_FRAME + page, 0xdf));
    }
    for (const hart of machine.harts) setWordPair(hart, HART_PC, BigInt(ORIGIN));
  }

  /** Runs until `instructions` have retired, in pieces as `random` cuts them. */
  run(instructions: number, random: Random): void {
    for (let left = instructions; left > 0;) {
      const budget = Math.min(left, 1 + random.below(random.chance(30) ? 5 : 4000));
      this.machine.run(budget);
      if (this.machine.retired === 0) throw new Error('the guest waits for ever');
      left -= this.machine.retired;
    }
  }

  /** Everything that a program could tell, and what was sent. */
  look(): ReadonlyMap<string, string> {
    const seen = visibleState(this.machine.save(), this.machine.ram.frameCount);
    seen.set('sent', Buffer.from(this.sent).toString('hex'));
    return seen;
  }
}
