/**
 * The messages that guests exchange with the service over channels: standard streams and the filesystem. The numbers are those of
 * `faultline/protocol.h` for guests.
 *
 * All values are little-endian. A message starts with 16 bytes: u32 transaction (first, so that `zx_channel_call` works), u32
 * operation, i32 status (0 in a request), u32 argument. A reply repeats transaction and operation.
 */
import { ZX_OK, type Status } from '@faultline/kernel';
import { FaultlineError } from './faultline-error.js';
import type { DirectoryEntry } from './namespace/namespace.js';

export const HEADER_BYTES = 16;

/** Standard stream: bytes after the header, at most `MAX_STREAM_BYTES`. Reply argument: bytes taken. */
export const STDIO_WRITE = 1;
/** Standard stream: argument = bytes at most. Reply argument: count, and the bytes; 0 is the end of the stream. */
export const STDIO_READ = 2;
/** Bytes in one message of a standard stream at most. */
export const MAX_STREAM_BYTES = 8_192;

/** Filesystem: argument = OPEN_* flags, then the path. Reply: u64 size, one VMO handle. */
export const FS_OPEN = 16;
/** Filesystem: argument = argc, then u32 envc, path, arguments and environment, each ending in NUL; handles for the child. Reply: a process handle. */
export const FS_SPAWN = 17;
/** Filesystem: the path. Reply: u64 size, u32 kind. */
export const FS_STAT = 18;
/** Filesystem: argument = first index, then the path. Reply argument: entries in this message; each u8 kind, u16 length, name. */
export const FS_LIST = 19;

export const OPEN_READ = 1;
export const OPEN_WRITE = 2;
export const OPEN_EXECUTE = 4;
const OPEN_FLAGS = OPEN_READ | OPEN_WRITE | OPEN_EXECUTE;

/** Handles passed to a spawned program at most. */
export const MAX_SPAWN_HANDLES = 8;
/** Arguments and environment strings of a spawned program at most, each. */
export const MAX_SPAWN_STRINGS = 1_024;
/** Bytes in a listing's reply at most: with the header, well inside a channel message. */
export const MAX_LIST_BYTES = 32_768;

/** The first 16 bytes of a message. */
export interface MessageHeader {
  readonly transaction: number;
  readonly operation: number;
  /** u32: flags, a count, or an index. */
  readonly argument: number;
}

/** A request of a guest, understood and checked. */
export type FilesystemRequest =
  | { readonly operation: typeof FS_OPEN; readonly flags: number; readonly path: string }
  | { readonly operation: typeof FS_STAT; readonly path: string }
  | { readonly operation: typeof FS_LIST; readonly firstIndex: number; readonly path: string }
  | {
      readonly operation: typeof FS_SPAWN;
      readonly path: string;
      readonly args: readonly string[];
      readonly environment: readonly string[];
    };

/** A request on a standard stream, understood and checked. */
export type StdioRequest =
  | { readonly operation: typeof STDIO_WRITE; readonly bytes: Uint8Array }
  | { readonly operation: typeof STDIO_READ; readonly maxBytes: number };

/** The header of a message; null when it is too short to have one: it cannot even be answered. */
export function readHeader(message: Uint8Array): MessageHeader | null {
  if (message.length < HEADER_BYTES) return null;
  const view = viewOf(message);
  return {
    transaction: view.getUint32(0, true),
    operation: view.getUint32(4, true),
    argument: view.getUint32(12, true),
  };
}

/** @throws {FaultlineError} `bad-message`, `bad-path`, `limit-reached` */
export function readFilesystemRequest(header: MessageHeader, message: Uint8Array): FilesystemRequest {
  const body = message.subarray(HEADER_BYTES);
  switch (header.operation) {
    case FS_OPEN:
      if ((header.argument & ~OPEN_FLAGS) !== 0 || header.argument === 0) throw bad('unknown flags');
      return { operation: FS_OPEN, flags: header.argument, path: readPath(body) };
    case FS_STAT:
      if (header.argument !== 0) throw bad('an argument that is not 0');
      return { operation: FS_STAT, path: readPath(body) };
    case FS_LIST:
      return { operation: FS_LIST, firstIndex: header.argument, path: readPath(body) };
    case FS_SPAWN:
      return readSpawn(header.argument, body);
    default:
      throw bad(`unknown operation ${header.operation}`);
  }
}

/** @throws {FaultlineError} `bad-message` */
export function readStdioRequest(header: MessageHeader, message: Uint8Array): StdioRequest {
  switch (header.operation) {
    case STDIO_WRITE: {
      const bytes = message.subarray(HEADER_BYTES);
      if (bytes.length > MAX_STREAM_BYTES) throw bad(`more than ${MAX_STREAM_BYTES} bytes`);
      return { operation: STDIO_WRITE, bytes };
    }
    case STDIO_READ:
      if (message.length !== HEADER_BYTES) throw bad('bytes after a read request');
      return { operation: STDIO_READ, maxBytes: Math.min(header.argument, MAX_STREAM_BYTES) };
    default:
      throw bad(`unknown operation ${header.operation}`);
  }
}

/** A reply: header and body. */
export function reply(to: MessageHeader, status: Status, argument = 0, body?: Uint8Array): Uint8Array {
  const message = new Uint8Array(HEADER_BYTES + (body?.length ?? 0));
  const view = viewOf(message);
  view.setUint32(0, to.transaction, true);
  view.setUint32(4, to.operation, true);
  view.setInt32(8, status, true);
  view.setUint32(12, argument, true);
  if (body !== undefined) message.set(body, HEADER_BYTES);
  return message;
}

/** The body of a reply to FS_OPEN. */
export function openBody(size: number): Uint8Array {
  const body = new Uint8Array(8);
  viewOf(body).setBigUint64(0, BigInt(size), true);
  return body;
}

/** The body of a reply to FS_STAT. */
export function statBody(size: number, kind: number): Uint8Array {
  const body = new Uint8Array(12);
  viewOf(body).setBigUint64(0, BigInt(size), true);
  viewOf(body).setUint32(8, kind, true);
  return body;
}

/** A reply to FS_LIST with as many entries from `firstIndex` on as fit. */
export function listReply(
  to: MessageHeader,
  entries: readonly DirectoryEntry[],
  firstIndex: number,
): Uint8Array {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (let index = firstIndex; index < entries.length; index++) {
    const entry = entries[index];
    const name = encoder.encode(entry.name);
    if (bytes + 3 + name.length > MAX_LIST_BYTES) break;
    const chunk = new Uint8Array(3 + name.length);
    chunk[0] = entry.kind;
    viewOf(chunk).setUint16(1, name.length, true);
    chunk.set(name, 3);
    chunks.push(chunk);
    bytes += chunk.length;
  }
  const body = new Uint8Array(bytes);
  let position = 0;
  for (const chunk of chunks) {
    body.set(chunk, position);
    position += chunk.length;
  }
  return reply(to, ZX_OK, chunks.length, body);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readSpawn(argc: number, body: Uint8Array): FilesystemRequest {
  if (body.length < 4) throw bad('a spawn request without its counts');
  const envc = viewOf(body).getUint32(0, true);
  if (argc > MAX_SPAWN_STRINGS || envc > MAX_SPAWN_STRINGS) {
    throw new FaultlineError(
      'limit-reached',
      `more than ${MAX_SPAWN_STRINGS} arguments or environment strings`,
    );
  }
  if (body.length > 4 && body[body.length - 1] !== 0) throw bad('the last string does not end in NUL');
  const strings = decodeText(body.subarray(4)).split('\0');
  strings.pop();
  if (strings.length !== 1 + argc + envc) {
    throw bad(
      `${strings.length} strings where a path, ${argc} arguments and ${envc} of environment are announced`,
    );
  }
  const [path, ...rest] = strings as [string, ...string[]];
  return { operation: FS_SPAWN, path, args: rest.slice(0, argc), environment: rest.slice(argc) };
}

function readPath(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw new FaultlineError('bad-path', 'a path that is not UTF-8', { cause: error });
  }
}

function decodeText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw new FaultlineError('bad-message', 'text that is not UTF-8', { cause: error });
  }
}

function bad(what: string): FaultlineError {
  return new FaultlineError('bad-message', what);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
