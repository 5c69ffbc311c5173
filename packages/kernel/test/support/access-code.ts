/** The code of threads that make single accesses: a0 is the value, a1 the address, and an instruction that traps ends it. */
import { assemble } from '@faultline/mmu-emu';
import { ZX_VM_PERM_EXECUTE, ZX_VM_PERM_READ } from '../../src/abi/vm.js';
import type { KernelState } from '../../src/kernel-state.js';
import type { AddressSpace } from '../../src/vm/address-space.js';
import { VmoDispatcher } from '../../src/vm/vm-object.js';

const PAGE = 4096;
const ACCESSES = { read: 'ld a0, 0(a1)', write: 'sd a0, 0(a1)', execute: 'jalr a1' } as const;
/** Where the code lies, far from what tests map. */
const CODE_VPN = 0x3f_0000;

/** What a thread does, 8 bytes of it. */
export type Access = keyof typeof ACCESSES;

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
  for (const [access, instruction] of Object.entries(ACCESSES)) {
    const { bytes } = assemble(`${instruction}\n${end}\n`, { compress: false });
    page.set(bytes, offset);
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
