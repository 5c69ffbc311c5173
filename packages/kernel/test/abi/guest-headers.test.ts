import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import * as abi from '../../src/abi/index.js';
import { guestHeaders } from '../../src/syscall/guest-headers.js';

const INCLUDE = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../../guest/include/zircon');

/** What Zircon's headers do not name. */
const KERNEL_ONLY = [
  'ZX_VMO_MAX_PAGES',
  'ZX_VM_ALIGN_MASK',
  'ZX_VM_ALIGN_MIN_LOG2',
  'ZX_VM_ALIGN_MAX_LOG2',
  'ZX_USER_ASPACE_BASE',
  'ZX_USER_ASPACE_SIZE',
];

/** Every `#define ZX_...` of the headers whose value is a number once casts are taken off. */
function definitions(): Map<string, bigint> {
  const texts = readdirSync(INCLUDE, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.h'))
    .map((name) => readFileSync(path.join(INCLUDE, name), 'utf8').replace(/\\\n/g, ' '));
  const raw = new Map<string, string>();
  for (const text of texts) {
    for (const [, name, value] of text.matchAll(/^#define\s+((?:ZX|PA)_\w+)\s+(.+)$/gm)) {
      raw.set(name, value);
    }
  }
  const known = new Map<string, bigint>();
  for (let progress = true; progress;) {
    progress = false;
    for (const [name, value] of raw) {
      if (known.has(name)) continue;
      const number = evaluate(value, known);
      if (number === undefined) continue;
      known.set(name, number);
      progress = true;
    }
  }
  return known;
}

/** Names and numbers with the operators that the headers use; undefined when a name is not known (yet). */
function evaluate(text: string, known: ReadonlyMap<string, bigint>): bigint | undefined {
  const bare = text
    .replace(/\/\*.*?\*\//g, '')
    .replace(/ZX_INFO_TOPIC_\((\w+), (\w+)\)/, '($1 | $2 << 28)')
    .replace(/\((?:zx_\w+|u?int\d+_t|size_t|unsigned|int)\)/g, '')
    .replace(/\b(0x[0-9a-fA-F]+|\d+)[uUlL]+\b/g, '$1');
  const tokens = bare.match(/0x[0-9a-fA-F]+|\d+|\w+|<<|[-|&()~]/g) ?? [];
  let position = 0;
  let failed = false;
  const primary = (): bigint => {
    const token = tokens[position];
    position += 1;
    if (token === '(') {
      const value = or();
      if (tokens[position] !== ')') failed = true;
      position += 1;
      return value;
    }
    if (token === '-') return -primary();
    if (token === '~') return ~primary();
    if (token !== undefined && /^(?:0x[0-9a-fA-F]+|\d+)/.test(token)) return BigInt(token);
    const value = token === undefined ? undefined : known.get(token);
    if (value === undefined) failed = true;
    return value ?? 0n;
  };
  const shift = (): bigint => {
    let value = primary();
    while (tokens[position] === '<<') {
      position += 1;
      value <<= primary();
    }
    return value;
  };
  const and = (): bigint => {
    let value = shift();
    while (tokens[position] === '&') {
      position += 1;
      value &= shift();
    }
    return value;
  };
  const or = (): bigint => {
    let value = and();
    while (tokens[position] === '|') {
      position += 1;
      value |= and();
    }
    return value;
  };
  const value = or();
  return failed || position < tokens.length ? undefined : value;
}

describe('headers for guests', () => {
  it('say the same numbers as the kernel', () => {
    const defined = definitions();
    const differing: string[] = [];
    let compared = 0;
    for (const [name, value] of Object.entries(abi)) {
      if (!/^(?:ZX|PA)_/.test(name) || (typeof value !== 'number' && typeof value !== 'bigint')) continue;
      const there = defined.get(name);
      if (there === undefined) continue;
      compared += 1;
      if (there !== BigInt(value)) differing.push(`${name}: ${there} in the headers, ${value} in the kernel`);
    }
    expect(differing).toEqual([]);
    expect(compared).toBeGreaterThan(300);
  });

  it('have every status, right, signal, option, topic and property that the kernel knows', () => {
    const defined = definitions();
    const missing = Object.entries(abi)
      .filter(([name, value]) => name.startsWith('ZX_') && typeof value === 'number' && !defined.has(name))
      .map(([name]) => name);
    expect(missing).toEqual(KERNEL_ONLY);
  });

  it('are as the table of system calls generates them', () => {
    for (const [name, text] of Object.entries(guestHeaders())) {
      expect(readFileSync(path.join(INCLUDE, 'generated', name), 'utf8'), name).toBe(text);
    }
    expect(Object.keys(guestHeaders()).sort()).toEqual(readdirSync(path.join(INCLUDE, 'generated')).sort());
  });
});
