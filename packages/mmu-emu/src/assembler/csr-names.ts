/** Names of control and status registers. @see RISC-V privileged manual, "CSR Listing" */

const NAMED: readonly (readonly [number, string])[] = [
  [0x001, 'fflags'],
  [0x002, 'frm'],
  [0x003, 'fcsr'],
  [0x015, 'seed'],
  [0x100, 'sstatus'],
  [0x104, 'sie'],
  [0x105, 'stvec'],
  [0x106, 'scounteren'],
  [0x10a, 'senvcfg'],
  [0x140, 'sscratch'],
  [0x141, 'sepc'],
  [0x142, 'scause'],
  [0x143, 'stval'],
  [0x144, 'sip'],
  [0x14d, 'stimecmp'],
  [0x180, 'satp'],
  [0x300, 'mstatus'],
  [0x301, 'misa'],
  [0x302, 'medeleg'],
  [0x303, 'mideleg'],
  [0x304, 'mie'],
  [0x305, 'mtvec'],
  [0x306, 'mcounteren'],
  [0x30a, 'menvcfg'],
  [0x320, 'mcountinhibit'],
  [0x340, 'mscratch'],
  [0x341, 'mepc'],
  [0x342, 'mcause'],
  [0x343, 'mtval'],
  [0x344, 'mip'],
  [0x747, 'mseccfg'],
  [0x7a0, 'tselect'],
  [0x7a1, 'tdata1'],
  [0x7a2, 'tdata2'],
  [0x7a3, 'tdata3'],
  [0x7b0, 'dcsr'],
  [0x7b1, 'dpc'],
  [0x7b2, 'dscratch0'],
  [0x7b3, 'dscratch1'],
  [0xb00, 'mcycle'],
  [0xb02, 'minstret'],
  [0xc00, 'cycle'],
  [0xc01, 'time'],
  [0xc02, 'instret'],
  [0xf11, 'mvendorid'],
  [0xf12, 'marchid'],
  [0xf13, 'mimpid'],
  [0xf14, 'mhartid'],
  [0xf15, 'mconfigptr'],
];

function family(prefix: string, base: number, from: number, to: number): [number, string][] {
  const names: [number, string][] = [];
  for (let i = from; i <= to; i++) names.push([base + i, `${prefix}${i}`]);
  return names;
}

const NAME_BY_NUMBER: ReadonlyMap<number, string> = new Map([
  ...NAMED,
  ...family('hpmcounter', 0xc00, 3, 31),
  ...family('mhpmcounter', 0xb00, 3, 31),
  ...family('mhpmevent', 0x320, 3, 31),
  ...family('pmpaddr', 0x3b0, 0, 63),
  // RV64 has the even-numbered configuration registers only.
  ...family('pmpcfg', 0x3a0, 0, 15).filter(([number]) => number % 2 === 0),
]);

const NUMBER_BY_NAME: ReadonlyMap<string, number> = new Map(
  [...NAME_BY_NUMBER].map(([number, name]) => [name, number]),
);

/** Every name. */
export const CSR_NAMES: readonly string[] = [...NAME_BY_NUMBER.values()];

/** The number of a CSR, 0 to 0xfff, or undefined for a name that none has. */
export function csrByName(name: string): number | undefined {
  return NUMBER_BY_NAME.get(name);
}

/** The name of a CSR, or its number in hexadecimal when it has none here. */
export function csrName(number: number): string {
  return NAME_BY_NUMBER.get(number) ?? `0x${number.toString(16)}`;
}
