/** Fails a test in which anything is printed with `console`, also where the error thrown here is caught. */
import { afterEach, beforeEach } from 'vitest';

const METHODS = ['log', 'info', 'debug', 'warn', 'error', 'trace', 'table', 'dir'] as const;

let printed: string[] = [];

for (const method of METHODS) {
  console[method] = (...values: unknown[]): never => {
    const text = `console.${method}: ${values.map(String).join(' ')}`;
    printed.push(text);
    throw new Error(text);
  };
}

beforeEach(() => {
  printed = [];
});

afterEach(() => {
  if (printed.length > 0) throw new Error(`the test printed to the console:\n${printed.join('\n')}`);
});
