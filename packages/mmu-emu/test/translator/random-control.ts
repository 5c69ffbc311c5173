/**
 * Random programs made of what a translator can get wrong: loops, calls, returns, switches, branches into the middle of
 * anything, faults, atomics, counters, system calls, and code that changes itself.
 *
 * They never end; whoever runs them gives a budget. Registers: f registers are anybody's, s0 data, s1 data, aligned for atomics, s2 address of the
 * instruction that changes, s3 its encoding; a and t registers are anybody's.
 */
import type { Random } from '../qemu/random.js';

/** Where data begins; the program may reach 2 KiB below and six pages above. */
export const DATA = 0x4_0000;

const ANY = ['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 't0', 't1', 't2', 't3', 't4'];
const REGISTER = ['add', 'sub', 'xor', 'or', 'and', 'sll', 'srl', 'sra', 'slt', 'sltu', 'addw', 'subw', 'sllw', 'sraw', 'mul', 'mulh', 'mulhu', 'mulhsu', 'mulw', 'div', 'divu', 'rem', 'remu', 'divw', 'remw', 'sh1add', 'andn', 'rol', 'min', 'maxu', 'bext', 'czero.eqz', 'clmul']; // prettier-ignore
const IMMEDIATE = ['addi', 'xori', 'ori', 'andi', 'slti', 'sltiu', 'addiw'];
const SHIFT = ['slli', 'srli', 'srai', 'rori'];
const LOADS = ['lb', 'lbu', 'lh', 'lhu', 'lw', 'lwu', 'ld'];
const STORES = ['sb', 'sh', 'sw', 'sd'];
const BRANCHES = ['beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'];
const ATOMICS = ['amoadd.w', 'amoadd.d', 'amoxor.w', 'amoswap.d', 'amomax.w', 'amominu.d'];

const FLOATS = ['fa0', 'fa1', 'fa2', 'fa3', 'fa4', 'ft0', 'ft1'];
const FLOAT_REGISTER = ['fadd', 'fsub', 'fmul', 'fdiv', 'fmin', 'fmax', 'fsgnj', 'fsgnjn', 'fsgnjx'];
const FLOAT_FUSED = ['fmadd', 'fmsub', 'fnmadd', 'fnmsub'];
const FLOAT_COMPARE = ['feq', 'flt', 'fle'];
const INTEGER_FORMATS = ['w', 'wu', 'l', 'lu'];

/** A program to be put at the beginning of a page; two pages long at most. */
export function randomControl(random: Random): string {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)];
  const blocks = 4 + random.below(12);
  const block = (): string => `b${random.below(blocks)}`;

  /** A reservation and its use, most often at the same place; what comes between may be anything, or a jump. */
  const reservation = (): string => {
    const between = ['', '', `sd ${pick(ANY)}, 0(s1)`, `bltz ${pick(ANY)}, ${block()}`, 'ecall'];
    const used = random.chance(80) ? 's1' : 's0';
    const [width, other] = random.chance(80) ? ['d', 'd'] : ['w', pick(['w', 'd'])];
    return `lr.${width} ${pick(ANY)}, (s1)\n${pick(between)}\nsc.${other} ${pick(ANY)}, ${pick(ANY)}, (${used})`;
  };

  const float = (): string => {
    const format = random.chance(70) ? 'd' : 's';
    const f = (): string => pick(FLOATS);
    switch (random.below(9)) {
      case 0:
      case 1:
        return `${pick(FLOAT_REGISTER)}.${format} ${f()}, ${f()}, ${f()}`;
      case 2:
        return `${pick(FLOAT_FUSED)}.${format} ${f()}, ${f()}, ${f()}, ${f()}${random.chance(20) ? `, ${pick(['rtz', 'rdn', 'rup', 'rmm'])}` : ''}`;
      case 3:
        return `${pick(FLOAT_COMPARE)}.${format} ${pick(ANY)}, ${f()}, ${f()}`;
      case 4:
        return `fcvt.${format}.${pick(INTEGER_FORMATS)} ${f()}, ${pick(ANY)}`;
      case 5:
        return `fcvt.${pick(INTEGER_FORMATS)}.${format} ${pick(ANY)}, ${f()}, rtz`;
      case 6:
        return random.chance(50)
          ? `${format === 'd' ? 'fld' : 'flw'} ${f()}, ${random.below(512) * 8 - 2048}(s0)`
          : `${format === 'd' ? 'fsd' : 'fsw'} ${f()}, ${random.below(512) * 8 - 2048}(s0)`;
      case 7:
        return random.chance(50) ? `fsqrt.${format} ${f()}, ${f()}` : `fclass.${format} ${pick(ANY)}, ${f()}`;
      default:
        return random.chance(70)
          ? pick([`fcvt.s.d ${f()}, ${f()}`, `fcvt.d.s ${f()}, ${f()}`, `fmv.x.d ${pick(ANY)}, ${f()}`])
          : pick(['fsflagsi 1', 'fsflagsi 0', `fsrmi ${random.below(6)}`, 'fsrmi 0', `frcsr ${pick(ANY)}`]);
    }
  };
  const line = (): string => {
    switch (random.below(19)) {
      case 0:
      case 1:
      case 2:
        return `${pick(REGISTER)} ${pick(ANY)}, ${pick(ANY)}, ${pick(ANY)}`;
      case 3:
      case 4:
        return `${pick(IMMEDIATE)} ${pick(ANY)}, ${pick(ANY)}, ${random.below(4096) - 2048}`;
      case 5:
        return `${pick(SHIFT)} ${pick(ANY)}, ${pick(ANY)}, ${random.below(64)}`;
      case 6:
      case 7:
        return `${pick(LOADS)} ${pick(ANY)}, ${random.below(4096) - 2048}(s0)`;
      case 8:
        return `${pick(STORES)} ${pick(ANY)}, ${random.below(4096) - 2048}(s0)`;
      case 9: {
        // Anywhere in eight pages, of which some are not there.
        const access = random.chance(50) ? pick(LOADS) : pick(STORES);
        return `slli t5, ${pick(ANY)}, 49\nsrli t5, t5, 49\nadd t5, t5, s0\n${access} ${pick(ANY)}, 0(t5)`;
      }
      case 10:
        return `${pick(ATOMICS)} ${pick(ANY)}, ${pick(ANY)}, (${random.chance(90) ? 's1' : 's0'})`;
      case 11:
        return random.chance(50) ? reservation() : `li ${pick(ANY)}, ${random.bits()}`;
      case 12:
        return random.chance(60) ? `csrr ${pick(ANY)}, ${pick(['instret', 'cycle', 'time'])}` : 'ecall';
      case 13:
      case 14:
      case 15:
      case 16:
        return float();
      default:
        return random.chance(40)
          ? `andi t5, ${pick(ANY)}, 7\nslli t5, t5, 20\nadd t5, t5, s3\nsw t5, 0(s2)${random.chance(50) ? '\nfence.i' : ''}`
          : `c.addi ${pick(ANY)}, ${random.below(31) + 1 - 16 || 5}`;
    }
  };
  const ending = (): string => {
    switch (random.below(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return `${pick(BRANCHES)} ${pick(ANY)}, ${pick([...ANY, 'zero'])}, ${block()}`;
      case 4:
        return `j ${block()}`;
      case 5:
        return `call ${block()}`;
      case 6:
        return 'ret';
      case 7:
        return `la t5, table\nandi t6, ${pick(ANY)}, 3\nsh3add t5, t6, t5\nld t5, 0(t5)\njr t5`;
      case 8:
        return `la t5, ${block()}\njalr t5`;
      default:
        // A loop of its own, so that something is hot.
        return `li t6, ${random.below(20) + 1}\n1: ${line()}\naddi t6, t6, -1\nbnez t6, 1b`;
    }
  };

  const changed = random.below(blocks);
  // The end of the page comes somewhere in the middle, sometimes in the middle of an instruction.
  const lines = ['j b0', `.space ${3000 + 2 * random.below(500)}`];
  for (let index = 0; index < blocks; index += 1) {
    lines.push(`b${index}:`);
    if (index === changed) lines.push('.option norvc', 'changed: addi a0, a0, 1', '.option rvc');
    const length = random.below(7);
    for (let at = 0; at < length; at += 1) lines.push(line());
    lines.push(ending());
  }
  lines.push('j b0', '.balign 8', 'table:');
  for (let index = 0; index < 4; index += 1) lines.push(`.dword ${block()}`);
  return lines.join('\n');
}
