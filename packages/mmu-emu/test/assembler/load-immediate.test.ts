import fc from 'fast-check';
import { expect, test } from 'vitest';
import { constantSteps } from '../../src/assembler/load-immediate.js';

const MASK = 2n ** 64n - 1n;

/** What the steps leave in the register, by the definition of the four instructions. */
function follow(value: bigint): bigint {
  let register = 0n;
  for (const { name, immediate } of constantSteps(value)) {
    if (name === 'addi') {
      expect(BigInt.asIntN(12, immediate)).toBe(immediate);
      register = (register + immediate) & MASK;
    } else if (name === 'addiw') {
      expect(BigInt.asIntN(12, immediate)).toBe(immediate);
      register = BigInt.asUintN(64, BigInt.asIntN(32, register + immediate));
    } else if (name === 'lui') {
      expect(BigInt.asUintN(20, immediate)).toBe(immediate);
      register = BigInt.asUintN(64, BigInt.asIntN(32, immediate << 12n));
    } else {
      expect(immediate > 0n && immediate < 64n).toBe(true);
      register = (register << immediate) & MASK;
    }
  }
  return register;
}

test('any 64-bit constant is built, in at most eight steps', () => {
  const near = fc
    .tuple(fc.nat(63), fc.constantFrom(-2049n, -2048n, -1n, 0n, 1n, 2047n, 2048n), fc.boolean())
    .map(
      ([bit, offset, negative]) => ((negative ? -(1n << BigInt(bit)) : 1n << BigInt(bit)) + offset) & MASK,
    );
  fc.assert(
    fc.property(fc.oneof(fc.bigInt(0n, MASK), near), (value) => {
      expect(follow(value)).toBe(value);
      expect(constantSteps(value).length).toBeLessThanOrEqual(8);
    }),
    { numRuns: 5000 },
  );
});

test.each([
  [0n, 1],
  [-1n, 1],
  [2047n, 1],
  [2048n, 2],
  [-(2n ** 31n), 1],
  [2n ** 31n, 2],
  [2n ** 63n, 2],
  [0x1234_5678n, 2],
])('%d takes %i instructions', (value, count) => {
  expect(constantSteps(value)).toHaveLength(count);
});
