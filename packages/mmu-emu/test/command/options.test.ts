import { describe, expect, test } from 'vitest';
import { parseOptions, UsageError } from '../../src/command/options.js';

describe('options of run', () => {
  test('have defaults', () => {
    expect(parseOptions(['run', 'a.elf'])).toEqual({
      action: 'run',
      file: 'a.elf',
      memoryBytes: 256 * 2 ** 20,
      maxInstructions: Infinity,
      stats: false,
      regions: 0,
      saveSnapshot: undefined,
      restore: undefined,
      reboot: true,
      clock: 'wall',
      harts: 1,
      engine: 'auto',
      gdbPort: undefined,
      trace: undefined,
      traceLimit: 1_000_000,
      exitOnTohost: false,
    });
  });

  test('of boot have defaults too, and drives keep their order', () => {
    const defaults = parseOptions(['boot']);
    expect(defaults).toEqual({
      action: 'boot',
      memoryBytes: 256 * 2 ** 20,
      maxInstructions: Infinity,
      stats: false,
      regions: 0,
      saveSnapshot: undefined,
      restore: undefined,
      reboot: true,
      clock: 'wall',
      harts: 1,
      engine: 'auto',
      gdbPort: undefined,
      trace: undefined,
      traceLimit: 1_000_000,
      bios: '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin',
      kernel: undefined,
      initrd: undefined,
      append: undefined,
      console: 'uart',
      drives: [],
    });
    expect(parseOptions('run --gdb 0 --trace t --trace-limit 5 a'.split(' '))).toMatchObject({
      gdbPort: 0,
      trace: 't',
      traceLimit: 5,
    });
    const given = parseOptions(
      'boot --smp 4 --engine interpreter --bios b --kernel k --initrd i --append a=1 --drive x --drive y,ro'.split(
        ' ',
      ),
    );
    expect(given).toMatchObject({
      harts: 4,
      engine: 'interpreter',
      bios: 'b',
      kernel: 'k',
      initrd: 'i',
      append: 'a=1',
      drives: ['x', 'y,ro'],
    });
  });

  test.each([
    ['64M', 64 * 2 ** 20],
    ['1G', 2 ** 30],
    ['1gib', 2 ** 30],
    ['4096k', 2 ** 22],
    ['1048576', 2 ** 20],
  ])('--memory %s is %i bytes', (size, bytes) => {
    expect(parseOptions(['run', '--memory', size, 'a.elf'])).toMatchObject({ memoryBytes: bytes });
  });

  test('may stand anywhere and be joined by =', () => {
    const options = parseOptions([
      '--stats',
      'run',
      'a.elf',
      '--max-instructions=1_000',
      '--clock',
      'virtual',
    ]);
    expect(options).toMatchObject({ stats: true, maxInstructions: 1000, clock: 'virtual', file: 'a.elf' });
  });
});

test('help and version need nothing else', () => {
  expect(parseOptions(['--help'])).toEqual({ action: 'help' });
  expect(parseOptions(['run', '-h'])).toEqual({ action: 'help' });
  expect(parseOptions(['--version'])).toEqual({ action: 'version' });
});

test.each([
  [[], 'what to do is missing'],
  [['start'], 'there is no command "start"'],
  [['boot', 'a'], '"a" is too much'],
  [['boot', ...Array.from({ length: 8 }, () => '--drive=a')], 'room for 7 drives'],
  [['boot', '--exit-on-tohost'], '--exit-on-tohost is an option of run'],
  [['run', 'a', '--kernel', 'k'], '--kernel is an option of boot'],
  [['run', 'a', '--smp', 'x'], '--smp x'],
  [['run', 'a', '--engine', 'steam'], '--engine steam'],
  [['run', 'a', '--gdb', '65536'], '--gdb 65536: a port is expected'],
  [['boot', '--gdb', 'localhost:1'], '--gdb localhost:1'],
  [['run', 'a', '--trace', 't', '--trace-limit', '0'], '--trace-limit 0'],
  [['disassemble', 'a', '--gdb', '1'], '--gdb is an option of run and boot'],
  [['run'], 'run needs the path of a program'],
  [['run', 'a', 'b'], '"b" is too much'],
  [['run', 'a', '--memory', '12Q'], '--memory 12Q'],
  [['run', 'a', '--memory'], '--memory'],
  [['run', 'a', '--max-instructions', '0'], '--max-instructions 0'],
  [['run', 'a', '--max-instructions', '1e3'], '--max-instructions 1e3'],
  [['run', 'a', '--clock', 'sun'], '--clock sun'],
  [['run', 'a', '--frob'], "Unknown option '--frob'"],
  [['disassemble', 'a', '--stats'], '--stats is an option of run and boot'],
  [['disassemble', 'a', '--regions', '1'], '--regions is an option of run and boot'],
  [['run', 'a', '--regions', '0'], '--regions 0: a positive number is expected'],
])('%j is refused', (args, message) => {
  expect(() => parseOptions(args)).toThrow(UsageError);
  expect(() => parseOptions(args)).toThrow(message);
});
