/** The built programs, as files: what a loader relies on. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { findNote, parseElf } from '@faultline/mmu-emu';
import { describe, expect, it } from 'vitest';
import { GUEST, PROGRAMS, programBytes, readManifest } from './guest-bin.js';

const DT_NEEDED = 1;
const DT_RELA = 7;
const DT_RELASZ = 8;
const DT_TEXTREL = 22;
const R_RISCV_RELATIVE = 3;

/** Programs whose system calls may wait for a pager. */
const MAY_WAIT = ['agent', 'pager-client', 'pager-demo', 'test-thread'];

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The dynamic section as a map from tag to value. */
function dynamicEntries(bytes: Uint8Array, at: number, length: number): Map<number, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = new Map<number, number>();
  for (let i = at; i < at + length; i += 16) {
    entries.set(Number(view.getBigInt64(i, true)), Number(view.getBigUint64(i + 8, true)));
  }
  return entries;
}

describe.each(PROGRAMS)('%s.elf', (program) => {
  const bytes = programBytes(program);
  const image = parseElf(bytes);

  it('is a static position-independent program for RV64IMAC without floating point', () => {
    expect(image.type).toBe('dyn');
    expect(image.interpreter).toBeUndefined();
    expect(image.tlsless).toBe(true);
    expect(image.floatAbi).toBe('soft');
    expect(image.compressed).toBe(true);
    expect(image.lowestVaddr).toBe(0);
  });

  it('has one executable segment, which is not writable, and its entry is there', () => {
    const executable = image.segments.filter((segment) => segment.executable);
    expect(executable).toHaveLength(1);
    const [text] = executable;
    expect(text.writable).toBe(false);
    expect(image.entry).toBeGreaterThanOrEqual(text.vaddr);
    expect(image.entry).toBeLessThan(text.vaddr + text.fileBytes);
    expect(image.segments.filter((segment) => segment.writable)).toHaveLength(1);
  });

  it('says how large its stack is, and does not want to execute it', () => {
    expect(image.stackBytes).toBe(256 * 1024);
    expect(image.stackExecutable).toBe(false);
  });

  it('needs no library, and only relocations that its start-up code does', () => {
    expect(image.dynamic).toBeDefined();
    const entries = dynamicEntries(bytes, image.dynamic!.fileOffset, image.dynamic!.fileBytes);
    expect(entries.has(DT_NEEDED)).toBe(false);
    expect(entries.has(DT_TEXTREL)).toBe(false);

    // Its first segment has the relocations, where file offsets and addresses agree.
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const start = entries.get(DT_RELA)!;
    const writable = image.segments.find((segment) => segment.writable)!;
    for (let at = start; at < start + entries.get(DT_RELASZ)!; at += 24) {
      expect(view.getBigUint64(at + 8, true)).toBe(BigInt(R_RISCV_RELATIVE));
      const target = Number(view.getBigUint64(at, true));
      expect(target).toBeGreaterThanOrEqual(writable.vaddr);
      expect(target + 8).toBeLessThanOrEqual(writable.vaddr + writable.memoryBytes);
    }
  });

  it('says in a note whether its system calls may wait for pagers', () => {
    const note = findNote(bytes, image, 'Faultline', 1);
    expect(note === undefined ? undefined : [...note]).toEqual(
      MAY_WAIT.includes(program) ? [1, 0, 0, 0] : undefined,
    );
  });

  it('tells nothing of the machine that it was built on', () => {
    const text = Buffer.from(bytes).toString('latin1');
    expect(text).not.toContain(GUEST);
    expect(text).not.toMatch(/\/(home|root|tmp|usr|work)\//);
  });
});

describe('the manifest', () => {
  const manifest = readManifest();

  it('lists each committed program with its hash', () => {
    const bin = join(GUEST, 'bin');
    const files = readdirSync(bin).filter((file) => file.endsWith('.elf'));
    const found = files.map((file) => {
      const bytes = readFileSync(join(bin, file));
      return [file, { bytes: bytes.length, sha256: sha256(bytes) }] as const;
    });
    expect(Object.fromEntries(found)).toEqual(manifest.programs);
    expect(files.sort()).toEqual(PROGRAMS.map((program) => `${program}.elf`).sort());
  });

  it('was written for the sources as they are', () => {
    const now = Object.keys(manifest.sources).map((file) => {
      const path = join(GUEST, file);
      return [file, existsSync(path) ? sha256(readFileSync(path)) : 'missing'] as const;
    });
    expect(Object.fromEntries(now)).toEqual(manifest.sources);
  });
});
