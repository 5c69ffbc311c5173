import { describe, expect, it } from 'vitest';
import * as abi from '../../src/abi/index.js';
import { NOWHERE, TestKernel } from './harness.js';

describe('the call behind zx_cprng_draw', () => {
  it('draws from the kernel’s generator, at most 256 bytes at a time', () => {
    const process = new TestKernel().process();
    expect(process.call('cprng_draw_once', NOWHERE, 257)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(process.call('cprng_draw_once', NOWHERE, 1)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(process.call('cprng_draw_once', process.out, 7)).toBe(abi.ZX_OK);
    const drawn = process.memory.slice(process.out, 8);
    expect(drawn[7]).toBe(0);
    expect(new Set(drawn.subarray(0, 7)).size).toBeGreaterThan(3);
    expect(process.call('cprng_draw_once', process.out, 256)).toBe(abi.ZX_OK);
  });

  it('is the same again from the same seed', () => {
    const draw = (): Uint8Array => {
      const process = new TestKernel().process();
      process.call('cprng_draw_once', process.out, 64);
      return process.memory.slice(process.out, 64);
    };
    expect(draw()).toEqual(draw());
  });
});
