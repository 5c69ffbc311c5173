/** A kernel of a few instructions: says `hi` by SBI's console, then `li a7, 8; ecall` for the end of the machine, or something else. */
export function tinyKernel(ending = [0x0080_0893, 0x0000_0073]): Uint8Array {
  const bytes = new Uint8Array(4096);
  const view = new DataView(bytes.buffer);
  const code = [
    0x0400006f, // j 64
  ];
  code.forEach((word, index) => view.setUint32(4 * index, word, true));
  view.setBigUint64(16, 8192n, true);
  view.setUint32(56, 0x0543_5352, true);
  const body = [
    0x06800513, // li a0, 'h'
    0x00100893, // li a7, 1
    0x00000073, // ecall
    0x06900513, // li a0, 'i'
    0x00000073, // ecall
    ...ending,
  ];
  body.forEach((word, index) => view.setUint32(64 + 4 * index, word, true));
  return bytes;
}
