/** The code of threads that make accesses: a0 is the value, a1 the address, and an instruction that traps ends it. */
import { assemble } from '@faultline/mmu-emu';
import { ZX_VM_PERM_EXECUTE, ZX_VM_PERM_READ } from '../../src/abi/vm.js';
import type { KernelState } from '../../src/kernel-state.js';
import type { AddressSpace } from '../../src/vm/address-space.js';
import { VmoDispatcher } from '../../src/vm/vm-object.js';

const PAGE = 4096;
const ACCESSES = {
  read: 'ld a0, 0(a1)',
  write: 'sd a0, 0(a1)',
  execute: 'jalr a1',
  // a0 is a value and, in its lowest byte, a number of pages; see `sweepArgument`.
  readSweep: `
    andi a2, a0, 255
    lui a3, 1
    li a0, 0
  1: ld a4, 0(a1)
    slli a5, a0, 5
    sub a0, a5, a0
    add a0, a0, a4
    add a1, a1, a3
    addi a2, a2, -1
    bnez a2, 1b`,
  writeSweep: `
    andi a2, a0, 255
    srli a0, a0, 8
    lui a3, 1
  1: sd a0, 0(a1)
    addi a0, a0, 1
    add a1, a1, a3
    addi a2, a2, -1
    bnez a2, 1b`,
} as const;
/** Where the code lies, far from what tests map. */
const CODE_VPN = 0x3f_0000;

/** What a thread does: it accesses 8 bytes, or the first 8 bytes of each of some pages. */
export type Access = keyof typeof ACCESSES;

/**
 * The value that a sweep begins with.
 *
 * @param pages 1 to 100
 * @param first what the first page gets, below 2^56; each further one gets one more
 */
export function sweepArgument(pages: number, first = 0n): bigint {
  return (first << 8n) | BigInt(pages);
}

/** What a sweep that reads ends with, by what it has read. */
export function sweepSum(values: readonly bigint[]): bigint {
  return BigInt.asUintN(
    64,
    values.reduce((sum, value) => 31n * sum + value, 0n),
  );
}

/** Bytes of code, by its source. */
const assembled = new Map<string, Uint8Array>();

const codes = new WeakMap<AddressSpace, Map<Access, number>>();

/** Address of the code of an access, which is put into the address space when it is not there. @param end the instruction after it */
export function accessCode(
  state: KernelState,
  space: AddressSpace,
  access: Access,
  end: 'ecall' | 'ebreak',
): number {
  let entries = codes.get(space);
  if (entries === undefined) codes.set(space, (entries = makeCode(state, space, end)));
  return entries.get(access) as number;
}

function makeCode(state: KernelState, space: AddressSpace, end: string): Map<Access, number> {
  const entries = new Map<Access, number>();
  const vmo = VmoDispatcher.anonymous(state, 1);
  const page = state.vm.physical.ram.writable(vmo.cow.frameForWrite(0));
  let offset = 0;
  for (const [access, instructions] of Object.entries(ACCESSES)) {
    page.set(machineCode(`${instructions}\n${end}\n`), offset);
    entries.set(access as Access, CODE_VPN * PAGE + offset);
    offset += 64;
  }
  const permissions = ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE;
  const mapping = space.rootVmar.map(
    { mode: 'at', offset: CODE_VPN - space.rootVmar.vpn, align: 1 },
    { vmo, page: 0, pages: 1, permissions, most: permissions, fixed: false, throughStream: false },
  );
  if (typeof mapping === 'number') throw new Error(`the test's code is not mapped: ${mapping}`);
  return entries;
}

function machineCode(source: string): Uint8Array {
  const known = assembled.get(source);
  if (known !== undefined) return known;
  const { bytes } = assemble(source, { compress: false });
  assembled.set(source, bytes);
  return bytes;
}
