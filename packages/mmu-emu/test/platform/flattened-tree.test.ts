import { describe, expect, test } from 'vitest';
import { flattenTree } from '../../src/index.js';

describe('flattenTree', () => {
  test('writes what the specification says, byte by byte', () => {
    const tree = flattenTree({
      name: '',
      properties: { a: [0x1234_5678], flag: true },
      children: [{ name: 'n@1', properties: { a: 'xyz' } }],
    });
    expect(Buffer.from(tree).toString('hex')).toBe(
      [
        'd00dfeed' +
          '00000087' +
          '00000038' +
          '00000080' +
          '00000028' +
          '00000011' +
          '00000010' +
          '00000000' +
          '00000007' +
          '00000048',
        '00000000000000000000000000000000',
        '00000001' + '00000000',
        '00000003' + '00000004' + '00000000' + '12345678',
        '00000003' + '00000000' + '00000002',
        '00000001' + '6e403100',
        '00000003' + '00000004' + '00000000' + '78797a00',
        '00000002' + '00000002' + '00000009',
        '6100666c616700',
      ].join(''),
    );
  });
});
