/** The self-checking programs, by section and part of docs/SUPPORT.md. */
import { BOOT, BOOT_ARGUMENTS, BOOT_HARTS, BOOT_PARTS } from './boot.js';
import { C, ZCB } from './compressed.js';
import * as devices from './devices.js';
import { D, F, ZFA, ZFHMIN } from './float.js';
import { programSource } from './frame.js';
import type { Check, FrameParts } from './frame.js';
import { hartChecks, hartParts } from './harts.js';
import * as integer from './integer.js';
import * as memory from './memory-management.js';
import * as privileged from './privileged.js';
import * as virtio from './virtio.js';

export interface Program {
  /** A heading of docs/SUPPORT.md. */
  readonly section: string;
  /** One of the names in the first column of its table. */
  readonly part: string;
  /** What sets it apart from the other programs of the part. */
  readonly variant?: string;
  readonly checks: readonly Check[];
  readonly parts?: FrameParts;
  readonly harts?: number;
  /** It is booted, as firmware of this form, on the devices of a whole system; otherwise it is run from an ELF, and ends by HTIF. */
  readonly firmware?: 'elf' | 'flat';
  /** Options of the command beside. */
  readonly options?: readonly string[];
  /** What it writes to its console. */
  readonly output?: string;
  /** It has a drive. */
  readonly drive?: boolean;
  /** Options of QEMU beside. */
  readonly onQemu?: readonly string[];
}

const UNPRIVILEGED: Readonly<Record<string, readonly Check[]>> = {
  RV64I: integer.RV64I,
  M: integer.M,
  A: integer.A,
  F,
  D,
  Zfa: ZFA,
  Zfhmin: ZFHMIN,
  C,
  Zcb: ZCB,
  Zicsr: integer.ZICSR,
  Zifencei: integer.ZIFENCEI,
  Zicntr: integer.ZICNTR,
  Zihpm: integer.ZIHPM,
  Zicond: integer.ZICOND,
  Zba: integer.ZBA,
  Zbb: integer.ZBB,
  Zbc: integer.ZBC,
  Zbs: integer.ZBS,
  Zihintpause: integer.ZIHINTPAUSE,
  Zawrs: integer.ZAWRS,
  Zimop: integer.ZIMOP,
  Zcmop: integer.ZCMOP,
  Zicbom: integer.ZICBOM,
  Zicbop: integer.ZICBOP,
  Zicboz: integer.ZICBOZ,
  Zkt: integer.ZKT,
  Ziccrse: integer.ZICCRSE,
  Zic64b: integer.ZIC64B,
  Za64rs: integer.ZA64RS,
  Ziccif: integer.ZICCIF,
  Ziccamoa: integer.ZICCAMOA,
  Zicclsm: integer.ZICCLSM,
};

const PRIVILEGED: Readonly<Record<string, readonly Check[]>> = {
  M: privileged.MACHINE,
  S: privileged.SUPERVISOR,
  U: privileged.USER,
  traps: privileged.TRAPS,
  interrupts: privileged.INTERRUPTS,
  counters: privileged.COUNTERS,
  menvcfg: privileged.MENVCFG,
  senvcfg: privileged.SENVCFG,
  WFI: privileged.WFI,
  TVM: privileged.TVM_TRAPS,
  TW: privileged.TW_TRAPS,
  TSR: privileged.TSR_TRAPS,
  Sstc: privileged.SSTC,
  PMP: memory.PMP,
  Bare: memory.BARE,
  Sv39: memory.SV39,
  Sv48: memory.SV48,
  Sv57: memory.SV57,
  Svade: memory.SVADE,
  Svadu: memory.SVADU,
  Svnapot: memory.SVNAPOT,
  Svpbmt: memory.SVPBMT,
  Svinval: memory.SVINVAL,
};

const inSection = (section: string, checks: Readonly<Record<string, readonly Check[]>>): Program[] =>
  Object.entries(checks).map(([part, list]) => ({ section, part, checks: list }));

const SYSTEM = 'Harts, boot and devices';

export const PROGRAMS: readonly Program[] = [
  ...inSection('Unprivileged', UNPRIVILEGED),
  ...inSection('Privileged', PRIVILEGED),
  ...[2, 4, 8].map((harts) => ({
    section: SYSTEM,
    part: 'harts',
    variant: `${harts} of them`,
    harts,
    checks: hartChecks(harts),
    parts: hartParts(harts),
  })),
  ...(['elf', 'flat'] as const).map((firmware) => ({
    section: SYSTEM,
    part: 'boot',
    variant: `from ${firmware === 'elf' ? 'an ELF' : 'a flat binary'}`,
    harts: BOOT_HARTS,
    firmware,
    options: ['--append', BOOT_ARGUMENTS],
    checks: BOOT,
    parts: BOOT_PARTS,
  })),
  { section: SYSTEM, part: 'UART', checks: devices.SERIAL, output: devices.UART_TEXT },
  { section: SYSTEM, part: 'PLIC', checks: devices.INTERRUPT_CONTROLLER },
  { section: SYSTEM, part: 'CLINT', checks: devices.CLINT },
  { section: SYSTEM, part: 'HTIF', checks: devices.HTIF, output: `${devices.HTIF_TEXT}!\n` },
  { section: SYSTEM, part: 'test finisher', firmware: 'elf', checks: devices.FINISHER },
  { section: SYSTEM, part: 'real-time clock', firmware: 'elf', checks: devices.CLOCK },
  {
    section: SYSTEM,
    part: 'virtio block',
    firmware: 'elf',
    checks: virtio.BLOCK,
    parts: virtio.VIRTIO_PARTS,
    drive: true,
    onQemu: ['-device', 'virtio-blk-device,drive=drive'],
  },
  {
    section: SYSTEM,
    part: 'virtio entropy',
    firmware: 'elf',
    checks: virtio.RANDOM,
    parts: virtio.VIRTIO_PARTS,
    onQemu: ['-device', 'virtio-rng-device'],
  },
  {
    section: SYSTEM,
    part: 'virtio console',
    firmware: 'elf',
    options: ['--console', 'virtio'],
    checks: virtio.CONSOLE,
    parts: virtio.VIRTIO_PARTS,
    output: virtio.CONSOLE_TEXT,
    onQemu: [
      '-device',
      'virtio-serial-device',
      '-chardev',
      'null,id=console',
      '-device',
      'virtconsole,chardev=console',
    ],
  },
];

/** What it is called in tests. */
export const nameOf = ({ section, part, variant }: Program): string =>
  `${section}: ${part}${variant === undefined ? '' : `, ${variant}`}`;

/** Its assembly, with one of its tests made to fail if asked for. */
export const sourceOf = ({ checks, parts }: Program, failing?: number): string =>
  programSource(checks, parts, failing);

/** What of a program QEMU runs. */
export const onQemu = ({ checks, ...program }: Program): Program => ({
  ...program,
  checks: checks.filter(({ notOnQemu }) => notOnQemu === undefined),
});
