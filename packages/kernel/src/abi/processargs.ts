/**
 * The message that a new process finds on its bootstrap channel.
 *
 * @see Zircon `<zircon/processargs.h>`, and Program loading, "The processargs protocol"
 */
export const ZX_PROCARGS_PROTOCOL = 0x4150_585d;
export const ZX_PROCARGS_VERSION = 0x1000;

/** `zx_proc_args_t`: byte positions of its u32 fields. */
export const PROCARGS_PROTOCOL = 0;
export const PROCARGS_VERSION = 4;
export const PROCARGS_HANDLE_INFO_OFF = 8;
export const PROCARGS_ARGS_OFF = 12;
export const PROCARGS_ARGS_NUM = 16;
export const PROCARGS_ENVIRON_OFF = 20;
export const PROCARGS_ENVIRON_NUM = 24;
export const PROCARGS_NAMES_OFF = 28;
export const PROCARGS_NAMES_NUM = 32;
export const PROCARGS_BYTES = 36;

/** Handle info word: type in bits 0 to 7, argument in bits 16 to 31. */
export function PA_HND(type: number, arg: number): number {
  return ((type & 0xff) | ((arg & 0xffff) << 16)) >>> 0;
}

/** The type in a handle info word: PA_*. */
export function PA_HND_TYPE(info: number): number {
  return info & 0xff;
}

/** The argument in a handle info word, u16. */
export function PA_HND_ARG(info: number): number {
  return (info >>> 16) & 0xffff;
}

export const PA_PROC_SELF = 0x01;
export const PA_THREAD_SELF = 0x02;
export const PA_JOB_DEFAULT = 0x03;
export const PA_VMAR_ROOT = 0x04;
export const PA_VMAR_LOADED = 0x05;
export const PA_LDSVC_LOADER = 0x10;
export const PA_VMO_VDSO = 0x11;
export const PA_VMO_STACK = 0x13;
export const PA_VMO_EXECUTABLE = 0x14;
export const PA_VMO_BOOTDATA = 0x1a;
export const PA_VMO_BOOTFS = 0x1b;
export const PA_VMO_KERNEL_FILE = 0x1c;
export const PA_NS_DIR = 0x20;
export const PA_FD = 0x30;
export const PA_LIFECYCLE = 0x3a;
export const PA_DIRECTORY_REQUEST = 0x3b;
export const PA_ESCROWED_DICTIONARY = 0x3c;
export const PA_LOG_SINK = 0x3d;
export const PA_RESOURCE = 0x3f;
export const PA_CLOCK_UTC = 0x40;
export const PA_MMIO_RESOURCE = 0x50;
export const PA_IRQ_RESOURCE = 0x51;
export const PA_IOPORT_RESOURCE = 0x52;
export const PA_SMC_RESOURCE = 0x53;
export const PA_SYSTEM_RESOURCE = 0x54;
export const PA_USER0 = 0xf0;
export const PA_USER1 = 0xf1;
export const PA_USER2 = 0xf2;
