import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as exitStatus from '../src/exit-status.js';
import * as faultline from '../src/index.js';
import { Collector, guestElf } from './support/guest-files.js';

type Snippet = (
  modules: Readonly<Record<string, unknown>>,
  programs: string,
  process: { readonly stdout: Collector },
  console: { log: (text: string) => void },
) => Promise<void>;

/** The snippet as a function of its modules, the folder of programs and where it prints. */
function compile(source: string): Snippet {
  const body = source.replace(
    /^import (\{[^}]*\}) from '([^']*)';$/gm,
    (_all, names: string, from: string) => `const ${names} = modules['${from}'];`,
  );
  const AsyncFunction = (async () => undefined).constructor as new (...args: string[]) => Snippet;
  return new AsyncFunction('modules', 'programs', 'process', 'console', body);
}

describe('the README', () => {
  const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, source, output] = [...text.matchAll(/^```(?:js)?\n(.*?)^```$/gms)].map((match) => match[1]);

  it('shows a program that runs and prints what is shown below it', async () => {
    const stdout = new Collector();
    const modules = { '@faultline/fs-pager-example': faultline };
    const log = (line: string): boolean => stdout.write(`${line}\n`);
    await compile(source)(modules, dirname(guestElf('hello')), { stdout }, { log });
    expect(stdout.text).toBe(output);
  });

  it('lists every exit status of ours', () => {
    const listed = [...text.matchAll(/^\| (\d+) \|/gm)].map((match) => Number(match[1]));
    expect(listed.sort((a, b) => a - b)).toEqual(Object.values(exitStatus).sort((a, b) => a - b));
  });

  it('links to files that are there', () => {
    const links = [...text.matchAll(/\]\((\.\.[^)]*)\)/g)].map((match) => match[1]);
    expect(links).not.toEqual([]);
    expect(links.filter((link) => !existsSync(new URL(`../${link}`, import.meta.url)))).toEqual([]);
  });
});
