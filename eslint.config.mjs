import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { faultlineRules } from './scripts/eslint/rules.mjs';

/** Sources of a package, the command lines apart. */
const LIBRARY = ['packages/*/src/**/*.ts'];
const COMMANDS = ['packages/*/src/command/**/*.ts'];
const TESTS = ['packages/*/test/**/*.ts', 'guest/test/**/*.ts'];
const SCRIPTS = ['**/*.mjs', '**/*.js', '**/*.cjs'];

/** Where time and chance would come in past the Clock and the Rng that the caller gives. */
const NONDETERMINISM = [
  { object: 'Date', property: 'now', message: 'Time comes from the injected Clock.' },
  { object: 'performance', property: 'now', message: 'Time comes from the injected Clock.' },
  { object: 'Math', property: 'random', message: 'Chance comes from the injected Rng.' },
];
const NODE_GLOBALS = ['process', 'Buffer', 'global', '__dirname', '__filename', 'require', 'setImmediate'];

export default defineConfig(
  globalIgnores(['**/dist/', '**/node_modules/', '.nx/', 'coverage/', 'guest/bin/']),
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: {
        project: 'tsconfig.json',
        tsconfigRootDir: import.meta.dirname,
      },
    },
  },
  {
    files: [...SCRIPTS],
    languageOptions: { sourceType: 'module', ecmaVersion: 2024 },
  },
  {
    files: ['**/*.ts', ...SCRIPTS],
    plugins: { faultline: faultlineRules },
    linterOptions: { reportUnusedDisableDirectives: 'error', reportUnusedInlineConfigs: 'error' },
    rules: {
      'faultline/file-name': 'error',
      'faultline/no-machine-path': 'error',
      'max-lines': ['warn', { max: 600, skipBlankLines: false, skipComments: false }],
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-debugger': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/ban-ts-comment': [
        'error',
        { 'ts-ignore': true, 'ts-nocheck': true, 'ts-expect-error': true, 'ts-check': false },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-floating-promises': 'error',
      // Numbers in messages are what most messages are made of.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-unused-vars': 'off', // the compiler does it
      // An interface's method may be async where one implementation has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // A chain of objects is walked from `this` on.
      '@typescript-eslint/no-this-alias': 'off',
      // Constants such as HART_PC = 0 are compared and combined with each other as plain numbers.
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
    },
  },
  {
    files: LIBRARY,
    rules: {
      'no-console': 'error',
      'no-restricted-properties': ['error', ...NONDETERMINISM],
      'no-restricted-syntax': [
        'error',
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: 'Time comes from the injected Clock.',
        },
        {
          selector: 'ImportExpression > Literal[value=/^node:/]',
          message: 'Node modules are imported at the top.',
        },
      ],
      'faultline/documented-export': 'error',
    },
  },
  {
    files: ['packages/{mmu-emu,kernel,pager-sdk}/src/**/*.ts'],
    ignores: COMMANDS,
    rules: {
      'no-restricted-globals': [
        'error',
        ...NODE_GLOBALS.map((name) => ({ name, message: 'This package runs in browsers as well.' })),
      ],
    },
  },
  {
    // A command is where the wall clock comes in.
    files: COMMANDS,
    rules: {
      'no-console': 'off',
      'no-restricted-properties': 'off',
      'no-restricted-syntax': 'off',
      'faultline/documented-export': 'off',
    },
  },
  {
    files: TESTS,
    rules: {
      'faultline/no-unrun-test': 'error',
      'faultline/no-sleep': 'error',
      'no-restricted-properties': ['error', NONDETERMINISM[2]],
      // Matchers such as expect.any() are typed so; spies are taken off their objects.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
