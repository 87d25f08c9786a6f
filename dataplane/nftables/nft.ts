// Runs the program nft: transactions in, listings out, errors that say how to react.
import { AppError, CommandFailed, isNotFound, Unsupported } from '../../controlplane/base/errors';
import type { Exec } from '../exec/exec';
import { classifyNftFailure, type NftFailure, reactions } from './classify';
import type { Generations } from './generations';
import { type NftTable, parseListing } from './listing';
import { tableText } from './structure';

/** Loading 10,000 Services takes a second; other transactions and a busy machine can make it longer. */
const writeTimeoutMs = 60_000;
const readTimeoutMs = 60_000;

export type NftFamily = 'ip' | 'ip6' | 'inet' | 'bridge';

/** A table of ours. Only this process writes into it. */
export interface TableName {
  readonly family: NftFamily;
  readonly name: string;
}

/** The interface through which rules are written. The only implementation runs the program; test/lib has the fake. */
export interface Nft {
  /**
   * Commands, one per line, as one transaction: all of them or none take effect. Empty text does nothing. @throws AppError
   * Unavailable, Unsupported or Forbidden; `details.failure` is an NftFailure, `details.line` the line with the error
   */
  run(text: string): Promise<void>;
  /**
   * The table as nft prints it, without elements of sets and maps and without counters, with numbers as digits; undefined: no
   * such table. Takes a few milliseconds whatever the sets hold, so it can be read every few seconds.
   */
  structure(table: TableName): Promise<string | undefined>;
  /** The table with all elements, parsed; undefined: no such table. About a second for 50,000 elements. */
  read(table: TableName): Promise<NftTable | undefined>;
}

export class NftProgram implements Nft {
  /** `generations` counts each transaction of ours, to distinguish them from transactions of other programs. */
  constructor(
    private readonly exec: Exec,
    private readonly generations?: Pick<Generations, 'writing'>,
  ) {}

  async run(text: string): Promise<void> {
    if (text === '') return;
    const write = () => this.nft(['-f', '-'], text);
    await (this.generations ? this.generations.writing(1, write) : write());
  }

  async structure({ family, name }: TableName): Promise<string | undefined> {
    // For every other listing, even of one chain, nft 1.0.6 first reads all elements of all sets.
    const text = await this.nft(['-n', '-s', '-t', 'list', 'ruleset', family]);
    return tableText(text, family, name);
  }

  async read({ family, name }: TableName): Promise<NftTable | undefined> {
    try {
      return parseListing(await this.nft(['-n', '-j', 'list', 'table', family, name]));
    } catch (err) {
      if (err instanceof AppError && err.details?.['failure'] === 'stale') return undefined;
      throw err;
    }
  }

  private async nft(args: readonly string[], input?: string): Promise<string> {
    const timeoutMs = input === undefined ? readTimeoutMs : writeTimeoutMs;
    try {
      const { stdout } = await this.exec.run(['nft', ...args], {
        timeoutMs,
        ...(input === undefined ? {} : { input }),
      });
      return stdout;
    } catch (cause) {
      if (isNotFound(cause)) throw new Unsupported('nft is not installed: apt-get install nftables', { cause });
      const failure = classifyNftFailure(cause);
      throw new AppError(codes[failure], reactions[failure], {
        cause,
        details: { failure, ...blamed(cause, input ?? '') },
      });
    }
  }
}

const codes = {
  busy: 'Unavailable',
  stale: 'Unavailable',
  unsupported: 'Unsupported',
  forbidden: 'Forbidden',
  unknown: 'Unavailable',
} as const satisfies Record<NftFailure, string>;

/** nft prints the position as `/dev/stdin:12:3-9: Error: …`. */
function blamed(cause: unknown, input: string): { line?: string } {
  if (!(cause instanceof CommandFailed)) return {};
  const found = /^\S*?:(\d+):/m.exec(cause.stderr);
  const line = found ? input.split('\n')[Number(found[1]) - 1] : undefined;
  return line === undefined ? {} : { line: line.slice(0, 500) };
}
