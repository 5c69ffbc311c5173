import { describe, expect, it } from 'vitest';
import { encodeCoreModule } from '../../src/interpreter/core-module.js';
import { ByteBuffer } from '../../src/wasm/byte-buffer.js';
import { block, br, brIf, call, choose, get, getGlobal, i32c, i64c, load, loop, op, ret, seq, set, setGlobal, store, tee, when } from '../../src/wasm/code.js'; // prettier-ignore
import { FunctionBody } from '../../src/wasm/function-body.js';
import type { Code } from '../../src/wasm/function-body.js';
import { ModuleBuilder } from '../../src/wasm/module-builder.js';
import { MEMORY_OPCODES, NUMERIC_OPCODES } from '../../src/wasm/opcodes.js';
import type { WasmType } from '../../src/wasm/opcodes.js';

/** A module of one exported function over one page of memory. */
function build(
  parameters: readonly WasmType[],
  results: readonly WasmType[],
  code: (f: FunctionBody) => void,
): WebAssembly.Instance {
  const module = new ModuleBuilder();
  module.importMemory('m', 'memory', 1, false);
  const index = module.declare(parameters, results);
  const f = new FunctionBody(parameters.length);
  code(f);
  module.define(index, f);
  module.exportFunction('f', index);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  return new WebAssembly.Instance(new WebAssembly.Module(module.encode()), { m: { memory } });
}

type Numeric = (...args: (number | bigint)[]) => number | bigint;
const run = (instance: WebAssembly.Instance, ...args: (number | bigint)[]): number | bigint =>
  (instance.exports['f'] as Numeric)(...args);

describe('LEB128', () => {
  it.each([
    [0, [0]],
    [127, [0x7f]],
    [128, [0x80, 1]],
    [624_485, [0xe5, 0x8e, 0x26]],
    [0xffff_ffff, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])('unsigned %i', (value, bytes) => {
    const out = new ByteBuffer();
    out.unsigned(value);
    expect([...out.view()]).toEqual(bytes);
  });

  it.each([
    [0, [0]],
    [63, [0x3f]],
    [64, [0xc0, 0]],
    [-64, [0x40]],
    [-65, [0xbf, 0x7f]],
    [-123_456, [0xc0, 0xbb, 0x78]],
    [-2_147_483_648, [0x80, 0x80, 0x80, 0x80, 0x78]],
  ])('signed %i, of 32 and 64 bits', (value, bytes) => {
    const [short, long] = [new ByteBuffer(), new ByteBuffer()];
    short.signed(value);
    long.signed64(BigInt(value));
    expect([[...short.view()], [...long.view()]]).toEqual([bytes, bytes]);
  });

  it('grows as far as it must, a byte or many at a time', () => {
    const out = new ByteBuffer(1);
    for (let value = 0; value < 100; value += 1) out.byte(value);
    out.append(Uint8Array.from({ length: 1000 }, (_, index) => index % 251));
    expect(out.length).toBe(1100);
    expect([...out.view()]).toEqual([
      ...Array.from({ length: 100 }, (_, value) => value),
      ...Array.from({ length: 1000 }, (_, index) => index % 251),
    ]);
  });
});

describe('the encoder', () => {
  it('gives constants of every size back', () => {
    for (const value of [0, 1, -1, 63, 64, -64, -65, 2 ** 31 - 1, -(2 ** 31)]) {
      expect(run(build([], ['i32'], i32c(value)))).toBe(value);
    }
    for (const value of [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 0x8000_0000n]) {
      expect(run(build([], ['i64'], i64c(value)))).toBe(value);
    }
    for (const value of [0, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 53 - 1, -(2 ** 53) + 1]) {
      expect(run(build([], ['i64'], i64c(value)))).toBe(BigInt(value));
    }
  });

  it('nests blocks, loops and branches by name: a sum by a loop', () => {
    const sum = build(['i32'], ['i32'], (f) => {
      const total = f.local('i32');
      block(
        'done',
        loop(
          'again',
          brIf('done', op('i32.eqz', get(0))),
          set(total, op('i32.add', get(total), get(0))),
          set(0, op('i32.sub', get(0), i32c(1))),
          br('again'),
        ),
      )(f);
      ret(get(total))(f);
      op('unreachable')(f);
    });
    expect(run(sum, 100)).toBe(5050);
  });

  it('evaluates only the chosen side', () => {
    const guarded = build(
      ['i32'],
      ['i32'],
      choose('i32', get(0), op('i32.div_u', i32c(100), get(0)), i32c(-1)),
    );
    expect([run(guarded, 0), run(guarded, 7)]).toEqual([-1, 14]);
  });

  it('has globals, calls, stores and loads at offsets', () => {
    const module = new ModuleBuilder();
    module.importMemory('m', 'memory', 1, false);
    const base = module.importGlobal('m', 'base');
    const count = module.global();
    const bump = module.declare(['i32'], ['i32']);
    const f = module.declare([], ['i32']);
    const bumpBody = new FunctionBody(1);
    seq(
      setGlobal(count, op('i32.add', getGlobal(count), i32c(1))),
      store('i32.store', getGlobal(base), get(0), 8),
      op('i32.add', load('i32.load', getGlobal(base), 8), getGlobal(count)),
    )(bumpBody);
    module.define(bump, bumpBody);
    const body = new FunctionBody(0);
    const local = body.local('i32');
    when(tee(local, call(bump, i32c(40))), seq())(body);
    call(bump, get(local))(body);
    module.define(f, body);
    module.exportFunction('f', f);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), {
      m: { memory, base: 16 },
    });
    expect(run(instance)).toBe(43);
    expect(new Uint32Array(memory.buffer)[6]).toBe(41);
  });

  it('says what is wrong with a module that cannot be', () => {
    const f = new FunctionBody(0);
    expect(() => br('nowhere')(f)).toThrow('no label nowhere');
    expect(() => op('i32.sqrt')(f)).toThrow('no instruction i32.sqrt');
    expect(() => load('i32.load24_u', i32c(0))(f)).toThrow('no instruction i32.load24_u');
    const module = new ModuleBuilder();
    module.declare([], []);
    expect(() => module.encode()).toThrow('no body');
  });

  it('knows the type of each instruction that it names', () => {
    const constants: Readonly<Record<string, Code>> = {
      i32: i32c(3),
      i64: i64c(3),
      f32: op('f32.reinterpret_i32', i32c(3)),
      f64: op('f64.reinterpret_i64', i64c(3)),
    };
    const constant = (type: string): Code => constants[type];
    let checked = 0;
    for (const name of Object.keys(NUMERIC_OPCODES)) {
      const found = /^([if]\d\d)\.(\w+)$/.exec(name);
      if (!found) continue;
      const [, type = '', operation = ''] = found;
      const converted = /_([if]\d\d)(?:_[su])?$/.exec(operation)?.[1];
      const compares = /^(eqz|eq|ne|[lg][te](_[su])?)$/.test(operation);
      const unary =
        converted !== undefined ||
        /^(eqz|clz|ctz|popcnt|abs|neg|sqrt)$/.test(operation) ||
        operation.startsWith('extend');
      const operand = constant(converted ?? type);
      const result = (compares ? 'i32' : type) as WasmType;
      const instance = build([], [result], unary ? op(name, operand) : op(name, operand, operand));
      expect(typeof run(instance), name).toBe(result === 'i64' ? 'bigint' : 'number');
      checked++;
    }
    for (const name of Object.keys(MEMORY_OPCODES)) {
      const type = name.slice(0, 3) as WasmType;
      const isLoad = name.includes('load');
      const code = isLoad
        ? load(name, i32c(8), 4)
        : seq(store(name, i32c(8), constant(type), 4), constant(type));
      expect(() => run(build([], [type], code)), name).not.toThrow();
      checked++;
    }
    expect(checked).toBeGreaterThan(60);
  });
});

describe('the interpreter module', () => {
  it('is valid with and without shared memory, and the same each time', () => {
    for (const shared of [false, true]) {
      for (const variant of ['interpreting', 'translating', 'debugging'] as const) {
        const bytes = encodeCoreModule(shared, variant);
        expect(WebAssembly.validate(bytes)).toBe(true);
        expect(Buffer.compare(encodeCoreModule(shared, variant), bytes)).toBe(0);
        expect(bytes.length).toBeLessThan(65_536);
      }
    }
  });
});
