#!/usr/bin/env node
import { existsSync } from 'node:fs';

const command = new URL('../dist/command.js', import.meta.url);
if (existsSync(command)) {
  const { main } = await import(command.href);
  process.exitCode = await main(process.argv.slice(2));
} else {
  process.stderr.write('faultline: the package has not been built; run "npm run build" first\n');
  process.exitCode = 2;
}
