import { Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';
import { faultlineRules } from '../eslint/rules.mjs';

/** What one rule says of a text, as the names of its messages. */
function messages(rule, code, filename = 'page-list.ts') {
  /** @type {import('eslint').Linter.Config} */
  const config = {
    files: ['**/*.ts', '**/*.cjs'],
    languageOptions: { parser: tseslint.parser },
    plugins: { faultline: faultlineRules },
    rules: { [`faultline/${rule}`]: 'error' },
  };
  return new Linter().verify(code, [config], filename).map(({ messageId, message }) => messageId ?? message);
}

describe('documented-export', () => {
  it.each([
    'export function walk() {}',
    '// no docstring\nexport class Walk {}',
    'export interface Walk {}',
    'export const walk = () => 1;',
    '/** Of something else. */\nimport a from "a";\nexport type Walk = typeof a;',
  ])('asks for a docstring: %s', (code) => {
    expect(messages('documented-export', code)).toEqual(['undocumented']);
  });

  it.each([
    '/** Walks. */\nexport function walk() {}',
    'export const PAGE_SIZE = 4096;',
    '/** Walks. */\nexport function walk(a: string): void;\nexport function walk(a: number): void;',
    'function walk() {}',
    'export { walk } from "./walk.js";',
  ])('accepts: %s', (code) => {
    expect(messages('documented-export', code)).toEqual([]);
  });
});

describe('file-name', () => {
  it.each(['pageList.ts', 'PageList.ts', 'page_list.ts'])('refuses %s', (name) => {
    expect(messages('file-name', '', name)).toEqual(['form']);
  });

  it.each(['utils.ts', 'helper.test.ts', 'misc.ts', 'common.ts'])('finds %s vague', (name) => {
    expect(messages('file-name', '', name)).toEqual(['vague']);
  });

  it.each([
    'page-list.ts',
    'page-list.test.ts',
    'uart-16550.ts',
    'vitest.config.ts',
    '.dependency-cruiser.cjs',
  ])('accepts %s', (name) => {
    expect(messages('file-name', '', name)).toEqual([]);
  });
});

describe('no-machine-path', () => {
  const below = (folder) => `const path = '/${folder}/me/file';`;

  it.each(['home', 'root', 'Users'])('refuses a path below the folder %s', (folder) => {
    expect(messages('no-machine-path', below(folder))).toEqual(['path']);
    expect(messages('no-machine-path', below(folder).replaceAll("'", '`'))).toEqual(['path']);
  });

  it('accepts paths that every machine has, and relative ones', () => {
    expect(
      messages('no-machine-path', below('proc') + "const other = './home/file', url = 'a.b/home/c';"),
    ).toEqual([]);
  });
});

describe('no-sleep', () => {
  it.each([
    'await new Promise((resolve) => setTimeout(resolve, 10));',
    'await new Promise((resolve) => { setTimeout(resolve, 10); });',
    'await new Promise((done) => { setTimeout(() => done(), 10); });',
    "import { setTimeout } from 'node:timers/promises';",
  ])('refuses: %s', (code) => {
    expect(messages('no-sleep', code)).toEqual(['sleep']);
  });

  it.each([
    'await new Promise((resolve, reject) => { setTimeout(() => reject(new Error("late")), 10); });',
    'const timer = setTimeout(fail, 1000);',
    'await new Promise((resolve) => stream.once("end", resolve));',
  ])('accepts: %s', (code) => {
    expect(messages('no-sleep', code)).toEqual([]);
  });
});

describe('no-unrun-test', () => {
  // Put together here, so that a search for such tests does not find this file.
  const block = (name, modifier) => `${name}.${modifier}('x', () => {});`;

  it.each([
    block('it', 'skip'),
    block('describe', 'only'),
    block('test', 'todo'),
    block('suite', 'skipIf(true)'),
    block('it', 'concurrent.skip'),
    "it('x', { skip: true }, () => {});",
    "xit('x', () => {});",
    "it('x', (context) => { context.skip(); });",
  ])('refuses: %s', (code) => {
    expect(messages('no-unrun-test', code)).toEqual(['unrun']);
  });

  it.each([block('it', 'each'), 'list.skip(1); task.only = 1;', "it('x', { timeout: 1 }, () => {});"])(
    'accepts: %s',
    (code) => {
      expect(messages('no-unrun-test', code)).toEqual([]);
    },
  );
});
