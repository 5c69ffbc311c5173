/** Reads flattened device trees, for tests: properties in hexadecimal, by path of their node. */
export function readTree(bytes: Uint8Array): Map<string, Record<string, string>> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== 0xd00d_feed || view.getUint32(4) > bytes.length)
    throw new Error('not a device tree');
  let at = view.getUint32(8);
  const strings = view.getUint32(12);
  const textAt = (start: number): string => {
    let end = start;
    while (bytes[end] !== 0) end++;
    return new TextDecoder().decode(bytes.subarray(start, end));
  };
  const nodes = new Map<string, Record<string, string>>();
  const path: string[] = [];
  for (;;) {
    const token = view.getUint32(at);
    at += 4;
    if (token === 1) {
      const name = textAt(at);
      at += Math.ceil((name.length + 1) / 4) * 4;
      path.push(name);
      nodes.set(path.join('/') || '/', {});
    } else if (token === 2) {
      path.pop();
    } else if (token === 3) {
      const length = view.getUint32(at);
      const name = textAt(strings + view.getUint32(at + 4));
      const value = Buffer.from(bytes.subarray(at + 8, at + 8 + length)).toString('hex');
      nodes.get(path.join('/') || '/')![name] = value;
      at += 8 + Math.ceil(length / 4) * 4;
    } else if (token === 9) {
      return nodes;
    } else {
      throw new Error(`token ${token}`);
    }
  }
}
