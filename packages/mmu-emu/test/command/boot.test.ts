import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../src/index.js';
import { BASE, exitWith, run, scratch, UART } from './programs.js';

const { folder, file } = scratch();

describe('boot', () => {
  /** Firmware that says that it is there, and what the first sector of the first drive is, or ends with `code`. */
  const firmware = (source: string): string => file(assemble(source, { origin: BASE }).bytes);

  test('starts flat firmware with number and device tree, and ends by the finisher', async () => {
    const bios = firmware(`
      li s0, ${UART}
      lwu t0, 0(a1)
      li t1, 0xedfe0dd0
      bne t0, t1, bad
      bnez a0, bad
      li t0, 'Y'
      sb t0, 0(s0)
      ${exitWith(0)}
    bad: ${exitWith(3)}`);
    expect(await run(['boot', '--bios', bios])).toEqual({ status: 0, output: Buffer.from('Y'), errors: '' });
  });

  test('gives drives: read, written when that is allowed, flushed', async () => {
    // Queue 0 at 0x80100000: one request of three descriptors, header at 0x80103000, data at 0x80104000.
    const bios = firmware(`
      li s0, 0x10001000
      li s1, 0x80100000
      li s2, 0x80103000
      li s3, 0x80104000
      li t0, 3
      sw t0, 0x70(s0)
      sw zero, 0x30(s0)
      li t0, 4
      sw t0, 0x38(s0)
      sw s1, 0x80(s0)
      li t1, 0x80101000
      sw t1, 0x90(s0)
      li t1, 0x80102000
      sw t1, 0xa0(s0)
      li t0, 1
      sw t0, 0x44(s0)
      li t0, 7
      sw t0, 0x70(s0)
      # read sector 1, add 1 to its first byte, write it to sector 0
      li t0, 1
      sd t0, 8(s2)
      li a0, 2
      jal request
      lbu t0, 0(s3)
      addi t0, t0, 1
      sb t0, 0(s3)
      sd zero, 8(s2)
      li t0, 1
      sw t0, 0(s2)
      li a0, 0
      jal request
      bnez a1, bad
      ${exitWith(0)}
    bad: ${exitWith(3)}
    request: sd s2, 0(s1)
      li t0, 16
      sw t0, 8(s1)
      li t0, 0x10001
      sw t0, 12(s1)
      sd s3, 16(s1)
      li t0, 512
      sw t0, 24(s1)
      ori t0, a0, 1
      li t1, 0x20000
      or t0, t0, t1
      sw t0, 28(s1)
      li t0, 0x80105000
      sd t0, 32(s1)
      li t1, 1
      sw t1, 40(s1)
      li t1, 2
      sw t1, 44(s1)
      li t1, 0x80101000
      lhu t2, 2(t1)
      addi t2, t2, 1
      sh t2, 2(t1)
      sw zero, 0x50(s0)
      lbu a1, 0(t0)
      ret`);
    const content = Buffer.concat([Buffer.alloc(512, 'a'), Buffer.alloc(512, 'p')]);
    const drive = file(content);
    expect((await run(['boot', '--bios', bios, '--drive', drive])).status).toBe(0);
    expect(readFileSync(drive).subarray(0, 512).toString()).toBe(`q${'p'.repeat(511)}`);
    const readOnly = file(content);
    expect((await run(['boot', '--bios', bios, '--drive', `${readOnly},ro`])).status).toBe(3);
    expect(readFileSync(readOnly).equals(content)).toBe(true);
  });

  test.each([
    ['a kernel that is none', () => ['--kernel', file('text')], 'not a RISC-V Image'],
    ['a missing drive', () => ['--drive', join(folder, 'missing')], 'cannot use the drive'],
    ['a missing file system', () => ['--initrd', join(folder, 'missing')], 'there is no such file'],
    [
      'too little memory',
      () => ['--memory', '4M', '--initrd', file(new Uint8Array(2 ** 22))],
      'MiB of RAM or more',
    ],
    ['too many harts', () => ['--smp', '9'], '--smp must be'],
  ])('%s gives 2 and a sentence', async (_name, args, message) => {
    const { status, errors } = await run(['boot', '--bios', firmware('wfi'), ...args()]);
    expect(status).toBe(2);
    expect(errors).toMatch(/^mmu-emu: /);
    expect(errors).toContain(message);
  });
});
