/**
 * Packs every package once, installs each alone into an empty project, and uses it there as a stranger would: from
 * JavaScript, from TypeScript, bundled for a browser and in one, and by its command. The packages must have been built.
 *
 * With names as arguments only those packages are tried. The last line is `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { build } from 'esbuild';
import { CHROMIUM, runInChromium } from './browser/chromium.mjs';
import {
  libraryEntries,
  NEUTRAL_PACKAGES,
  PACKAGES,
  packageFolder,
  readManifest,
  root,
  toolFile,
} from './workspace.mjs';

/** How TypeScript projects find modules nowadays. */
const RESOLUTIONS = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
};

const folder = mkdtempSync(join(tmpdir(), 'faultline-tarballs-'));
const chosen = PACKAGES.filter((name) => process.argv.length === 2 || process.argv.includes(name));
let passed = 0;
let failed = 0;

/** One check: `run` throws, or gives back text that says what is wrong, when it fails. */
async function check(name, run) {
  let problem;
  try {
    problem = await run();
  } catch (error) {
    problem = error.stack;
  }
  if (problem === undefined) {
    passed++;
    process.stdout.write(`ok     ${name}\n`);
  } else {
    failed++;
    process.stdout.write(`FAILED ${name}\n${problem.trimEnd().replace(/^/gm, '       ')}\n`);
  }
  return problem === undefined;
}

/** Runs a program to its end; what went wrong, or undefined. */
function run(command, args, cwd, accept = (_output) => true) {
  // npm tells the scripts that it starts where they are; a stranger's shell has none of that.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|INIT_CWD)/i.test(name)),
  );
  const result = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
  });
  if (result.error !== undefined) throw result.error;
  if (result.status === 0 && accept(result.stdout)) return undefined;
  return `${[command, ...args].join(' ')} ended with ${result.status ?? result.signal}\n${result.stdout}${result.stderr}`;
}

const write = (file, value) => writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));

/** Names of a package and of all in the workspace that it needs. */
function withDependencies(name) {
  const { dependencies = {} } = readManifest(packageFolder(name));
  const used = PACKAGES.filter((other) => `@faultline/${other}` in dependencies);
  return [...new Set([...used.flatMap(withDependencies), name])];
}

function checkTypes(project, specifiers, resolution, isNeutral) {
  write(
    join(project, 'consumer.ts'),
    specifiers
      .map(
        (specifier, index) =>
          `import * as entry${index} from '${specifier}';\nexport const names${index}: string[] = Object.keys(entry${index});\n`,
      )
      .join(''),
  );
  write(join(project, 'tsconfig.json'), {
    compilerOptions: {
      ...RESOLUTIONS[resolution],
      target: 'es2022',
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
      types: isNeutral ? [] : ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    },
    files: ['consumer.ts'],
  });
  return run(process.execPath, [toolFile('typescript', 'tsc'), '-p', '.'], project);
}

/** What a browser's worker has that is not of the language itself; nothing of Node is among it. */
const WEB_GLOBALS = [
  ...[
    'AbortController',
    'AbortSignal',
    'DOMException',
    'Event',
    'EventTarget',
    'MessageChannel',
    'TextDecoder',
    'TextEncoder',
    'URL',
  ],
  ...[
    'atob',
    'btoa',
    'clearTimeout',
    'crypto',
    'performance',
    'queueMicrotask',
    'setTimeout',
    'structuredClone',
  ],
];

async function checkBrowserBundle(project, specifier) {
  const { metafile, warnings, outputFiles } = await build({
    stdin: { contents: `export * from '${specifier}';`, resolveDir: project },
    absWorkingDir: project,
    platform: 'browser',
    format: 'iife',
    globalName: 'bundle',
    bundle: true,
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  const problems = [...warnings.map(({ text }) => text), ...outside.map((path) => `imports ${path}`)];
  if (problems.length > 0) return problems.join('\n');
  const globals = Object.fromEntries(WEB_GLOBALS.map((name) => [name, globalThis[name]]));
  const names = runInNewContext(`${outputFiles[0].text}\nObject.keys(bundle)`, globals);
  return names.length === 0 ? 'the bundle exports nothing' : undefined;
}

function checkCommand(project, command, version) {
  const executable = join(project, 'node_modules/.bin', command);
  return (
    run(executable, ['--version'], project, (text) => text.includes(version)) ??
    run(executable, ['--help'], project, (text) => text.includes(command))
  );
}

/** Runs one of the programs that come with the filesystem pager. */
function checkGuest(project) {
  const programs = join(project, 'node_modules/@faultline/fs-pager-example/dist/guest');
  const args = ['run', '--root', programs, join(programs, 'hello.elf'), 'from-a-tarball'];
  const executable = join(project, 'node_modules/.bin/faultline');
  return run(executable, args, project, (text) => text.includes('from-a-tarball'));
}

/** Runs a guest in a page of Chromium, on pages that a pager in the page supplies. */
async function checkInChromium(project) {
  const page = join(project, 'guest-in-page.mjs');
  copyFileSync(join(root, 'scripts/browser/guest-in-page.mjs'), page);
  const guests = process.env['FAULTLINE_GUEST_BIN'] ?? join(root, 'guest/bin');
  const files = { '/pager-client.elf': readFileSync(join(guests, 'pager-client.elf')) };
  const pages = 64;
  const result = await runInChromium(page, [5, pages], { conditions: [], files });
  const { outcome, returnCode, output, pagesSupplied, programPages } = result;
  const whole = output.includes('client: all pages are right\n');
  // All of the data but the refused page, and of the program what it touched.
  const touched = pagesSupplied - (pages - 1);
  return outcome === 'exited' && returnCode === '0' && whole && touched > 0 && touched < programPages
    ? undefined
    : JSON.stringify(result, null, 2);
}

async function checkPackage(name, tarballs) {
  const manifest = readManifest(packageFolder(name));
  const isNeutral = NEUTRAL_PACKAGES.includes(name);
  const specifiers = libraryEntries(manifest).map(({ specifier }) => specifier);
  const project = join(folder, name);
  mkdirSync(project);
  write(join(project, 'package.json'), {
    private: true,
    type: 'module',
    dependencies: Object.fromEntries(
      withDependencies(name).map((used) => [`@faultline/${used}`, `file:${tarballs.get(used)}`]),
    ),
  });
  const installed = await check(`${name}: installs from tarballs alone`, () => {
    const options = [
      '--offline',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--no-package-lock',
      '--loglevel=error',
    ];
    return (
      run('npm', ['install', ...options], project) ??
      (readdirSync(join(project, 'node_modules')).every(
        (entry) => entry === '@faultline' || entry.startsWith('.'),
      )
        ? undefined
        : 'something from outside the workspace was installed')
    );
  });
  if (!installed) return;

  await check(`${name}: is imported from JavaScript`, () => {
    const imports = specifiers.map(
      (specifier) => `if (Object.keys(await import('${specifier}')).length === 0) process.exit(1);`,
    );
    const version = `import manifest from '${manifest.name}/package.json' with { type: 'json' }; if (manifest.version !== '${manifest.version}') process.exit(1);`;
    return run(
      process.execPath,
      ['--no-warnings', '--input-type=module', '-e', [version, ...imports].join('\n')],
      project,
    );
  });
  for (const resolution of Object.keys(RESOLUTIONS)) {
    await check(`${name}: is imported from TypeScript (${resolution})`, () =>
      checkTypes(project, specifiers, resolution, isNeutral),
    );
  }
  if (isNeutral) {
    for (const specifier of specifiers) {
      await check(`${specifier}: is bundled for a browser`, () => checkBrowserBundle(project, specifier));
    }
  }
  for (const command of Object.keys(manifest.bin ?? {})) {
    await check(`${name}: the command ${command} tells its version and its usage`, () =>
      checkCommand(project, command, manifest.version),
    );
  }
  if (name === 'pager-sdk') {
    if (spawnSync(CHROMIUM, ['--version']).status === 0 || process.env['CI'] === 'true') {
      await check(`${name}: a guest runs in Chromium, paged in by the page`, () => checkInChromium(project));
    } else {
      process.stdout.write(`not run: a guest in a browser: ${CHROMIUM} is not installed\n`);
    }
  }
  if (name === 'fs-pager-example') {
    await check(`${name}: its command runs a guest program`, () => checkGuest(project));
  }
}

try {
  const tarballs = new Map();
  for (const name of new Set(chosen.flatMap(withDependencies))) {
    await check(`${name}: is packed`, () => {
      const before = new Set(readdirSync(folder));
      const problem = run(
        'npm',
        ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder],
        packageFolder(name),
      );
      const file = readdirSync(folder).find((entry) => !before.has(entry));
      tarballs.set(name, join(folder, file ?? ''));
      return problem;
    });
  }
  for (const name of chosen) await checkPackage(name, tarballs);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
