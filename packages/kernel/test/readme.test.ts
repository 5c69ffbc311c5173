import * as mmuEmu from '@faultline/mmu-emu';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as kernel from '../src/index.js';

const MODULES: Readonly<Record<string, unknown>> = {
  '@faultline/mmu-emu': mmuEmu,
  '@faultline/kernel': kernel,
};

type Snippet = (modules: typeof MODULES, console: { log: (...values: unknown[]) => void }) => Promise<void>;

/** The snippet as a function of its modules and console. */
function compile(source: string): Snippet {
  const body = source.replace(
    /^import (\{[^}]*\}) from '([^']*)';$/gm,
    (_all, names: string, from: string) => `const ${names} = modules['${from}'];`,
  );
  const AsyncFunction = (async () => undefined).constructor as new (...args: string[]) => Snippet;
  return new AsyncFunction('modules', 'console', body);
}

describe('the README', () => {
  const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [source, output] = [...text.matchAll(/^```(?:js)?\n(.*?)^```$/gms)].map((match) => match[1]);

  it('shows a program that runs and prints what is shown below it', async () => {
    const lines: string[] = [];
    await compile(source)(MODULES, { log: (...values) => lines.push(values.join(' ')) });
    expect(`${lines.join('\n')}\n`).toBe(output);
  });

  it('links to files that are there', () => {
    const links = [...text.matchAll(/\]\((\.\.[^)]*)\)/g)].map((match) => match[1]);
    expect(links.length).toBeGreaterThan(2);
    expect(links.filter((link) => !existsSync(new URL(`../${link}`, import.meta.url)))).toEqual([]);
  });
});
