/** Programs of the floating-point extensions. The expected values are IEEE 754's, worked out by hand. */
import { check, inMode, trapping } from './frame.js';
import type { Check } from './frame.js';

type Suffix = 's' | 'd';

const NX = 1n;
const UF = 2n;
const OF = 4n;
const DZ = 8n;
const NV = 16n;
const FLAGS: Readonly<Record<string, bigint>> = { '-': 0n, NX, UF: UF | NX, OF: OF | NX, DZ, NV };

const NANS: Readonly<Record<string, readonly [bigint, bigint]>> = {
  nan: [0x7fc0_0000n, 0x7ff8_0000_0000_0000n],
  snan: [0x7f80_0001n, 0x7ff0_0000_0000_0001n],
  least: [1n, 1n],
  max: [0x7f7f_ffffn, 0x7fef_ffff_ffff_ffffn],
  min: [0x0080_0000n, 0x0010_0000_0000_0000n],
};

/** A number as a register of integers has its bits: 32 of them are sign-extended. */
function bits(suffix: Suffix, text: string): bigint {
  const named = NANS[text];
  const view = new DataView(new ArrayBuffer(8));
  const value = text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text);
  if (suffix === 'd') view.setFloat64(0, value);
  else view.setFloat32(0, value);
  if (suffix === 'd') return BigInt.asIntN(64, named?.[1] ?? view.getBigUint64(0));
  return BigInt.asIntN(32, named?.[0] ?? BigInt(view.getUint32(0)));
}

const into = (suffix: Suffix, register: string, text: string): string =>
  `li t0, ${bits(suffix, text)}\nfmv.${suffix === 's' ? 'w' : 'd'}.x ${register}, t0`;
const out = (suffix: Suffix): string => `fmv.x.${suffix === 's' ? 'w' : 'd'}`;

const SOURCES = ['f1', 'f2', 'f3'];

/**
 * Tests from lines: a name without its suffix, sources, `=`, the result, the flags that are raised, and a rounding mode
 * where there has to be one.
 *
 * @param result `f` when it is a number of the format, `x` when it is an integer.
 */
function floats(suffix: Suffix, result: 'f' | 'x', lines: string): Check[] {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', ...words] = line.trim().split(/\s+/);
      const equals = words.indexOf('=');
      const [wanted = '', flags = '', ...modes] = words.slice(equals + 1);
      const sources = words.slice(0, equals);
      const loads = sources.map((text, index) => into(suffix, SOURCES[index], text)).join('\n');
      const operands = [result === 'f' ? 'f0' : 't5', ...SOURCES.slice(0, sources.length), ...modes];
      const moved = result === 'f' ? `${out(suffix)} t5, f0` : '';
      return check(`${loads}\n${name}.${suffix} ${operands.join(', ')}\nfrflags t4\n${moved}`, {
        t5: result === 'f' ? bits(suffix, wanted) : BigInt.asIntN(64, BigInt(wanted)),
        t4: FLAGS[flags],
      });
    });
}

/** Of integers: a name without its suffix, a number, what it becomes, flags, and a rounding mode where there has to be one. */
const fromIntegers = (suffix: Suffix, lines: string): Check[] =>
  lines
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', given = '', wanted = '', flags = '', ...modes] = line.trim().split(/\s+/);
      const operands = ['f0', 't0', ...modes].join(', ');
      return check(`li t0, ${given}\nfcvt.${suffix}.${name} ${operands}\nfrflags t4\n${out(suffix)} t5, f0`, {
        t5: bits(suffix, wanted),
        t4: FLAGS[flags],
      });
    });

/** What F and D have alike. */
const common = (suffix: Suffix): Check[] => [
  ...floats(
    suffix,
    'f',
    `fadd   1.5 2.25      = 3.75 -
     fadd   inf -inf      = nan NV
     fadd   1 least       = 1 NX
     fsub   1 1           = 0 -
     fsub   1 1           = -0 - rdn
     fmul   1.5 -2        = -3 -
     fmul   0 inf         = nan NV
     fmul   max 2         = inf OF
     fmul   max 2         = max OF rtz
     fmul   min 0.5       = ${suffix === 's' ? 2 ** -127 : 2 ** -1023} -
     fmul   least 0.5     = 0 UF
     fmul   least 0.5     = least UF rup
     fdiv   1 3           = ${1 / 3} NX
     fdiv   1 0           = inf DZ
     fdiv   0 0           = nan NV
     fsqrt  2.25          = 1.5 -
     fsqrt  -1            = nan NV
     fsqrt  -0            = -0 -
     fmadd  2 3 4         = 10 -
     fmsub  2 3 4         = 2 -
     fnmsub 2 3 4         = -2 -
     fnmadd 2 3 4         = -10 -
     fmadd  inf 0 nan     = nan NV
     fsgnj  1.5 -2        = -1.5 -
     fsgnjn 1.5 -2        = 1.5 -
     fsgnjx -1.5 -2       = 1.5 -
     fmin   -0 0          = -0 -
     fmin   nan 1         = 1 -
     fmax   -0 0          = 0 -
     fmax   snan 1        = 1 NV`,
  ),
  ...floats(
    suffix,
    'x',
    `fle    1 1           = 1 -
     fle    nan 1         = 0 NV
     flt    1 1           = 0 -
     flt    -inf 1        = 1 -
     feq    -0 0          = 1 -
     feq    nan nan       = 0 -
     feq    snan 1        = 0 NV
     fclass -inf          = 1 -
     fclass -1            = 2 -
     fclass -0            = 8 -
     fclass 0             = 16 -
     fclass least         = 32 -
     fclass 1             = 64 -
     fclass inf           = 128 -
     fclass snan          = 256 -
     fclass nan           = 512 -
     fcvt.w 2.5           = 2 NX rne
     fcvt.w 2.5           = 3 NX rmm
     fcvt.w -2.5          = -3 NX rdn
     fcvt.w -2.5          = -2 NX rup
     fcvt.w 1e10          = 0x7fffffff NV
     fcvt.w nan           = 0x7fffffff NV
     fcvt.wu -1           = 0 NV
     fcvt.wu 4294967040   = 0xffffffffffffff00 -
     fcvt.l -1e30         = 0x8000000000000000 NV
     fcvt.l 65536         = 65536 -
     fcvt.lu 1e30         = 0xffffffffffffffff NV
     fcvt.lu 0.5          = 0 NX`,
  ),
  ...fromIntegers(
    suffix,
    `w  -3 -3 -
     wu 0xffffffff00000005 5 -
     l  0x7fffffffffffffff ${2 ** 63} NX
     lu -1 ${2 ** 64} NX`,
  ),
  // The dynamic rounding mode, and a reserved one.
  check(`fsrmi 3\n${into(suffix, 'f1', '1')}\n${into(suffix, 'f2', 'least')}\nfsub.${suffix} f0, f1, f2\n${into(suffix, 'f3', '1')}\nfeq.${suffix} t5, f0, f3`, 1n), // prettier-ignore
  check(`fsrmi 2\n${into(suffix, 'f1', '1')}\n${into(suffix, 'f2', 'least')}\nfsub.${suffix} f0, f1, f2\n${into(suffix, 'f3', '1')}\nflt.${suffix} t5, f0, f3`, 1n), // prettier-ignore
  check(`fsrmi 5\n${trapping(`fadd.${suffix} f0, f0, f0`)}`, { s11: 2n }),
];

/** Memory: what is stored at one place, loaded from there. */
const moved = (load: string, store: string, wanted: bigint): Check =>
  check(
    `la t0, word\nli t1, 0x1122334455667788\nsd t1, 0(t0)\nsd x0, 8(t0)\n${load} f1, 0(t0)\n${store} f1, 8(t0)\nld t5, 8(t0)\nfmv.x.d t4, f1`,
    { t5: wanted },
  );

export const F: readonly Check[] = [
  ...common('s'),
  moved('flw', 'fsw', 0x5566_7788n),
  check('la t0, word\nsw x0, 0(t0)\nflw f1, 0(t0)\nfmv.x.d t5, f1', BigInt.asIntN(64, 0xffff_ffffn << 32n)),
  // A single that is not boxed is a NaN.
  check('fmv.d.x f1, x0\nfmv.w.x f2, x0\nfadd.s f0, f1, f2\nfmv.x.w t5, f0', 0x7fc0_0000n),
  // Off is illegal; writing makes it dirty.
  check(`li t0, 0x6000\ncsrc mstatus, t0\n${trapping('fmv.w.x f0, x0')}`, { s11: 2n }),
  check('li t0, 0x4000\ncsrc mstatus, t0\nfmv.w.x f0, x0\ncsrr t5, mstatus\nsrli t5, t5, 63', 1n),
  check('li t0, 0xff\nfscsr t0\nfrflags t1\nfrrm t2\nslli t2, t2, 5\nor t5, t1, t2', 0xffn),
];

export const D: readonly Check[] = [
  ...common('d'),
  moved('fld', 'fsd', 0x1122_3344_5566_7788n),
  check(`${into('d', 'f1', '1e300')}\nfcvt.s.d f0, f1\nfrflags t4\nfmv.x.w t5, f0`, { t5: bits('s', 'inf'), t4: OF | NX }), // prettier-ignore
  check(`${into('d', 'f1', '0.1')}\nfcvt.s.d f0, f1, rtz\nfmv.x.w t5, f0`, 0x3dcc_ccccn),
  check(`${into('s', 'f1', '1.5')}\nfcvt.d.s f0, f1\nfmv.x.d t5, f0`, bits('d', '1.5')),
  check(`${into('s', 'f1', 'snan')}\nfcvt.d.s f0, f1\nfrflags t4\nfmv.x.d t5, f0`, { t5: bits('d', 'nan'), t4: NV }), // prettier-ignore
  check(`${inMode('U', 'fmv.d.x f0, x0')}`, { s11: 8n }),
];

const additional = (suffix: Suffix): Check[] => [
  ...floats(
    suffix,
    'f',
    `fminm    1 nan  = nan -
     fminm    2 1    = 1 -
     fmaxm    1 nan  = nan -
     fmaxm    -0 0   = 0 -
     fround   2.5    = 2 -
     fround   -0.25  = -0 - rne
     froundnx 2.5    = 3 NX rup
     froundnx 3      = 3 -`,
  ),
  ...floats(
    suffix,
    'x',
    `fleq 1 1   = 1 -
     fleq nan 1 = 0 -
     fltq 1 2   = 1 -
     fltq nan 1 = 0 -`,
  ),
  check(`fli.${suffix} f0, 2.5\n${out(suffix)} t5, f0`, bits(suffix, '2.5')),
  check(`fli.${suffix} f0, min\n${out(suffix)} t5, f0`, bits(suffix, 'min')),
  check(`fli.${suffix} f0, -1\n${out(suffix)} t5, f0`, bits(suffix, '-1')),
  check(`fli.${suffix} f0, nan\n${out(suffix)} t5, f0`, bits(suffix, 'nan')),
];

export const ZFA: readonly Check[] = [
  ...additional('s'),
  ...additional('d'),
  check(`${into('d', 'f1', '4294967298.5')}\nfcvtmod.w.d t5, f1, rtz\nfrflags t4`, { t5: 2n, t4: NV }),
  check(`${into('d', 'f1', '-2.5')}\nfcvtmod.w.d t5, f1, rtz\nfrflags t4`, { t5: -2n, t4: NX }),
];

export const ZFHMIN: readonly Check[] = [
  moved('flh', 'fsh', 0x7788n),
  check('li t0, 0x3c00\nfmv.h.x f0, t0\nfcvt.s.h f1, f0\nfmv.x.w t5, f1', bits('s', '1')),
  check('li t0, 0xc000\nfmv.h.x f0, t0\nfcvt.d.h f1, f0\nfmv.x.d t5, f1', bits('d', '-2')),
  check(`${into('s', 'f1', '65536')}\nfcvt.h.s f0, f1\nfrflags t4\nfmv.x.h t5, f0`, { t5: 0x7c00n, t4: OF | NX }), // prettier-ignore
  check(`${into('d', 'f1', '-0.5')}\nfcvt.h.d f0, f1\nfrflags t4\nfmv.x.h t5, f0`, { t5: -0x4800n, t4: 0n }),
];
