import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { demoCommand, DEMO_CONTENT, type DemoContent } from '../../src/command/demo-command.js';
import { parseOptions, type DemoOptions } from '../../src/command/options.js';
import { guestProgram } from '../../src/demo/demo-program.js';
import { commandContext } from '../support/command-rig.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const OPTIONS = parseOptions(['demo', '--memory', '32M']) as DemoOptions;

async function demo(
  content: Partial<DemoContent>,
  options: DemoOptions = OPTIONS,
): Promise<{ status: number; stdout: string; stderr: string }> {
  const { context, output, errors } = commandContext();
  const status = await demoCommand(options, context, { ...DEMO_CONTENT, sha256: null, ...content });
  return { status, stdout: output.text, stderr: errors.text };
}

describe('faultline demo', () => {
  it('reads about log2 of the pages by search, all of them by scan, and checks the bytes', async () => {
    const directory = temporaryDirectory();
    const stats = join(temporaryDirectory(), 'stats.json');
    const bytes = 2 ** 20;
    const { status, stdout, stderr } = await demo(
      { bytes, word: 'zzz', directory },
      { ...OPTIONS, statsFile: stats },
    );
    expect(stderr).toMatch(/^Making the word list, once: .*100%\n$/);
    const summary =
      /Of the 256 pages of the list, the search read (\d+) \(log2 of 256 is 8\.0\), the scan 256\./.exec(
        stdout,
      );
    expect(Number(summary?.[1])).toBeGreaterThanOrEqual(8);
    expect(Number(summary?.[1])).toBeLessThanOrEqual(11);
    expect(stdout).toContain('scan: 256 pages are 1,048,576 bytes, as the file counted them itself');
    expect(status).toBe(0);
    expect(JSON.parse(readFileSync(stats, 'utf8'))).toMatchObject({
      outcome: { kind: 'exited' },
      bytesRead: expect.any(Number),
    });
    const again = await demo({ bytes, word: 'zzz', directory });
    expect(again).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(directory)).toEqual(['words-1048576-1.txt']);
  });

  it('says when the word list cannot be made', async () => {
    const directory = join(temporaryDirectory(), 'file');
    writeFileSync(directory, '');
    const { status, stderr } = await demo({ bytes: 2 ** 16, directory });
    expect(status).toBe(125);
    expect(stderr).toMatch(/^faultline: cannot write the word list/m);
  });

  it('looks for its programs where they are', () => {
    expect(guestProgram('lookup')).toMatch(/lookup\.elf$/);
    expect(() => guestProgram('missing')).toThrow(expect.objectContaining({ code: 'not-found' }));
  });
});
