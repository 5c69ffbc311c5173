/** A client of a session with GDB's protocol, for tests. */

import { expect } from 'vitest';
import { encodePacket, PacketReader } from '../../../src/debug/gdb/packets.js';
import { Debugger, GdbSession, writeRegister } from '../../../src/index.js';
import type { MachineOptions } from '../../../src/index.js';
import { Bench, ORIGIN } from '../../run-program.js';

export const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** A client without a socket. */
export class Client {
  readonly session: GdbSession;
  readonly #reader = new PacketReader(0x10000);
  readonly #sent: Uint8Array[] = [];

  constructor(debug: Debugger, reset?: () => void) {
    this.session = new GdbSession(debug, (bytes) => this.#sent.push(bytes), reset);
  }

  /** Sends bytes as they are; gives what came back, packets without their frames. */
  raw(bytes: Uint8Array): string[] {
    this.session.receive(bytes);
    return this.heard();
  }

  /** What has come since the last time. */
  heard(): string[] {
    const found: string[] = [];
    for (const bytes of this.#sent.splice(0)) {
      for (const arrival of this.#reader.read(bytes)) {
        found.push(
          arrival.kind === 'packet' ? Buffer.from(arrival.payload).toString('latin1') : arrival.kind,
        );
      }
    }
    return found;
  }

  /** The answer to a packet, which is acknowledged. */
  ask(packet: string): string {
    const [acknowledgement, answer, ...more] = this.raw(encodePacket(latin1(packet)));
    expect([acknowledgement, more]).toEqual(['acknowledged', []]);
    return answer;
  }

  /** Sends a packet that makes the machine run; gives the stop reply without its registers. */
  resume(packet: string, budget = 100_000): string {
    expect(this.raw(encodePacket(latin1(packet)))).toEqual(['acknowledged']);
    expect(this.session.state).toBe('running');
    this.session.run(budget);
    const [reply = 'runs'] = this.heard();
    return reply.replace(/(20|02):[0-9a-f]{16};/g, '');
  }
}

const PROGRAM = `
    li a0, 0
    la s0, data
  loop: addi a0, a0, 1
  store: sd a0, 0(s0)
    li t0, 10
    bne a0, t0, loop
  end: wfi
    j end
    .balign 8
  data: .dword 0x1122334455667788`;

/** A program that is held at its beginning by a client. */
export async function connected(source = PROGRAM, options: MachineOptions = { mode: 'full-system' }) {
  const bench = await Bench.of(source, options);
  for (const hart of bench.machine.harts) writeRegister(hart, 'pc', BigInt(ORIGIN));
  const debug = await Debugger.attach(bench.machine);
  const at = (name: string): string => bench.symbol(name).toString(16);
  return { bench, debug, at, client: new Client(debug) };
}

/** A value as packets have it. */
export const register = (value: bigint): string => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt.asUintN(64, value));
  return buffer.toString('hex');
};
export const hex = (text: string): string => Buffer.from(text).toString('hex');
