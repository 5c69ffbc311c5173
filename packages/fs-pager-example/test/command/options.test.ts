import { describe, expect, it } from 'vitest';
import { parseOptions, UsageError } from '../../src/command/options.js';

const DEFAULTS = {
  memoryBytes: 2 ** 28,
  harts: 1,
  pagerBlocking: null,
  statsFile: null,
  traceFile: null,
  timeoutSeconds: null,
};

describe('the command line', () => {
  it('is the demonstration when it is empty', () => {
    expect(parseOptions([])).toEqual({ action: 'demo', ...DEFAULTS });
    expect(parseOptions(['demo', '--memory', '64M'])).toEqual({
      action: 'demo',
      ...DEFAULTS,
      memoryBytes: 2 ** 26,
    });
  });

  it('runs a program with its arguments, whatever they look like', () => {
    expect(parseOptions(['run', 'p.elf', '--memory', '-x', '--', '--help'])).toEqual({
      action: 'run',
      root: '.',
      program: 'p.elf',
      args: ['--memory', '-x', '--', '--help'],
      ...DEFAULTS,
    });
  });

  it('takes options before the program', () => {
    const args = [
      'run',
      '--root',
      'data',
      '--memory=1G',
      '--smp',
      '4',
      '--pager-blocking',
      'fail',
      '--stats-json',
      's',
      '--trace-events=t',
      '--timeout',
      '1.5',
      'p',
    ];
    expect(parseOptions(args)).toEqual({
      action: 'run',
      root: 'data',
      program: 'p',
      args: [],
      memoryBytes: 2 ** 30,
      harts: 4,
      pagerBlocking: 'fail',
      statsFile: 's',
      traceFile: 't',
      timeoutSeconds: 1.5,
    });
  });

  it('takes -- before a program whose name looks like an option', () => {
    expect(parseOptions(['run', '--root', 'r', '--', '--p', 'a'])).toMatchObject({
      root: 'r',
      program: '--p',
      args: ['a'],
    });
  });

  it('gives help and version', () => {
    expect(parseOptions(['--help'])).toEqual({ action: 'help', topic: null });
    expect(parseOptions(['help', 'run'])).toEqual({ action: 'help', topic: 'run' });
    expect(parseOptions(['run', '--help'])).toEqual({ action: 'help', topic: 'run' });
    expect(parseOptions(['run', '--root', 'x', '-h', 'p'])).toEqual({ action: 'help', topic: 'run' });
    expect(parseOptions(['demo', '--help'])).toEqual({ action: 'help', topic: 'demo' });
    expect(parseOptions(['--version'])).toEqual({ action: 'version' });
  });

  it.each([
    [['fly'], /there is no command "fly"/],
    [['--root', 'x'], /needs a command before it/],
    [['--version', 'x'], /stands alone/],
    [['help', 'x'], /no help on "x"/],
    [['run'], /needs the path of a program/],
    [['run', '--root'], /--root/],
    [['run', '--root', 'x'], /needs the path of a program/],
    [['run', '--root=', 'p'], /--root: the path of a directory/],
    [['run', '--nonsense', 'p'], /--nonsense/],
    [['run', '--memory', 'much', 'p'], /--memory much: a size is expected/],
    [['run', '--memory', '4G', 'p'], /1M to 3\.5G/],
    [['run', '--memory', '64K', 'p'], /1M to 3\.5G/],
    [['run', '--memory', '2000001', 'p'], /multiple of 4096/],
    [['run', '--smp', '9', 'p'], /--smp 9: 1 to 8 is possible/],
    [['run', '--smp', '0', 'p'], /--smp 0: 1 to 8/],
    [['demo', '--smp', 'two'], /--smp two: 1 to 8/],
    [['run', '--pager-blocking', 'maybe', 'p'], /it is allow or fail/],
    [['run', '--timeout', '0', 'p'], /seconds above 0/],
    [['run', '--timeout', 'soon', 'p'], /seconds above 0/],
    [['run', '--stats-json=', 'p'], /path of a file/],
    [['demo', 'x'], /takes no arguments/],
  ])('%j is refused in one clear line', (args, message) => {
    expect(() => parseOptions(args)).toThrow(UsageError);
    expect(() => parseOptions(args)).toThrow(message);
    try {
      parseOptions(args);
    } catch (error) {
      expect((error as Error).message).not.toContain('\n');
    }
  });
});
