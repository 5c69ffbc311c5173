/**
 * What each comparison with QEMU has to meet: its report has a number for every name, and a zero is a failure. That all
 * causes, extensions and parts of the machine are among these is a test of its own.
 */
import { INSTRUCTIONS } from '../../src/index.js';

/** Of random programs: the extensions of the instruction table. */
export const EXPECTED_EXTENSIONS: readonly string[] = [
  ...new Set(INSTRUCTIONS.map(({ extension }) => extension)),
];

/** Of random programs: every exception of machine mode without translation; of loads, load-reserved alone can be misaligned. */
export const EXPECTED_TRAPS: readonly string[] = [
  ...['fetch access', 'illegal instruction', 'breakpoint', 'load misaligned', 'load access'],
  ...['store misaligned', 'store access', 'ecall from M'],
];

/** Of floating-point instructions one by one. */
export const EXPECTED_FLOAT: readonly string[] = ['F', 'D', 'Zfa', 'Zfhmin'];

/** Of privileged instructions: who runs them, what they are, and who takes which trap. */
export const EXPECTED_PRIVILEGED: readonly string[] = [
  ...['M', 'S', 'U'].map((mode) => `instruction in ${mode}`),
  ...[
    'ecall',
    'ebreak',
    'mret',
    'sret',
    'wfi',
    'sfence.vma',
    'sinval.vma',
    'sfence.w.inval',
    'sfence.inval.ir',
  ],
  ...['cbo.inval', 'cbo.clean', 'cbo.flush', 'cbo.zero', 'TVM', 'TW', 'TSR'],
  ...[
    'mstatus',
    'medeleg',
    'mideleg',
    'mie',
    'mip',
    'mcounteren',
    'mcountinhibit',
    'menvcfg',
    'mepc',
    'mcause',
  ],
  ...[
    'mtval',
    'sstatus',
    'sie',
    'sip',
    'scounteren',
    'senvcfg',
    'sepc',
    'scause',
    'stval',
    'satp',
    'stimecmp',
  ],
  ...['pmpcfg2', 'pmpaddr1', 'pmpaddr8', 'cycle', 'time', 'instret', 'mcycle', 'minstret', 'misa', 'mhartid'],
  ...['illegal instruction', 'breakpoint', 'ecall from U', 'ecall from S', 'ecall from M'].map(
    (name) => `M: ${name}`,
  ),
  ...['illegal instruction', 'breakpoint', 'ecall from U'].map((name) => `S: ${name}`),
  ...['M software', 'M timer', 'M external', 'S software', 'S timer', 'S external'].map(
    (name) => `M: ${name} interrupt`,
  ),
  ...['software', 'timer', 'external'].map((name) => `S: S ${name} interrupt`),
];

/** Of accesses with a page-table entry, a translation and a protection. */
export const EXPECTED_PROTECTED: readonly string[] = [
  ...[
    'Bare',
    'Sv39',
    'Sv48',
    'Sv57',
    'Svade',
    'Svadu',
    'Svnapot',
    'Svpbmt',
    'PMP TOR',
    'PMP NA4',
    'PMP NAPOT',
  ],
  ...['load', 'store', 'amo', 'fetch', 'lr', 'zero'].flatMap((kind) =>
    ['U', 'S', 'M'].map((mode) => `${kind} in ${mode}`),
  ),
  ...['fetch', 'load', 'store'].flatMap((kind) => [`${kind} access`, `${kind} page fault`]),
  ...['ecall from U', 'ecall from S', 'ecall from M', 'no exception'],
];
