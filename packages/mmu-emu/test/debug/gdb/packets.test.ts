import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { encodePacket, PacketReader } from '../../../src/debug/gdb/packets.js';
import type { Arrival } from '../../../src/debug/gdb/packets.js';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const text = (payload: Uint8Array): string => Buffer.from(payload).toString('latin1');

function arrivals(reader: PacketReader, input: Uint8Array): string[] {
  return [...reader.read(input)].map((arrival: Arrival) =>
    arrival.kind === 'packet' ? `packet ${text(arrival.payload)}` : arrival.kind,
  );
}

describe('packets', () => {
  test('are framed, acknowledged and interrupted as the protocol says', () => {
    const reader = new PacketReader(100);
    expect(arrivals(reader, bytes('+$g#67-\x03noise$m0,4#fd'))).toEqual([
      'acknowledged',
      'packet g',
      'refused',
      'interrupt',
      'packet m0,4',
    ]);
    expect(text(encodePacket(bytes('OK')))).toBe('$OK#9a');
  });

  test('with a wrong checksum, or none, are damaged, and the next is read', () => {
    const reader = new PacketReader(100);
    expect(arrivals(reader, bytes('$g#68$g#67$g#zz$g#67'))).toEqual([
      'damaged',
      'packet g',
      'damaged',
      'packet g',
    ]);
    // One that begins within another: the first was cut off.
    expect(arrivals(reader, bytes('$m00$g#67'))).toEqual(['packet g']);
  });

  test('longer than the limit are thrown away', () => {
    const reader = new PacketReader(4);
    const packet = (content: string): Uint8Array => encodePacket(bytes(content));
    expect(arrivals(reader, packet('12345'))).toEqual(['damaged']);
    expect(arrivals(reader, packet('1234'))).toEqual(['packet 1234']);
  });

  test('carry any bytes, in pieces of any size', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 20 }), (payload, size) => {
        const encoded = encodePacket(payload);
        expect(encoded.subarray(1, -3).includes(0x24)).toBe(false);
        const reader = new PacketReader(300);
        const found: Arrival[] = [];
        for (let at = 0; at < encoded.length; at += size)
          found.push(...reader.read(encoded.subarray(at, at + size)));
        expect(found).toEqual([{ kind: 'packet', payload }]);
      }),
    );
  });
});
