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
      clock: 'wall',
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
  [['boot'], 'there is no command "boot"'],
  [['run'], 'run needs the path of a program'],
  [['run', 'a', 'b'], '"b" is too much'],
  [['run', 'a', '--memory', '12Q'], '--memory 12Q'],
  [['run', 'a', '--memory'], '--memory'],
  [['run', 'a', '--max-instructions', '0'], '--max-instructions 0'],
  [['run', 'a', '--max-instructions', '1e3'], '--max-instructions 1e3'],
  [['run', 'a', '--clock', 'sun'], '--clock sun'],
  [['run', 'a', '--frob'], "Unknown option '--frob'"],
  [['disassemble', 'a', '--stats'], '--stats is an option of run'],
])('%j is refused', (args, message) => {
  expect(() => parseOptions(args)).toThrow(UsageError);
  expect(() => parseOptions(args)).toThrow(message);
});
