/** The scripts that fetch from Debian's archive, without a network: what they say when that does not work. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root } from '../workspace.mjs';
import { hasTool } from '../vitest/needs-tool.ts';

const [, VERSION] = /^version=(.*)$/m.exec(readFileSync(join(root, 'scripts/fetch-linux.sh'), 'utf8')) ?? [];
/** Each script, the variable that names its source, and a package that it fetches. */
const SCRIPTS = [
  ['fetch-linux', 'FAULTLINE_LINUX_SOURCE', `linux-binary-${VERSION}-riscv64`],
  ['install-qemu', 'FAULTLINE_QEMU_SOURCE', 'qemu-system-riscv'],
];
const NOBODY_LISTENS = 'deb [trusted=yes] http://127.0.0.1:1/debian sid main';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'faultline-fetching-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Runs a script with a folder that has nothing yet. */
function run(script, environment) {
  const { status, stdout, stderr } = spawnSync(
    'bash',
    [join(root, 'scripts', `${script}.sh`), join(folder, 'fetched')],
    { env: { ...process.env, ...environment }, encoding: 'utf8' },
  );
  // Nothing half done is taken for what was fetched.
  expect(existsSync(join(folder, 'fetched'))).toBe(false);
  return { status, stdout, last: stderr.trimEnd().split('\n').at(-1) };
}

/** An archive in a folder with one package, which has one file. @returns its line of sources.list */
function archiveWith(name, sha256) {
  const contents = join(folder, 'contents');
  mkdirSync(join(contents, 'DEBIAN'), { recursive: true });
  const fields = `Package: ${name}\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\n`;
  writeFileSync(join(contents, 'DEBIAN/control'), `${fields}Description: a test\n`);
  writeFileSync(join(contents, 'vmlinuz'), 'no kernel');
  const archive = join(folder, 'archive');
  mkdirSync(archive);
  const file = join(archive, 'package.deb');
  expect(spawnSync('dpkg-deb', ['--build', contents, file]).status).toBe(0);
  const bytes = readFileSync(file);
  const hash = sha256 ?? createHash('sha256').update(bytes).digest('hex');
  const index = `${fields}Filename: ./package.deb\nSize: ${bytes.length}\nSHA256: ${hash}\nDescription: a test\n`;
  writeFileSync(join(archive, 'Packages'), index);
  return `deb [trusted=yes] file:${archive} ./`;
}

describe.each(SCRIPTS)('%s', (script, variable, name) => {
  it('says that the archive does not answer', ({ task }) => {
    if (!hasTool(task, 'apt-get', `what ${script} says`)) return;
    const { status, last } = run(script, { [variable]: NOBODY_LISTENS });
    expect(status).toBe(1);
    expect(last).toMatch(new RegExp(`^${script}: the (archive|mirror) does not answer: .*127\\.0\\.0\\.1`));
  });

  it('says which tool is missing', ({ task }) => {
    if (!hasTool(task, 'apt-get', `what ${script} says`)) return;
    const tools = join(folder, 'tools');
    mkdirSync(tools);
    for (const tool of ['bash', 'dirname', 'apt-get', 'apt-cache', 'tar', 'sha256sum', 'mktemp', 'rm']) {
      const found = (process.env['PATH'] ?? '').split(delimiter).find((path) => existsSync(join(path, tool)));
      symlinkSync(join(found ?? '', tool), join(tools, tool));
    }
    const { status, last } = run(script, { PATH: tools });
    expect({ status, last }).toEqual({
      status: 1,
      last: `${script}: needs dpkg-deb, which is not installed`,
    });
  });

  it('says that a package is damaged, or not there', ({ task }) => {
    if (!hasTool(task, 'apt-get', `what ${script} says`)) return;
    const source = archiveWith(name, '0'.repeat(64));
    const { status, last } = run(script, { [variable]: source });
    expect({ status, last }).toEqual({
      status: 1,
      last: `${script}: ${name} cannot be fetched: ${source}`,
    });
  });
});

describe('fetch-linux', () => {
  it('takes no package of the pinned version that is not the pinned one', ({ task }) => {
    if (!hasTool(task, 'apt-get', 'what fetch-linux says')) return;
    const [, variable, name] = SCRIPTS[0];
    const source = archiveWith(name);
    const { status, last } = run('fetch-linux', { [variable]: source });
    expect(status).toBe(1);
    expect(last).toMatch(/^fetch-linux: the checksum of linux-binary\S+\.deb is not the pinned one: /);
  });

  it('says that the archive has no kernel', ({ task }) => {
    if (!hasTool(task, 'apt-get', 'what fetch-linux says')) return;
    const source = archiveWith('something-else');
    expect(run('fetch-linux', { FAULTLINE_LINUX_SOURCE: source })).toEqual({
      status: 1,
      stdout: '',
      last: `fetch-linux: the archive has no kernel for riscv64: ${source}`,
    });
  });
});
