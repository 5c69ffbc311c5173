/** Runs the command in this process, for tests. */

import { PassThrough } from 'node:stream';
import { main } from '../../src/command/main.js';

/** A run of the command that is under way. */
export class CommandRun {
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly status: Promise<number>;
  #output = '';
  #errors = '';

  constructor(args: readonly string[], stdin: object = {}) {
    Object.assign(this.stdin, stdin);
    this.stdout.on('data', (chunk: Buffer) => (this.#output += chunk.toString('latin1')));
    this.stderr.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()));
    const { stdin: input, stdout, stderr } = this;
    this.status = main(args, { stdin: input, stdout, stderr });
  }

  get output(): string {
    return this.#output;
  }

  get errors(): string {
    return this.#errors;
  }

  /** Waits until what the command has said on standard error matches. */
  async told(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#errors);
      if (found !== null) return found;
      await Promise.race([
        new Promise((resolve) => this.stderr.once('data', resolve)),
        this.status.then((status) => {
          throw new Error(`the command ended with ${status}: ${this.#errors}`);
        }),
      ]);
    }
  }

  /** The port on which it waits for a debugger. */
  async port(): Promise<number> {
    const [, port] = await this.told(/target remote 127\.0\.0\.1:([0-9]+)\n/);
    return Number(port);
  }
}
