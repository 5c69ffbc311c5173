/** Runs code in a page of headless Chromium. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Debian's name. */
export const CHROMIUM = 'chromium';

const PAGE = `<!doctype html><title>Faultline</title><script type="module">
  const send = (outcome) => fetch('/outcome', { method: 'POST', body: JSON.stringify(outcome) });
  try {
    const { run } = await import('/page.js');
    await send({ value: await run(...(await (await fetch('/arguments')).json())) });
  } catch (error) {
    await send({ error: String(error?.stack ?? error) });
  }
</script>`;

/**
 * Bundles a module for browsers, serves it on the loopback interface, and calls its export `run` in a page.
 *
 * @param {string} module path of the module.
 * @param {readonly unknown[]} args what `run` is called with; JSON.
 * @param {object} [options]
 * @param {readonly string[]} [options.conditions] how packages are resolved; to their sources, unless said.
 * @param {Readonly<Record<string, Uint8Array>>} [options.files] what the page can fetch besides, by path.
 * @returns {Promise<any>} what it returns or resolves to, through JSON.
 * @throws {Error} what it throws, or when the browser ends before.
 */
export async function runInChromium(module, args, { conditions = ['@faultline/source'], files = {} } = {}) {
  const { outputFiles } = await build({
    entryPoints: [module],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    conditions: [...conditions],
    logLevel: 'silent',
  });
  const profile = mkdtempSync(join(tmpdir(), 'faultline-chromium-'));
  /** @type {Record<string, readonly [type: string, body: string | Uint8Array]>} */
  const served = {
    '/': ['text/html', PAGE],
    '/page.js': ['text/javascript', outputFiles[0].text],
    '/arguments': ['application/json', JSON.stringify(args)],
  };
  for (const [path, body] of Object.entries(files)) served[path] = ['application/octet-stream', body];
  /** @type {(outcome: { value?: unknown, error?: string }) => void} */
  let settle = () => undefined;
  const outcome = new Promise((resolve) => (settle = resolve));
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        response.end();
        settle(JSON.parse(body));
      });
      return;
    }
    const file = served[request.url ?? ''];
    response.writeHead(file === undefined ? 404 : 200, { 'content-type': file?.[0] ?? 'text/plain' });
    response.end(file?.[1]);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  // Chromium's own sandbox refuses to start as root; what it loads is this project's code only.
  const browser = spawn(
    CHROMIUM,
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
      ...[`--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const ended = new Promise((resolve) => browser.on('close', resolve));
  let said = '';
  browser.stderr.setEncoding('utf8').on('data', (chunk) => (said = (said + chunk).slice(-2000)));
  browser.on('error', (error) => settle({ error: error.message }));
  browser.on('exit', (status) => settle({ error: `Chromium ended with status ${String(status)}\n${said}` }));
  try {
    const { value, error } = await outcome;
    if (error !== undefined) throw new Error(error);
    return value;
  } finally {
    browser.kill('SIGKILL');
    await ended;
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
