// The program nft, less its manners: transactions in, listings out, errors that say how to react.
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

/** A table of ours. No other program writes into it. */
export interface TableName {
  readonly family: NftFamily;
  readonly name: string;
}

/** What rules are written through. The program is the one implementation; test/lib has the fake. */
export interface Nft {
  /**
   * Commands, one per line, as one transaction: all of it or nothing. Empty text does nothing.
   * @throws AppError Unavailable, Unsupported or Forbidden; `details.failure` is an NftFailure, `details.line` the line blamed
   */
  run(text: string): Promise<void>;
  /**
   * The table as nft prints it, without elements of sets and maps and without counts, numbers in digits; undefined: there is no such table. A few
   * milliseconds whatever the sets hold, so that it can be asked every few seconds.
   */
  structure(table: TableName): Promise<string | undefined>;
  /** The table with all elements, parsed; undefined: there is no such table. About a second for 50,000 elements. */
  read(table: TableName): Promise<NftTable | undefined>;
}

export class NftProgram implements Nft {
  /** `generations` counts each transaction of ours, so that it can tell them from those of other programs. */
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
    // Every other listing, even of one chain, makes nft 1.0.6 read all elements of all sets before it prints anything.
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

/** nft says `/dev/stdin:12:3-9: Error: …`. */
function blamed(cause: unknown, input: string): { line?: string } {
  if (!(cause instanceof CommandFailed)) return {};
  const found = /^\S*?:(\d+):/m.exec(cause.stderr);
  const line = found ? input.split('\n')[Number(found[1]) - 1] : undefined;
  return line === undefined ? {} : { line: line.slice(0, 500) };
}
