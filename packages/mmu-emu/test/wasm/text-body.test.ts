import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hasTool } from '../../../../scripts/vitest/needs-tool.js';
import { lowerRegion } from '../../src/translator/region-function.js';
import { block, br, brIf, choose, get, i32c, i64c, load, loop, op, seq, set, store, tee, when } from '../../src/wasm/code.js'; // prettier-ignore
import type { Code } from '../../src/wasm/function-body.js';
import { MEMORY_OPCODES, NUMERIC_OPCODES } from '../../src/wasm/opcodes.js';
import { TextBody } from '../../src/wasm/text-body.js';
import { Random } from '../qemu/random.js';
import { regionOf } from '../translator/page-of-code.js';
import { randomControl } from '../translator/random-control.js';

const SEED = Number(process.env['FAULTLINE_SEED']);
const folder = mkdtempSync(join(tmpdir(), 'faultline-wat-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PARAMETERS = (['i32', 'i32', 'i64', 'i32', 'i32'] as const).map((type, index) => ({
  name: `p${index}`,
  type,
}));

function bodyOf(code: (body: TextBody) => void, index = 0): TextBody {
  const body = new TextBody(
    { name: `f${index}`, parameters: PARAMETERS, result: 'i32' },
    (offset) => `at ${offset}`,
  );
  code(body);
  return body;
}

const textOf = (code: Code): string => bodyOf(code).text().split('\n').slice(1).join('\n').slice(0, -2);

/** Code of the functions of a module, without their locals: what WABT's assembler makes of the text. */
function assembled(bodies: readonly TextBody[]): number[][] {
  const [text, binary] = [join(folder, 'm.wat'), join(folder, 'm.wasm')];
  const functions = bodies.map((body) => body.text()).join('');
  writeFileSync(text, `(module (import "m" "memory" (memory 1))\n${functions})\n`);
  const { stderr, status } = spawnSync('wat2wasm', ['--no-check', text, '-o', binary], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return codeSection(readFileSync(binary));
}

function codeSection(module: Uint8Array): number[][] {
  let at = 8;
  const number = (): number => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = module[at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (module[at] !== 10) {
    at += 1;
    const size = number();
    at += size;
  }
  at += 1;
  number();
  return Array.from({ length: number() }, () => {
    const size = number();
    const end = at + size;
    for (let groups = number(); groups > 0; groups -= 1) {
      number();
      at += 1;
    }
    const code = [...module.subarray(at, end - 1)];
    at = end;
    return code;
  });
}

describe('the text of a function', () => {
  it('is folded, with names of locals and labels and with comments', () => {
    const text = textOf((f) => {
      const a = f.local('i64', 'a0');
      const again = f.local('i64', 'a0');
      f.mark(4);
      block(
        'out',
        set(a, op('i64.add', get(a), i64c(-5))),
        brIf('out', op('i64.eqz', tee(again, get(a)))),
      )(f);
      i32c(0)(f);
    });
    expect(text).toBe(`  (local $a0 i64)
  (local $l6 i64)
  ;; at 4
  (block $out
    (local.set $a0 (i64.add (local.get $a0) (i64.const -5)))
    (br_if $out (i64.eqz (local.tee $l6 (local.get $a0)))))
  (i32.const 0)`);
  });

  it('writes what waits on the stack before a statement that comes in between', () => {
    const text = textOf(op('i32.add', seq(get(0), set(1, i32c(2))), get(1)));
    expect(text).toBe(`  (local.get $p0)
  (local.set $p1 (i32.const 2))
  (i32.add (local.get $p1))`);
  });

  it('has no calls', () => {
    expect(() => textOf((f) => f.indexed(0x10, 0))).toThrow('calls');
    expect(() => textOf((f) => f.callIndirect(0))).toThrow('calls');
  });

  it('assembles to the bytes of the function: each instruction, nested and on the stack', ({ task }) => {
    if (!hasTool(task, 'wat2wasm', "WebAssembly's text compared with WABT's assembler")) return;
    const operand = (i: number): Code => seq(get(i % 5));
    const special = ['unreachable', 'return', 'drop', 'select'];
    const bodies = [
      ...Object.keys(NUMERIC_OPCODES)
        .filter((name) => !special.includes(name))
        .map((name, i) => op('drop', op(name, get(0), operand(i)))),
      ...Object.keys(MEMORY_OPCODES).map((name, i) =>
        name.includes('load')
          ? op('drop', load(name, get(1), i))
          : store(name, get(1), operand(i), i * 0x1234),
      ),
      seq(op('drop', op('select', get(0), get(1), get(3))), op('return', get(0)), op('unreachable')),
      op('i32.add', seq(get(0), get(1), set(3, i32c(1)), op('drop')), get(4)),
      op(
        'i32.mul',
        seq(get(0), when(get(1), set(0, i32c(7)))),
        choose('i32', get(3), i32c(-1), i32c(2 ** 31)),
      ),
      loop('l', block('l', br('l')), when(get(0), br('l'), seq(set(2, i64c(2n ** 63n)), br('l')))),
      (f: TextBody) => {
        for (const label of ['a', 'b', 'c']) f.open('block', label);
        get(4)(f);
        f.branchTable(['b', 'c'], 'a');
        for (let i = 0; i < 3; i += 1) f.close();
      },
      (f: TextBody) => {
        f.mark(0);
        const local = f.local('f64', 'x');
        when(get(0), (inner) => inner.mark(1))(f);
        set(local, op('f64.sqrt', get(local)))(f);
      },
    ].map((code, index) =>
      bodyOf((f) => {
        code(f);
        i32c(index)(f);
      }, index),
    );
    expect(assembled(bodies)).toEqual(bodies.map(({ bytes }) => [...bytes]));
  });

  it('assembles to the bytes of regions of random programs', ({ task }) => {
    if (!hasTool(task, 'wat2wasm', "the text of 40 regions compared with WABT's assembler")) return;
    const bodies = Array.from({ length: 40 }, (_, index) => {
      // The first instruction jumps over an empty stretch, of which the page has room for a part.
      const source = randomControl(new Random(SEED + index)).replace(/\.space \d+/, `.space ${index * 4}`);
      const region = regionOf(source.slice(0, source.lastIndexOf('.balign 8')).replaceAll('table', 'b0'));
      return bodyOf((f) => void lowerRegion(region, 1, f), index);
    });
    expect(assembled(bodies)).toEqual(bodies.map(({ bytes }) => [...bytes]));
    expect(bodies.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeGreaterThan(10_000);
  });
});
