import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { Debugger, EXIT_BUDGET, EXIT_DEBUG, EXIT_STOP, EXIT_WFI, readRegister, TestFinisher, writeRegister } from '../../../src/index.js'; // prettier-ignore
import { encodePacket } from '../../../src/debug/gdb/packets.js';
import { Sv39Machine, USER_RW } from '../../mmu/sv39-machine.js';
import { ORIGIN } from '../../run-program.js';
import { Client, connected, hex, latin1, register } from './gdb-client.js';

describe('a session', () => {
  test('begins stopped, and tells what it can do', async () => {
    const { client } = await connected();
    expect(client.session.state).toBe('stopped');
    expect(client.ask('qSupported:multiprocess+;swbreak+')).toContain('vContSupported+');
    expect(client.ask('?')).toBe(`T05thread:1;20:${register(BigInt(ORIGIN))};02:${register(0n)};`);
    expect(client.ask('vCont?')).toBe('vCont;c;C;s;S;t;r');
    expect([client.ask('qAttached'), client.ask('qC'), client.ask('qSymbol::')]).toEqual(['1', 'QC1', 'OK']);
    expect([client.ask('vMustReplyEmpty'), client.ask('!'), client.ask('qOffsets'), client.ask('')]).toEqual([
      '',
      '',
      '',
      '',
    ]);
  });

  test('repeats an answer that was refused; without acknowledgements it neither sends nor takes any', async () => {
    const { client } = await connected();
    client.ask('qC');
    expect(client.raw(latin1('-'))).toEqual(['QC1']);
    expect(client.raw(latin1('$qC#00'))).toEqual(['refused']);
    expect(client.ask('QStartNoAckMode')).toBe('OK');
    expect(client.raw(encodePacket(latin1('qC')))).toEqual(['QC1']);
    expect(client.raw(latin1('-'))).toEqual([]);
    expect(client.raw(latin1('$qC#00'))).toEqual(['E16']);
  });

  test('gives the description of registers in pieces', async () => {
    const { client } = await connected();
    let xml = '';
    for (let from = 0; ; from += 1000) {
      const piece = client.ask(`qXfer:features:read:target.xml:${from.toString(16)},3e8`);
      xml += piece.slice(1);
      if (piece.startsWith('l')) break;
      expect(piece).toHaveLength(1001);
    }
    expect(xml).toContain('<architecture>riscv:rv64</architecture>');
    for (const name of ['cpu', 'fpu', 'csr', 'virtual']) expect(xml).toContain(`org.gnu.gdb.riscv.${name}"`);
    const numbers = [...xml.matchAll(/<reg name="([a-z0-9]+)" bitsize="64" regnum="([0-9]+)"/g)];
    const byName = new Map(numbers.map(([, name, number]) => [name, Number(number)]));
    expect([
      byName.get('a0'),
      byName.get('pc'),
      byName.get('fa0'),
      byName.get('mstatus'),
      byName.get('priv'),
    ]).toEqual([10, 32, 43, 65 + 0x300, 4161]);
    expect([...xml.matchAll(/<reg /g)]).toHaveLength(byName.size);
    // Every one that is described can be read.
    for (const number of byName.values())
      expect(client.ask(`p${number.toString(16)}`)).toMatch(/^[0-9a-f]{16}$/);
    expect(client.ask('qXfer:features:read:other.xml:0,10')).toBe('E16');
    expect(client.ask('qXfer:features:read:target.xml:ffffff,10')).toBe('l');
  });

  test('reads and writes registers', async () => {
    const { client, bench } = await connected();
    expect(client.ask(`P20=${register(0x8000_0010n)}`)).toBe('OK');
    expect(client.ask(`P${(65 + 0x340).toString(16)}=${register(-5n)}`)).toBe('OK');
    expect([bench.pc, readRegister(bench.hart, 'mscratch')]).toEqual([0x8000_0010n, 2n ** 64n - 5n]);
    const all = Array.from({ length: 65 }, (_, index) => register(BigInt(index) * 3n));
    expect(client.ask(`G${all.join('')}`)).toBe('OK');
    expect([bench.x('zero'), bench.x('t6'), bench.pc, readRegister(bench.hart, 'ft11')]).toEqual([
      0n,
      93n,
      96n,
      192n,
    ]);
    all[0] = register(0n);
    expect(client.ask('g')).toBe(all.join(''));
    expect(client.ask(`P0=${register(7n)}`)).toBe('OK');
    expect(client.ask('p0')).toBe(register(0n));
    for (const bad of [
      'pffff',
      'p',
      'pzz',
      'P1',
      'P1=12',
      'Pffff=0000000000000000',
      'G12',
      `G${register(0n).repeat(66)}`,
      `P${(65 + 0xf14).toString(16)}=${register(1n)}`,
    ]) {
      expect(client.ask(bad), bad).toBe('E16');
    }
  });

  test('reads and writes memory, in hexadecimal and as bytes', async () => {
    const { client, at, bench } = await connected();
    const data = at('data');
    expect(client.ask(`m${data},8`)).toBe('8877665544332211');
    expect(client.ask(`x${data},4`)).toBe('b\x88\x77\x66\x55');
    expect(client.ask(`M${data},2:0102`)).toBe('OK');
    expect(client.ask(`X${data},4:\x7d\x24#`)).toBe('E16');
    expect(client.ask(`X${data},4:$#}*`)).toBe('OK');
    expect(client.ask(`m${data},8`)).toBe('24237d2a44332211');
    expect(client.ask(`X${data},0:`)).toBe('OK');
    expect(client.ask(`m${data},0`)).toBe('');
    // Up to the end of RAM, and not beyond.
    const end = ORIGIN + bench.machine.ram.bytes;
    expect(client.ask(`m${(end - 2).toString(16)},8`)).toBe('0000');
    expect(client.ask(`M${(end - 1).toString(16)},2:0102`)).toBe('E0e');
    expect(client.ask('m10000000,4')).toBe('E0e');
    expect(client.ask('mffffffffffffffff,4')).toBe('E0e');
    for (const bad of [
      'm',
      'm1',
      'm1,',
      'mx,4',
      'm1,100000000',
      'M1,2',
      'M80000000,2:01',
      'M80000000,1:zz',
      'X80000000,1',
      'x80000000',
    ]) {
      expect(client.ask(bad), bad).toBe('E16');
    }
  });

  test('sums memory as GDB does', async () => {
    const { client, bench } = await connected();
    // The check value of this CRC, without inversion at its end, for the nine digits.
    bench.machine.ram.writable(8).set(latin1('123456789'));
    expect(client.ask(`qCRC:${(ORIGIN + 8 * 4096).toString(16)},9`)).toBe('C0376e6e7');
    expect(client.ask('qCRC:0,9')).toBe('E0e');
    expect(client.ask('qCRC:0,ffffffff')).toBe('E16');
  });

  test('stops at breakpoints and watchpoints, and tells which', async () => {
    const { client, at, bench } = await connected();
    expect(client.ask(`Z0,${at('store')},4`)).toBe('OK');
    expect(client.resume('vCont;c')).toBe('T05thread:1;swbreak:;');
    expect(client.resume('c')).toBe('T05thread:1;swbreak:;');
    expect(bench.x('a0')).toBe(2n);
    expect(client.ask(`z0,${at('store')},4`)).toBe('OK');
    // A store of eight bytes, of which the last four are watched.
    const upper = (bench.symbol('data') + 4n).toString(16);
    for (const [type, name] of [
      [2, 'watch'],
      [4, 'awatch'],
    ] as const) {
      expect(client.ask(`Z${type},${upper},4`)).toBe('OK');
      expect(client.ask(`Z${type},${upper},4`)).toBe('OK');
      expect(client.resume('vCont;c:-1')).toBe(`T05thread:1;${name}:${upper};`);
      expect(client.ask(`z${type},${upper},4`)).toBe('OK');
    }
    expect(client.ask(`Z3,${upper},4`)).toBe('OK');
    expect(client.resume('vCont;c')).toBe('runs');
    for (const bad of ['Z0', 'Z0,zz,4', 'Z2,0,0', 'z2,0']) expect(client.ask(bad), bad).toBe('E16');
    expect(client.ask('Z9,0,1')).toBe('');
  });

  test('steps, from where it is told, and over a range', async () => {
    const { client, at, bench } = await connected();
    expect(client.resume('s')).toBe('T05thread:1;');
    expect(bench.pc).toBe(BigInt(ORIGIN + 4));
    expect(client.resume(`s${at('loop')}`)).toBe('T05thread:1;');
    expect(bench.pc).toBe(bench.symbol('store'));
    writeRegister(bench.hart, 'pc', BigInt(ORIGIN));
    expect(client.resume(`vCont;r${ORIGIN.toString(16)},${at('loop')}:1`)).toBe('T05thread:1;');
    expect([bench.pc, bench.x('s0')]).toEqual([bench.symbol('loop'), bench.symbol('data')]);
    // A breakpoint within the range ends it.
    client.ask(`Z0,${at('store')},4`);
    expect(client.resume(`vCont;r${at('loop')},${at('end')}:1`)).toBe('T05thread:1;');
    expect(bench.pc).toBe(bench.symbol('store'));
    client.ask(`z0,${at('store')},4`);
    expect(client.resume(`vCont;r${at('loop')},${at('end')}`)).toBe('T05thread:1;');
    expect(bench.pc).toBe(bench.symbol('end'));
    expect(client.resume('S05')).toBe('T05thread:1;');
  });

  test('has a thread for each hart, which run and stand still one by one', async () => {
    const source = 'loop: addi a0, a0, 1\nj loop\nother: j other';
    const { client, bench } = await connected(source, { mode: 'full-system', harts: 3 });
    const counts = (): bigint[] => bench.machine.harts.map((hart) => readRegister(hart, 'a0') ?? 0n);
    expect([client.ask('qfThreadInfo'), client.ask('qsThreadInfo')]).toEqual(['m1,2,3', 'l']);
    expect(client.ask('qThreadExtraInfo,3')).toBe(hex('hart 2, machine mode'));
    expect(['T1', 'T3', 'T4', 'T0', 'Tx', 'Hg4', 'Hgx'].map((packet) => client.ask(packet))).toEqual([
      'OK',
      'OK',
      'E16',
      'E16',
      'E16',
      'E16',
      'E16',
    ]);
    expect(client.resume('vCont;s:2')).toBe('T05thread:2;');
    expect(counts()).toEqual([0n, 1n, 0n]);
    // The others may go on while one steps.
    expect(client.resume('vCont;s:3;c')).toBe('T05thread:3;');
    expect(counts()).toEqual([1n, 1n, 1n]);
    expect(client.resume('vCont;t:1;c', 10_000)).toBe('runs');
    expect(client.raw(Uint8Array.of(3))[0]).toMatch(/^T02thread:/);
    expect(counts()[0]).toBe(1n);
    expect(counts()[1]).toBeGreaterThan(1000n);
    // Registers are those of the thread that is chosen; c resumes the one that Hc names.
    expect(client.ask('Hg1')).toBe('OK');
    expect(client.ask('pa')).toBe(register(1n));
    expect(client.ask('Hc1')).toBe('OK');
    const before = counts();
    expect(client.resume('c', 1000)).toBe('runs');
    expect(counts()).toEqual([501n, before[1], before[2]]);
    for (const bad of ['vCont;', 'vCont;x', 'vCont;c:9', 'vCont;r1', 'vCont;t', 'czz'])
      expect(client.ask(bad), bad).toBe('E16');
  });

  test('is interrupted, and tells of the end', async () => {
    const finisher = new TestFinisher();
    const source = 'li t0, 0x100000\nli t1, 0x73333\nloop: bnez a0, end\nj loop\nend: sw t1, 0(t0)';
    const { client, bench } = await connected(source, { mode: 'full-system', devices: [finisher] });
    expect(client.resume('vCont;c', 1000)).toBe('runs');
    expect(client.session.run(10)).toBe(EXIT_BUDGET);
    expect(client.session.retired).toBe(10);
    expect(client.raw(Uint8Array.of(3))[0]).toMatch(/^T02thread:1;/);
    expect(client.raw(Uint8Array.of(3))).toEqual([]);
    writeRegister(bench.hart, 'a0', 1n);
    expect(client.resume('vCont;C05')).toBe('W07');
    expect(client.session.state).toBe('ended');
    expect(client.session.run(1)).toBe(EXIT_STOP);
  });

  test.each([
    ['D', 'detached', ['OK']],
    ['vKill;1', 'killed', ['OK']],
    ['k', 'killed', []],
  ])('%s makes it %s and takes its points away', async (packet, state, answers) => {
    const { client, at, bench, debug } = await connected();
    client.ask(`Z0,${at('store')},4`);
    client.ask(`Z2,${at('data')},8`);
    expect(client.raw(encodePacket(latin1(packet)))).toEqual(['acknowledged', ...answers]);
    expect(client.session.state).toBe(state);
    client.session.close();
    expect(debug.run(10_000)).toBe(EXIT_WFI);
    expect(bench.x('a0')).toBe(10n);
  });

  test('is detached when the connection goes', async () => {
    const { client, at, debug } = await connected();
    client.ask(`Z0,${at('store')},4`);
    client.session.close();
    expect(client.session.state).toBe('detached');
    expect(debug.run(10_000)).toBe(EXIT_WFI);
  });

  test('has commands of its own', async () => {
    const { client } = await connected();
    const said = (command: string): string =>
      Buffer.from(client.ask(`qRcmd,${hex(command)}`), 'hex').toString();
    expect(said('help')).toContain('monitor translate ADDRESS');
    expect(said('harts')).toBe('hart 0, machine mode, pc 0x80000000\n');
    expect(said('translate 0x80000000')).toBe('0x80000000 is at 0x80000000\n');
    expect(said('translate')).toContain('an address is expected');
    expect(said('physical')).toBe('physical off\n');
    expect(said('physical maybe')).toContain('on or off');
    expect(said('frob')).toContain('there is no command "frob"');
    expect(client.ask('qRcmd,6')).toBe('E16');
  });

  test('shows memory through the page tables of the hart, or by physical address', async () => {
    const made = await Sv39Machine.of('nop');
    made.map(0x7000_0000n, 70, USER_RW);
    made.machine.ram.writable(70).set([1, 2, 3, 4]);
    const client = new Client(await Debugger.attach(made.machine));
    expect(client.ask('m70000000,4')).toBe('01020304');
    client.ask(`qRcmd,${hex('physical on')}`);
    expect(client.ask('m70000000,4')).toBe('E0e');
    expect(client.ask(`m${(0x8000_0000 + 70 * 4096).toString(16)},4`)).toBe('01020304');
  });

  test('takes pending interrupts during a step only when told to', async () => {
    const { client, bench } = await connected('nop\nnop\n.balign 4\nhandler: nop\nwfi');
    writeRegister(bench.hart, 'mtvec', bench.symbol('handler'));
    writeRegister(bench.hart, 'mie', 2n);
    writeRegister(bench.hart, 'mip', 2n);
    writeRegister(bench.hart, 'mstatus', 8n);
    client.resume('s');
    expect(bench.pc).toBe(BigInt(ORIGIN + 4));
    client.ask(`qRcmd,${hex('interrupts on')}`);
    client.resume('s');
    expect(bench.pc).toBe(bench.symbol('handler'));
  });

  test('answers anything without throwing, and goes on', async () => {
    const { client, bench } = await connected();
    const packet = fc.oneof(
      fc.string({ unit: 'binary-ascii', maxLength: 40 }),
      fc
        .tuple(
          fc.constantFrom(
            'm',
            'M',
            'X',
            'x',
            'G',
            'P',
            'p',
            'Z2,',
            'z3,',
            'H',
            'T',
            'vCont;',
            'qXfer:features:read:',
            'qRcmd,',
            'qCRC:',
            'qThreadExtraInfo,',
            'vCont;r',
            'c',
            'S',
          ),
          fc.string({ unit: fc.constantFrom(...'0123456789abcdef,:;=-+c'), maxLength: 40 }),
        )
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(packet, fc.boolean(), (content, damaged) => {
        const bytes = encodePacket(latin1(content));
        if (damaged) bytes[bytes.length >> 1] ^= 0x11;
        client.raw(bytes);
        if (client.session.state === 'running') client.session.run(20);
        client.raw(Uint8Array.of(3));
      }),
      { numRuns: 2000 },
    );
    // A packet may be open: an empty one ends it.
    client.raw(latin1('#00'));
    client.session.receive(encodePacket(latin1('qC')));
    expect(client.heard().at(-1)).toMatch(/^QC[0-9]+$/);
    expect(bench.machine.harts).toHaveLength(1);
  });
});

test('a debugger shares the machine with code that runs it', async () => {
  const { client, debug, at } = await connected();
  client.ask(`Z0,${at('store')},4`);
  expect(debug.run(10_000)).toBe(EXIT_DEBUG);
  expect(debug.stop?.reason).toBe('breakpoint');
});
