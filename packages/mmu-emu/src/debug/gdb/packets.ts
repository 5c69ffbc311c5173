/**
 * Packets of GDB's remote protocol: `$payload#checksum`, acknowledged by `+` or `-` until both sides agree not to, and 0x03
 * outside of packets, which interrupts.
 *
 * @see Debugging with GDB, "Remote Protocol: Overview", "Packet Acknowledgment", "Interrupts"
 */

const DOLLAR = 0x24;
const HASH = 0x23;
const ESCAPE = 0x7d;
const STAR = 0x2a;
const PLUS = 0x2b;
const MINUS = 0x2d;
const INTERRUPT = 0x03;
const ESCAPE_BIT = 0x20;

/** What arrived. */
export type Arrival =
  | { readonly kind: 'packet'; readonly payload: Uint8Array }
  /** The checksum is wrong, or the packet is longer than the limit. */
  | { readonly kind: 'damaged' }
  | { readonly kind: 'acknowledged' | 'refused' | 'interrupt' };

/** Takes bytes as they come and gives what they mean. Memory is bounded: a packet that is too long is thrown away. */
export class PacketReader {
  readonly #payload: Uint8Array;
  #length = 0;
  #sum = 0;
  #state: 'between' | 'payload' | 'escaped' | 'first digit' | 'second digit' = 'between';
  #claimed = 0;
  #tooLong = false;

  /** @param limit bytes of the longest payload. */
  constructor(limit: number) {
    this.#payload = new Uint8Array(limit);
  }

  *read(bytes: Uint8Array): Generator<Arrival> {
    for (const byte of bytes) {
      const arrival = this.#take(byte);
      if (arrival !== undefined) yield arrival;
    }
  }

  #take(byte: number): Arrival | undefined {
    switch (this.#state) {
      case 'between':
        return this.#between(byte);
      case 'payload':
        if (byte === DOLLAR) this.#begin();
        else if (byte === HASH) this.#state = 'first digit';
        else this.#inPayload(byte);
        return undefined;
      case 'escaped':
        this.#sum = (this.#sum + byte) & 0xff;
        this.#append(byte ^ ESCAPE_BIT);
        this.#state = 'payload';
        return undefined;
      case 'first digit':
        this.#claimed = digit(byte) * 16;
        this.#state = 'second digit';
        return undefined;
      case 'second digit':
        this.#state = 'between';
        if (this.#tooLong || this.#claimed + digit(byte) !== this.#sum) return { kind: 'damaged' };
        return { kind: 'packet', payload: this.#payload.slice(0, this.#length) };
    }
  }

  #between(byte: number): Arrival | undefined {
    if (byte === DOLLAR) this.#begin();
    else if (byte === INTERRUPT) return { kind: 'interrupt' };
    else if (byte === PLUS) return { kind: 'acknowledged' };
    else if (byte === MINUS) return { kind: 'refused' };
    return undefined;
  }

  #begin(): void {
    this.#state = 'payload';
    this.#length = 0;
    this.#sum = 0;
    this.#tooLong = false;
  }

  #inPayload(byte: number): void {
    this.#sum = (this.#sum + byte) & 0xff;
    if (byte === ESCAPE) this.#state = 'escaped';
    else this.#append(byte);
  }

  #append(byte: number): void {
    if (this.#length === this.#payload.length) this.#tooLong = true;
    else this.#payload[this.#length++] = byte;
  }
}

/** A packet as it is sent: what means something in the protocol is escaped. */
export function encodePacket(payload: Uint8Array): Uint8Array {
  const out = [DOLLAR];
  let sum = 0;
  const put = (byte: number): void => {
    out.push(byte);
    sum = (sum + byte) & 0xff;
  };
  for (const byte of payload) {
    if (byte === DOLLAR || byte === HASH || byte === ESCAPE || byte === STAR) {
      put(ESCAPE);
      put(byte ^ ESCAPE_BIT);
    } else put(byte);
  }
  const digits = sum.toString(16).padStart(2, '0');
  out.push(HASH, digits.charCodeAt(0), digits.charCodeAt(1));
  return Uint8Array.from(out);
}

/** Value of a hexadecimal digit; for any other byte a number that no checksum reaches. */
function digit(byte: number): number {
  const value = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(value) ? 0x1000 : value;
}
