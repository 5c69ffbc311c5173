import { assemble } from '@faultline/mmu-emu';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PA_FD, PA_HND, PA_USER0 } from '../../src/abi/processargs.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_IO,
  ZX_ERR_NO_RESOURCES,
  ZX_ERR_NOT_FOUND,
  ZX_ERR_OUT_OF_RANGE,
  ZX_OK,
} from '../../src/abi/status.js';
import { ZX_RIGHT_MAP, ZX_RIGHT_READ } from '../../src/abi/rights.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { Kernel } from '../../src/kernel.js';
import type { ProgramOptions, ProgramResult } from '../../src/loader/program.js';
import { CALL_TABLE } from '../../src/syscall/table.js';
import { buildVdso } from '../../src/syscall/vdso.js';
import { buildElf, PF_R, PF_W, PF_X, PT_GNU_STACK, PT_NOTE, type TestElf } from '../support/elf-builder.js';
import { ServingPager } from '../support/serving-pager.js';

const PAGE = 4096;
const { symbols } = buildVdso(CALL_TABLE, { ramBytes: 0, harts: 1, version: 'test' });

/** Calls the vDSO, whose base is in s11. */
function zx(name: string): string {
  return `li t1, ${symbols.get(`zx_${name}`)!}\nadd t1, t1, s11\njalr t1`;
}

/** Position of the data segment in memory, and of its bytes in the file. */
const DATA_VADDR = 5 * PAGE + 0x120;
const DATA_OFFSET = 3 * PAGE + 0x120;
const DATA_FILE_BYTES = 0x40;
const DATA_MEMORY_BYTES = 2 * PAGE;
const NOTE_OFFSET = 0x300;

/** A program with code on its second page, and data with zeros after it that are not zero in the file. */
function program(source: string, change: Partial<TestElf> = {}): Uint8Array {
  const code = assemble(`mv s11, a1\nmv s10, a0\nla s9, data_start\n${source}`, {
    origin: PAGE,
    symbols: { data_start: DATA_VADDR },
  }).bytes;
  const note = new Uint8Array(28);
  const words = new DataView(note.buffer);
  [10, 4, 1].forEach((value, index) => words.setUint32(4 * index, value, true));
  note.set(new TextEncoder().encode('Faultline'), 12);
  words.setUint32(24, 1, true);
  return buildElf({
    entry: PAGE,
    bytes: 4 * PAGE,
    segments: [
      { flags: PF_R, offset: 0, vaddr: 0, fileBytes: 0x400, memoryBytes: 0x400 },
      { flags: PF_R | PF_X, offset: PAGE, vaddr: PAGE, fileBytes: code.length, memoryBytes: code.length },
      {
        flags: PF_R | PF_W,
        offset: DATA_OFFSET,
        vaddr: DATA_VADDR,
        fileBytes: DATA_FILE_BYTES,
        memoryBytes: DATA_MEMORY_BYTES,
      },
    ],
    contents: [
      [PAGE, code],
      [NOTE_OFFSET, note],
      [DATA_OFFSET, Uint8Array.from({ length: DATA_FILE_BYTES }, (_none, index) => index + 1)],
      [DATA_OFFSET + DATA_FILE_BYTES, new Uint8Array(PAGE - 0x120 - DATA_FILE_BYTES).fill(0xee)],
    ],
    ...change,
  });
}

const EXIT = zx('process_exit');

describe('the loader', () => {
  let kernel: Kernel;
  let host: HostProcess;

  beforeEach(async () => {
    kernel = await Kernel.create({ ramBytes: 16 * 2 ** 20 });
    host = kernel.createHostProcess('test');
  });

  afterEach(() => {
    kernel.close();
  });

  async function executable(file: Uint8Array): Promise<number> {
    const vmo = host.vmoCreate(file.length, 0).handle;
    expect((await host.vmoWrite(vmo, file, 0)).status).toBe(ZX_OK);
    return host.vmoReplaceAsExecutable(vmo).handle;
  }

  async function start(file: Uint8Array, options: Partial<ProgramOptions> = {}): Promise<ProgramResult> {
    return kernel.startProcess(host, { name: 'program', executable: await executable(file), ...options });
  }

  async function exitCode(file: Uint8Array, options: Partial<ProgramOptions> = {}): Promise<bigint> {
    const { process, error } = await start(file, options);
    expect(error).toBeNull();
    expect((await kernel.run()).outcome).toBe('exited');
    expect(host.processCrash(process).crash).toBeNull();
    return host.processInfo(process).returnCode;
  }

  it('runs a program at an address of its choice, with its data', async () => {
    expect(await exitCode(program(`lbu a0, 3(s9)\n${EXIT}`))).toBe(4n);
  });

  it('has zeros where the file has none, also in the rest of the page in which the data ends', async () => {
    const sum = `
      li a0, 0
      addi t0, s9, ${DATA_FILE_BYTES}
      li t1, ${DATA_MEMORY_BYTES}
      add t1, t1, s9
    more:
      lbu t2, 0(t0)
      add a0, a0, t2
      addi t0, t0, 1
      bltu t0, t1, more
      ${EXIT}`;
    expect(await exitCode(program(sum))).toBe(0n);
  });

  it.each([
    ['in registers for singles', 3],
    ['in registers for doubles', 5],
  ])('runs programs that pass floating-point values %s', async (_how, flags) => {
    const file = program(`li t0, 3\nfcvt.d.w fa0, t0\nfadd.d fa0, fa0, fa0\nfcvt.w.d a0, fa0\n${EXIT}`);
    new DataView(file.buffer).setUint32(48, flags, true);
    expect(await exitCode(file)).toBe(6n);
  });

  it('gives each process data of its own, and leaves the file as it is', async () => {
    const file = program(`lbu a0, 0(s9)\naddi t0, a0, 50\nsb t0, 0(s9)\nlbu a0, 0(s9)\n${EXIT}`);
    const vmo = await executable(file);
    for (let times = 0; times < 2; times += 1) {
      const { process } = await kernel.startProcess(host, { name: 'program', executable: vmo });
      await kernel.run();
      expect(host.processInfo(process).returnCode).toBe(51n);
    }
    const byte = new Uint8Array(1);
    await host.vmoRead(vmo, byte, DATA_OFFSET);
    expect(byte[0]).toBe(1);
  });

  it('reads of a program in a pager no more than its headers, the end of its data, and what runs', async () => {
    const file = program(`lbu a0, 3(s9)\n${EXIT}`);
    const pager = new ServingPager(host);
    const code = host.vmoReplaceAsExecutable(pager.createVmo(file.length / PAGE)).handle;
    const stop = host.onPortPacket(pager.port, () => {
      for (const [page, pages] of pager.take()) {
        const aux = host.vmoCreate(pages * PAGE, 0).handle;
        host.call('vmo_write', aux, file.subarray(page * PAGE), 0, pages * PAGE);
        expect(host.pagerSupplyPages(pager.pager, code, page * PAGE, pages * PAGE, aux, 0).status).toBe(
          ZX_OK,
        );
        host.handleClose(aux);
      }
    });
    const { process, error } = await kernel.startProcess(host, { name: 'paged', executable: code });
    expect(error).toBeNull();
    expect(pager.requests).toEqual([
      [0, 1],
      [3, 1],
    ]);
    await kernel.run();
    stop();
    expect(host.processInfo(process).returnCode).toBe(4n);
    // The third page of the file is in no segment, and nobody asked for it.
    expect(pager.requests).toEqual([
      [0, 1],
      [3, 1],
      [1, 1],
    ]);
  });

  it('tells why a program in a pager cannot be read', async () => {
    const pager = new ServingPager(host);
    const vmo = host.vmoReplaceAsExecutable(pager.createVmo(4)).handle;
    const starting = kernel.startProcess(host, { name: 'paged', executable: vmo });
    await Promise.resolve();
    expect(pager.take()).toEqual([[0, 1]]);
    pager.fail(vmo, 0, 1, ZX_ERR_IO);
    const { status, error, process } = await starting;
    expect([status, process, error?.code]).toEqual([ZX_ERR_IO, 0, 'cannot-start']);
  });

  it('gives up on a pager when it is told to', async () => {
    const pager = new ServingPager(host);
    const vmo = host.vmoReplaceAsExecutable(pager.createVmo(4)).handle;
    const controller = new AbortController();
    const starting = kernel.startProcess(host, { name: 'paged', executable: vmo, signal: controller.signal });
    await Promise.resolve();
    controller.abort(new Error('too slow'));
    await expect(starting).rejects.toThrow('too slow');
    expect(kernel.statistics().processes).toBe(0);
  });

  it('passes arguments, environment and handles in the first message', async () => {
    const port = host.portCreate(0).handle;
    const [near, far] = host.channelCreate(0).handles;
    // Sends the message on through the channel that came as the last handle.
    const source = `
      addi sp, sp, -2048
      mv s0, sp
      mv a0, s10\nli a1, 0\nmv a2, s0\naddi a3, s0, 1024\nli a4, 1024\nli a5, 64\naddi a6, s0, 2000\naddi a7, s0, 2004
      ${zx('channel_read')}
      bnez a0, done
      lwu s1, 2004(s0)
      addi s1, s1, -1
      slli t0, s1, 2
      add t0, t0, s0
      lwu a0, 1024(t0)
      li a1, 0\nmv a2, s0\nlwu a3, 2000(s0)\naddi a4, s0, 1024\nmv a5, s1
      ${zx('channel_write')}
    done: ${EXIT}`;
    const code = await exitCode(program(source), {
      arguments: ['program', 'grüße', ''],
      environment: ['A=1', 'B='],
      handles: [
        { info: PA_HND(PA_FD, 2), handle: port },
        { info: PA_HND(PA_USER0, 0), handle: far },
      ],
    });
    expect(code).toBe(BigInt(ZX_OK));
    const { bytes, handles } = host.channelRead(near, 0);
    const view = new DataView(bytes.buffer);
    const word = (index: number): number => view.getUint32(4 * index, true);
    expect([word(0), word(1), word(4), word(6), word(8)]).toEqual([0x4150_585d, 0x1000, 3, 2, 0]);
    const infos = Array.from({ length: 7 }, (_none, index) => view.getUint32(word(2) + 4 * index, true));
    expect(infos).toEqual([1, 2, 4, 0x11, 3, 0x2_0030, 0xf0]);
    const text = (offset: number, end: number): string[] =>
      new TextDecoder().decode(bytes.subarray(offset, end)).split('\0').slice(0, -1);
    expect(text(word(3), word(5))).toEqual(['program', 'grüße', '']);
    expect(text(word(5), bytes.length)).toEqual(['A=1', 'B=']);
    expect(handles.map((handle) => host.handleBasicInfo(handle).type)).toEqual([1, 2, 18, 3, 17, 6]);
  });

  it('puts guard pages around the stack', async () => {
    const file = program(`addi sp, sp, 8\nsd zero, 0(sp)\n${EXIT}`);
    const { process } = await start(file);
    await kernel.run();
    const above = host.processCrash(process).crash?.exception;
    expect(above).toMatchObject({ access: 'write', synthCode: ZX_ERR_NOT_FOUND >>> 0 });
    const below = await start(
      program(
        `li t0, 8192\nsub sp, sp, t0\nsd zero, 0(sp)\nli t0, 8\nsub sp, sp, t0\nsd zero, 0(sp)\n${EXIT}`,
      ),
      {
        stackBytes: 8192,
      },
    );
    await kernel.run();
    expect(host.processCrash(below.process).crash?.exception.synthCode).toBe(ZX_ERR_NOT_FOUND >>> 0);
  });

  it('takes the size of the stack from the program, and refuses one that cannot be', async () => {
    const file = program(EXIT);
    const segments = (memoryBytes: number) => [
      ...[0, 1, 2].map((index) => {
        const view = new DataView(file.buffer, 64 + 56 * index);
        return {
          flags: view.getUint32(4, true),
          offset: Number(view.getBigUint64(8, true)),
          vaddr: Number(view.getBigUint64(16, true)),
          fileBytes: Number(view.getBigUint64(32, true)),
          memoryBytes: Number(view.getBigUint64(40, true)),
        };
      }),
      { type: PT_GNU_STACK, flags: PF_R | PF_W, offset: 0, vaddr: 0, fileBytes: 0, memoryBytes },
    ];
    const deep = `li t0, ${3 * 2 ** 20}\nsub t0, sp, t0\nsd zero, 0(t0)\nli a0, 5\n${EXIT}`;
    expect(await exitCode(program(deep, { segments: segments(4 * 2 ** 20) }))).toBe(5n);
    const { error } = await start(program(deep, { segments: segments(2 ** 40) }));
    expect(error).toMatchObject({ code: 'bad-executable', field: 'p_memsz' });
  });

  it('lets a program wait for pagers that says it knows about them, if its creator may', async () => {
    const plain = program(EXIT);
    const view = new DataView(plain.buffer);
    const withNote = program(EXIT);
    withNote.set(withNote.slice(64 + 112, 64 + 168), 64 + 168);
    const note = new DataView(withNote.buffer, 64 + 168);
    new DataView(withNote.buffer).setUint16(56, view.getUint16(56, true) + 1, true);
    note.setUint32(0, PT_NOTE, true);
    note.setUint32(4, PF_R, true);
    [NOTE_OFFSET, NOTE_OFFSET, NOTE_OFFSET, 28, 28, 4].forEach((value, index) =>
      note.setBigUint64(8 + 8 * index, BigInt(value), true),
    );
    expect((await start(plain)).pagerBlocking).toBe('fail');
    expect((await start(withNote)).pagerBlocking).toBe('allow');
    expect((await start(withNote, { pagerBlocking: 'fail' })).pagerBlocking).toBe('fail');
    expect((await start(withNote, { pagerBlockingLimit: 'fail' })).pagerBlocking).toBe('fail');
    expect((await start(plain, { pagerBlocking: 'allow' })).pagerBlocking).toBe('allow');
  });

  describe('refuses', () => {
    /** Changes bytes of a good program. */
    function broken(change: (view: DataView) => void): Uint8Array {
      const file = program(EXIT);
      change(new DataView(file.buffer));
      return file;
    }
    const CODE_HEADER = 64 + 56;

    it.each<[string, Uint8Array, string]>([
      ['an empty file', new Uint8Array(0), 'e_ident[EI_MAG]'],
      ['a text', new TextEncoder().encode('#!/bin/sh\n'), 'e_ident[EI_MAG]'],
      ['a file cut off in its header', program(EXIT).slice(0, 40), 'e_ident'],
      ['another machine', broken((view) => view.setUint16(18, 62, true)), 'e_machine'],
      ['fixed addresses', broken((view) => view.setUint16(16, 2, true)), 'e_type'],
      ['an object file', broken((view) => view.setUint16(16, 1, true)), 'e_type'],
      ['an entry outside its code', broken((view) => view.setBigUint64(24, 0n, true)), 'e_entry'],
      ['a segment beyond the file', program(EXIT).slice(0, DATA_OFFSET + 8), 'p_filesz[2]'],
      ['the base with 16 registers', broken((view) => view.setUint32(48, 9, true)), 'e_flags'],
      ['code that can be written', broken((view) => view.setUint32(CODE_HEADER + 4, 7, true)), 'p_flags[1]'],
      [
        'a program larger than the address space',
        broken((view) => view.setBigUint64(CODE_HEADER + 56 + 40, 1n << 38n, true)),
        'p_memsz',
      ],
      [
        'headers far into a large file',
        program(EXIT, { bytes: 64 * PAGE, segments: [] }).map((byte, index) => (index === 34 ? 2 : byte)),
        'e_phnum',
      ],
    ])('%s, and names the field', async (_what, file, field) => {
      const before = kernel.statistics().objects;
      const { status, process, error } = await start(file);
      expect([status, process]).toEqual([ZX_ERR_INVALID_ARGS, 0]);
      expect(error?.code).toBe('bad-executable');
      expect(error?.field).toContain(field);
      // The file alone.
      expect(kernel.statistics().objects).toBe(before + 1);
    });

    it('handles that do not lead to an executable', async () => {
      const vmo = await executable(program(EXIT));
      const weak = host.handleDuplicate(vmo, ZX_RIGHT_READ | ZX_RIGHT_MAP).handle;
      expect((await kernel.startProcess(host, { name: 'x', executable: weak })).status).toBe(
        ZX_ERR_ACCESS_DENIED,
      );
      expect((await kernel.startProcess(host, { name: 'x', executable: 0x7fff })).status).toBe(
        ZX_ERR_BAD_HANDLE,
      );
    });

    it('more arguments than a message holds, and takes the handles all the same', async () => {
      const port = host.portCreate(0).handle;
      const { status, error } = await start(program(EXIT), {
        arguments: ['x'.repeat(70_000)],
        handles: [{ info: PA_HND(PA_USER0, 0), handle: port }],
      });
      expect([status, error?.code]).toEqual([ZX_ERR_OUT_OF_RANGE, 'arguments-too-long']);
      expect(host.handleBasicInfo(port).status).toBe(ZX_ERR_BAD_HANDLE);
      expect(kernel.statistics().processes).toBe(0);
    });

    it('an argument with a NUL in it', async () => {
      expect((await start(program(EXIT), { environment: ['A=\0'] })).error?.code).toBe('arguments-too-long');
    });
  });

  it('stops at the bound on processes', async () => {
    const small = await Kernel.create({ ramBytes: 2 ** 20, limits: { processes: 2 } });
    const other = small.createHostProcess('test');
    const job = other.rootJob().handle;
    expect(other.processCreate(job, 'a', 0).status).toBe(ZX_OK);
    expect(other.processCreate(job, 'b', 0).status).toBe(ZX_OK);
    expect(other.processCreate(job, 'c', 0).status).toBe(ZX_ERR_NO_RESOURCES);
    small.close();
  });
});
