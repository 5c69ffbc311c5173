/** Guest processes written in assembly, put together by system calls of the host. */
import { assemble, parseElf } from '@faultline/mmu-emu';
import {
  PAGE_SIZE,
  ZX_OK,
  ZX_VM_CAN_MAP_EXECUTE,
  ZX_VM_CAN_MAP_READ,
  ZX_VM_CAN_MAP_SPECIFIC,
  ZX_VM_PERM_EXECUTE,
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
  ZX_VM_SPECIFIC,
} from '@faultline/kernel';

/** Start of the user half: offsets in the root region count from here. */
const USER_BASE = 0x20_0000;
/** Where the code lies, and begins. */
export const CODE = 0x40_0000;
const VDSO = 0xa0_0000;
/** One page, readable and writable, whose words the host reads: `AsmProcess.word`. */
export const DATA = 0x60_0000;
/** Benchmarks map what they like from here on. */
export const FREE = 0x1000_0000;

const DT_STRTAB = 5;
const DT_SYMTAB = 6;
const DT_HASH = 4;
const SYMBOL_BYTES = 24;

/** The value of a call that succeeded. */
export function ok(result) {
  if (result.status !== ZX_OK) throw new Error(`a system call failed with ${result.status}`);
  return result;
}

/** Addresses of the vDSO's entry points, by name. */
export async function vdsoEntries(kernel, host) {
  const { handle, bytes } = kernel.vdso(host);
  const image = new Uint8Array(bytes);
  ok(await host.vmoRead(handle, image, 0));
  host.handleClose(handle);
  const view = new DataView(image.buffer);
  const u64 = (at) => Number(view.getBigUint64(at, true));
  const { dynamic } = parseElf(image);
  if (dynamic === undefined) throw new Error('the vDSO has no dynamic section');
  const { fileOffset, fileBytes } = dynamic;
  const tags = new Map();
  for (let at = fileOffset; at < fileOffset + fileBytes; at += 16) tags.set(u64(at), u64(at + 8));
  // The second word of the hash table is the number of symbols.
  const count = view.getUint32(tags.get(DT_HASH) + 4, true);
  const entries = new Map();
  for (let index = 1; index < count; index += 1) {
    const symbol = tags.get(DT_SYMTAB) + index * SYMBOL_BYTES;
    const start = tags.get(DT_STRTAB) + view.getUint32(symbol, true);
    const name = Buffer.from(image.subarray(start, image.indexOf(0, start))).toString();
    entries.set(name, VDSO + u64(symbol + 8));
  }
  return entries;
}

/** A process with code, a page of data and the vDSO; it has no stack. */
export class AsmProcess {
  constructor(host, process, vmar, thread, data) {
    this.host = host;
    this.process = process;
    this.vmar = vmar;
    this.thread = thread;
    this.data = data;
  }

  /**
   * Makes and starts it; it runs when the kernel does. Its a0 is the handle `argument` (0: none), which it gets, its a1 `second`.
   *
   * @param source assembly; `call NAME` calls an entry point of the vDSO and clobbers t1
   * @param mappings `{ address, vmo, offset, bytes, writable }`
   */
  static async start(kernel, host, entries, source, options) {
    const { name, argument = 0, second = 0, mappings = [] } = options;
    const text = source.replace(/^\s*call (\w+)$/gm, (_line, call) => {
      if (!entries.has(call)) throw new Error(`the vDSO has no ${call}`);
      return `li t1, ${entries.get(call)}\njalr t1`;
    });
    const { process, vmar } = ok(host.processCreate(host.rootJob().handle, name, 0));
    const map = (address, vmo, bytes, permissions, offset = 0) =>
      ok(host.vmarMap(vmar, permissions | ZX_VM_SPECIFIC, address - USER_BASE, vmo, offset, bytes));

    const code = ok(host.vmoReplaceAsExecutable(ok(host.vmoCreate(PAGE_SIZE, 0)).handle)).handle;
    ok(await host.vmoWrite(code, assemble(text, { origin: CODE }).bytes, 0));
    map(CODE, code, PAGE_SIZE, ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE);
    host.handleClose(code);
    const data = ok(host.vmoCreate(PAGE_SIZE, 0)).handle;
    map(DATA, data, PAGE_SIZE, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE);
    for (const { address, vmo, offset, bytes, writable = false } of mappings)
      map(address, vmo, bytes, ZX_VM_PERM_READ | (writable ? ZX_VM_PERM_WRITE : 0), offset);
    mapVdso(kernel, host, vmar);

    const thread = ok(host.threadCreate(process, 'main', 0)).handle;
    ok(host.processStart(process, thread, CODE, 0, argument, second));
    return new AsmProcess(host, process, vmar, thread, data);
  }

  /** A u64 of the page of data. */
  async word(offset) {
    const bytes = new Uint8Array(8);
    ok(await this.host.vmoRead(this.data, bytes, offset));
    return new DataView(bytes.buffer).getBigUint64(0, true);
  }

  /** Kills it and closes the handles. */
  end() {
    const { host, process, vmar, thread, data } = this;
    host.taskKill(process);
    for (const handle of [process, vmar, thread, data]) host.handleClose(handle);
  }
}

function mapVdso(kernel, host, vmar) {
  const { handle, bytes, codeOffset } = kernel.vdso(host);
  const options = ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_SPECIFIC;
  const region = ok(host.vmarAllocate(vmar, options, VDSO - USER_BASE, bytes)).handle;
  const read = ZX_VM_PERM_READ | ZX_VM_SPECIFIC;
  ok(host.vmarMap(region, read, 0, handle, 0, codeOffset));
  ok(host.vmarMap(region, read | ZX_VM_PERM_EXECUTE, codeOffset, handle, codeOffset, bytes - codeOffset));
  host.handleClose(region);
  host.handleClose(handle);
}
