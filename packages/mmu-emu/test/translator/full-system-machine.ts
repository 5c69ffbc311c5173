/**
 * A full system for random programs (random-control.ts): one for every hart, all the same code and data, in user mode under
 * Sv39. Machine mode answers faults, maps pages and takes them away, is interrupted at pseudo-random moments, and
 * interrupts the next hart.
 */
import {
  assemble,
  HART_F,
  HART_X,
  INTEGER_REGISTERS,
  Machine,
  makeClint,
  RAM_BASE,
} from '../../src/index.js';
import type { Engine, Hart } from '../../src/index.js';
import { readRegister } from '../../src/debug/index.js';
import { HART_PC, HART_PRIVILEGE } from '../../src/hart/state.js';
import { setWordPair, wordPair } from '../run-program.js';
import { DATA } from './random-control.js';

const RAM_BYTES = 2 ** 20;
export const USER_CODE = 0x1_0000;
/** Frames: machine mode's code, tables, what each hart has for itself, user code and data. */
const TABLES = 8;
const OWN = 16;
const CODE_FRAME = 64;
export const CODE_FRAMES = 4;
const DATA_FRAME = 96;
const DATA_PAGES = 9;

const address = (frame: number): number => RAM_BASE + frame * 4096;
const ENTRIES = address(TABLES + 2);
/** Entries of the first page of data, and of those around it, which may be taken away. */
const FIRST_DATA = (DATA - 4096) / 4096;

const SOURCE = (harts: number): string => `
  .option norvc
  start:
      csrr  t0, mhartid
      slli  t1, t0, 12
      li    sp, ${address(OWN)}
      add   sp, sp, t1
      csrw  mscratch, sp
      addi  t1, t0, 1            # pseudo-random numbers of this hart
      sd    t1, 64(sp)
      la    t1, handler
      csrw  mtvec, t1
      li    t1, -1
      csrw  pmpaddr0, t1
      csrw  mcounteren, t1
      csrw  scounteren, t1
      li    t1, 0x1f
      csrw  pmpcfg0, t1
      li    t1, 8 << 60 | ${address(TABLES) / 4096}
      csrw  satp, t1
      li    t1, 0x88             # interrupts of timer and software
      csrw  mie, t1
      li    t1, 0x2000           # floating point, to user mode
      csrw  mstatus, t1
      li    t1, ${USER_CODE}
      csrw  mepc, t1
      j     later

  handler:
      csrrw sp, mscratch, sp
      sd    t0, 0(sp)
      sd    t1, 8(sp)
      sd    t2, 16(sp)
      sd    t3, 24(sp)
      ld    t0, 72(sp)           # how many traps there were
      addi  t0, t0, 1
      sd    t0, 72(sp)
      csrr  t0, mcause
      bltz  t0, interrupt
      li    t1, 8
      beq   t0, t1, skip
      li    t1, 13
      beq   t0, t1, fault
      li    t1, 15
      beq   t0, t1, fault
  other:
      li    t1, 2
      beq   t0, t1, restart
      csrr  t2, mepc
      li    t1, ${USER_CODE}
      bltu  t2, t1, restart
      li    t1, ${USER_CODE + 0x3000}
      bltu  t2, t1, skip
  restart:
      li    t2, ${USER_CODE}
      csrw  mepc, t2
      j     leave
  skip:
      csrr  t2, mepc
      addi  t2, t2, 4
      csrw  mepc, t2
      j     leave
  fault:
      csrr  t2, mtval
      srli  t2, t2, 12
      addi  t1, t2, ${-FIRST_DATA}
      li    t3, ${DATA_PAGES}
      bgeu  t1, t3, other
      slli  t2, t2, 3
      li    t1, ${ENTRIES}
      add   t2, t2, t1
      ld    t1, 0(t2)
      ori   t1, t1, 1
      sd    t1, 0(t2)
      csrr  t1, mtval
      sfence.vma t1
      j     leave
  interrupt:
      csrr  t1, mhartid          # the other's request is over
      slli  t1, t1, 2
      li    t2, 0x2000000
      add   t1, t1, t2
      sw    zero, 0(t1)
  later:
      ld    t1, 64(sp)
      li    t2, 1103515245
      mul   t1, t1, t2
      addi  t1, t1, 1013
      sd    t1, 64(sp)
      srli  t0, t1, 20           # a page of data is taken away
      li    t2, ${DATA_PAGES}
      remu  t0, t0, t2
      slli  t0, t0, 3
      li    t2, ${ENTRIES + 8 * FIRST_DATA}
      add   t0, t0, t2
      ld    t2, 0(t0)
      andi  t2, t2, -2
      sd    t2, 0(t0)
      sfence.vma
      andi  t0, t1, 0x70         # now and then, the next hart is interrupted
      bnez  t0, 1f
      csrr  t0, mhartid
      addi  t0, t0, 1
      li    t2, ${harts}
      remu  t0, t0, t2
      slli  t0, t0, 2
      li    t2, 0x2000000
      add   t0, t0, t2
      li    t2, 1
      sw    t2, 0(t0)
  1:  srli  t1, t1, 30           # the timer's next moment
      andi  t1, t1, 127
      addi  t1, t1, 20
      li    t0, 0x200bff8
      ld    t0, 0(t0)
      add   t0, t0, t1
      csrr  t1, mhartid
      slli  t1, t1, 3
      li    t2, 0x2004000
      add   t1, t1, t2
      sd    t0, 0(t1)
  leave:
      ld    t0, 0(sp)
      ld    t1, 8(sp)
      ld    t2, 16(sp)
      ld    t3, 24(sp)
      csrrw sp, mscratch, sp
      mret`;

/** A machine at the start of a program. */
export async function fullSystem(source: string, engine: Engine, harts: number): Promise<Machine> {
  const machine = await Machine.create({
    ramBytes: RAM_BYTES,
    harts,
    turnInstructions: 30,
    engine,
    // A nanosecond an instruction.
    timebaseHz: 1_000_000_000,
    devices: [...makeClint()],
  });
  const { ram } = machine;
  ram.writable(0).set(assemble(SOURCE(harts), { origin: RAM_BASE }).bytes);
  const { bytes, symbols } = assemble(source, { origin: USER_CODE });
  ram.writable(CODE_FRAME, CODE_FRAMES).set(bytes);
  const write = (frame: number, index: number, target: number, flags: number): void =>
    ram.writePte(frame, index, (target / 4096) * 1024 + flags, 0);
  write(TABLES, 0, address(TABLES + 1), 1);
  write(TABLES + 1, 0, address(TABLES + 2), 1);
  for (let page = 0; page < CODE_FRAMES; page += 1)
    write(TABLES + 2, USER_CODE / 4096 + page, address(CODE_FRAME + page), 0xdf);
  for (let page = 0; page < DATA_PAGES; page += 1)
    write(TABLES + 2, FIRST_DATA + page, address(DATA_FRAME + page), 0xd7);
  machine.harts.forEach((hart, id) => {
    const set = (name: string, value: bigint): void =>
      setWordPair(hart, HART_X + 2 * INTEGER_REGISTERS.indexOf(name), value);
    for (const [index, name] of INTEGER_REGISTERS.entries())
      if (/^[at][0-7]$/.test(name)) set(name, BigInt(index + id) * 0x1234_5678_9abcn);
    set('s0', BigInt(DATA));
    set('s1', BigInt(DATA + 64));
    set('s2', BigInt(symbols.get('changed') as number));
    set('s3', 0x0005_0513n);
    set('ra', BigInt(USER_CODE));
    [1.5, -0.1, 3e5, 1e-300, 0, 7, Infinity].forEach((value, index) => {
      const [bits] = new BigUint64Array(new Float64Array([value * (id + 1)]).buffer);
      setWordPair(hart, HART_F + 2 * (index < 5 ? 10 + index : index - 5), bits);
    });
    setWordPair(hart, HART_PC, BigInt(RAM_BASE));
  });
  return machine;
}

const CSRS = ['mstatus', 'mepc', 'mcause', 'mtval', 'mip', 'minstret', 'mcycle', 'fcsr', 'satp'] as const;

/** What a debugger can see of a machine. */
export function machineState(machine: Machine, reason: number): unknown {
  return { reason, current: machine.currentHart.id, harts: machine.harts.map(hartState) };
}

function hartState(hart: Hart): readonly string[] {
  const shown = (name: string, value: bigint | undefined): string => `${name} ${value?.toString(16)}`;
  return [
    shown('pc', wordPair(hart, HART_PC)),
    shown('privilege', BigInt(hart.state[HART_PRIVILEGE])),
    ...CSRS.map((name) => shown(name, readRegister(hart, name))),
    ...INTEGER_REGISTERS.map((name, index) => shown(name, wordPair(hart, HART_X + 2 * index))),
    ...Array.from({ length: 32 }, (_, index) => shown(`f${index}`, wordPair(hart, HART_F + 2 * index))),
  ];
}

/** Traps that a hart has taken, as its handler counted them. */
export function trapsOf(machine: Machine, hart: number): number {
  const own = machine.ram.readable(OWN + hart);
  return new DataView(own.buffer, own.byteOffset).getUint32(72, true);
}
