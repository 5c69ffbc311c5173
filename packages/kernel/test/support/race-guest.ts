/** Guests whose threads work through scripts: accesses and calls on one VMO, and word to the host when they have come to a point. */
import { ZX_RIGHT_SAME_RIGHTS } from '../../src/abi/rights.js';
import { ZX_OK } from '../../src/abi/status.js';
import type { HostProcess } from '../../src/host/host-process.js';
import type { Kernel } from '../../src/kernel.js';
import { AsmGuest, CODE, DATA, FREE, PAGE, zx } from './asm-guest.js';

/** What a thread does; `at` is a byte position in the VMO, `count` a number of rounds, `word` the key of a packet. */
export type ScriptStep =
  | { readonly do: 'load' | 'store' | 'read' | 'write' | 'commit' | 'zero'; readonly at: number }
  | { readonly do: 'spin'; readonly count: number }
  | { readonly do: 'tell'; readonly word: number };

const CODES = { load: 1, store: 2, read: 3, commit: 4, spin: 5, tell: 6, write: 7, zero: 8 } as const;
const SCRIPT_BYTES = PAGE;

/** a1: the script. $0: the VMO; $1: the port that the host hears. Registers s0 to s4 survive calls. */
const SOURCE = `
  mv s0, a1
  li t0, ${SCRIPT_BYTES - 64}
  add s3, a1, t0
  li s4, ${FREE}
next:
  ld s1, 0(s0)
  ld s2, 8(s0)
  addi s0, s0, 16
  beqz s1, done
  li t0, ${CODES.load}\nbeq s1, t0, load
  li t0, ${CODES.store}\nbeq s1, t0, store
  li t0, ${CODES.spin}\nbeq s1, t0, spin
  li t0, ${CODES.tell}\nbeq s1, t0, tell
  li a0, $0
  li t0, ${CODES.read}\nbeq s1, t0, read
  li t0, ${CODES.write}\nbeq s1, t0, write
  mv a2, s2
  li a4, 0
  li a5, 0
  li a1, 10
  li a3, 8
  li t0, ${CODES.zero}\nbeq s1, t0, range
  li a1, 1
  li a3, ${PAGE}
range:
  ${zx('vmo_op_range')}
  j next
load:
  add t0, s2, s4
  ld t1, 0(t0)
  j next
store:
  add t0, s2, s4
  sd s2, 8(t0)
  j next
spin:
  beqz s2, next
  addi s2, s2, -1
  j spin
tell:
  sd s2, 0(s3)
  li a0, $1
  mv a1, s3
  ${zx('port_queue')}
  j next
read:
  mv a1, s3
  mv a2, s2
  li a3, 8
  ${zx('vmo_read')}
  j next
write:
  mv a1, s3
  mv a2, s2
  li a3, 8
  ${zx('vmo_write')}
  j next
done:
  ${zx('thread_exit')}`;

function encode(script: readonly ScriptStep[]): Uint8Array {
  const words = new BigUint64Array(2 * script.length + 1);
  script.forEach((step, index) => {
    words[2 * index] = BigInt(CODES[step.do]);
    const value = 'at' in step ? step.at : 'count' in step ? step.count : step.word;
    words[2 * index + 1] = BigInt(value);
  });
  return new Uint8Array(words.buffer);
}

/** A process with one thread for each script, which ends with the last of them. */
export class RaceGuest {
  private constructor(
    readonly guest: AsmGuest,
    readonly threads: readonly number[],
  ) {}

  /** @param scripts at most fifteen, of at most 250 steps each */
  static async start(
    kernel: Kernel,
    host: HostProcess,
    scripts: readonly (readonly ScriptStep[])[],
    shared: { readonly vmo: number; readonly pages: number; readonly port: number },
  ): Promise<RaceGuest> {
    const give = [shared.vmo, shared.port].map(
      (handle) => host.handleDuplicate(handle, ZX_RIGHT_SAME_RIGHTS).handle,
    );
    const guest = await AsmGuest.start(kernel, host, SOURCE, {
      give,
      map: [{ address: FREE, vmo: shared.vmo, bytes: shared.pages * PAGE }],
      argument: DATA,
    });
    const threads = scripts.map((script, index) => {
      const bytes = encode(script);
      if (host.call('vmo_write', guest.dataVmo, bytes, index * SCRIPT_BYTES, bytes.length) !== ZX_OK)
        throw new Error('the script is not written');
      if (index === 0) return guest.thread;
      const { handle } = host.threadCreate(guest.process, `thread ${index}`, 0);
      const { status } = host.threadStart(handle, CODE, 0, 0, DATA + index * SCRIPT_BYTES);
      if (status !== ZX_OK) throw new Error(`a thread is not started: ${status}`);
      return handle;
    });
    return new RaceGuest(guest, threads);
  }
}
