/** The number that a token of digits with a point or an exponent is: decimal, or hexadecimal with a power of two. */
export function parseReal(text: string): number {
  const hexadecimal = /^0x([0-9a-f]+)(?:\.([0-9a-f]*))?p([+-]?[0-9]+)$/i.exec(text);
  if (hexadecimal === null) return Number(text);
  const [, whole, fraction = '', exponent] = hexadecimal;
  return parseInt(whole + fraction, 16) * 2 ** (Number(exponent) - 4 * fraction.length);
}
