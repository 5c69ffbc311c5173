/** Imports go down the list of packages, and only through a package's exports. */
const PACKAGES = ['mmu-emu', 'kernel', 'pager-sdk', 'fs-pager-example'];
const NEUTRAL = '^packages/(mmu-emu|kernel|pager-sdk)/src/';
const COMMAND = '^packages/[^/]+/src/command/';

/** A package's files reached from another package otherwise than by one of its entries. */
const throughExports = PACKAGES.map((name) => ({
  name: `${name}-through-exports`,
  comment: `Other packages import @faultline/${name} by name, through one of its exports.`,
  severity: 'error',
  from: { path: '^(packages|guest|bench)/', pathNot: `^packages/${name}/` },
  to: {
    path: `^packages/${name}/`,
    pathNot: Object.values(require(`./packages/${name}/package.json`).exports)
      .map((target) => target['@faultline/source'])
      .filter((source) => source !== undefined)
      .map((source) => `^packages/${name}/${source.slice(2).replaceAll('.', '\\.')}$`),
  },
}));

/** Sources of a package that import one further down the list. */
const downwards = PACKAGES.slice(0, -1).map((name, index) => ({
  name: `${name}-imports-down`,
  comment: `${name} knows nothing of the packages that are built on it.`,
  severity: 'error',
  from: { path: `^packages/${name}/` },
  to: { path: `^packages/(${PACKAGES.slice(index + 1).join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...downwards,
    ...throughExports,
    {
      name: 'no-relative-way-out',
      comment: 'A relative import stays inside its package: other packages are imported by name.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/src/' },
      to: { path: '^(packages|scripts|guest|bench)/', pathNot: '^packages/$1/', dependencyTypes: ['local'] },
    },
    {
      name: 'pager-sdk-on-the-kernel-only',
      comment: 'What an author of a pager needs is on the public surface of the kernel.',
      severity: 'error',
      from: { path: '^packages/pager-sdk/src/' },
      to: { path: '^packages/', pathNot: '^packages/(pager-sdk|kernel)/' },
    },
    {
      name: 'no-circular',
      comment: 'Files that import each other in a circle cannot be understood or loaded one at a time.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'neutral-packages-need-no-node',
      comment: 'mmu-emu, kernel and pager-sdk run in browsers; only their commands may use Node.',
      severity: 'error',
      from: { path: NEUTRAL, pathNot: COMMAND },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'library-without-command',
      comment: 'A library does not depend on the command that is made of it.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: COMMAND },
      to: { path: COMMAND },
    },
    {
      name: 'packages-depend-on-packages-only',
      comment: 'Nothing from outside the workspace is needed when a package runs.',
      severity: 'error',
      from: { path: '^packages/[^/]+/(src|bin)/' },
      to: { path: '^node_modules/' },
    },
    {
      name: 'no-tests-in-sources',
      comment: 'Sources do not import tests.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { path: '/test/' },
    },
    {
      name: 'resolvable',
      comment: 'What is imported exists.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '/dist/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['(^|/)dist/', '(^|/)coverage/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@faultline/source', 'types', 'import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.cjs'],
    },
  },
};
