// Deletes UDP entries that lead to removed backends, through the conntrack program.
import { cidrContains, parseAddress, parseCidr } from '../../controlplane/base/cidr';
import { CommandFailed } from '../../controlplane/base/errors';
import type { Exec } from '../exec/exec';
import type { Family } from '../netfilter/model';
import { type Flow, parseFlows } from './flow';
import { staleFlows, type UdpFrontend } from './stale';

const timeoutMs = 30_000;
/** Up to this many frontends are queried one by one; for more, the whole table is read once. */
export const maxQueries = 4;

export interface CleanerDeps {
  readonly exec: Exec;
  readonly family: Family;
  /** Current addresses of this node. */
  readonly nodeAddresses: () => ReadonlySet<string>;
  /** Range of all pods of the cluster. */
  readonly clusterCidr: string;
}

export class FlowCleaner {
  constructor(private readonly deps: CleanerDeps) {}

  /**
   * Call it after the rules are in the kernel; otherwise the old rules translate a deleted flow again. Returns the number of
   * deleted entries. @throws CommandFailed; NotFound when conntrack is not installed
   */
  async clean(frontends: readonly UdpFrontend[]): Promise<number> {
    if (frontends.length === 0) return 0;
    const flows = await this.list(frontends);
    const pods = parseCidr(this.deps.clusterCidr);
    const isPod = (address: string) => cidrContains(pods, parseAddress(address));
    const stale = staleFlows(flows, frontends, this.deps.nodeAddresses(), isPod);
    const tuples = new Map(stale.map((flow) => [tuple(flow).join(' '), flow]));
    for (const flow of tuples.values()) await this.delete(flow);
    return stale.length;
  }

  private async list(frontends: readonly UdpFrontend[]): Promise<Flow[]> {
    if (frontends.length > maxQueries) return parseFlows(await this.conntrack('-L', []));
    const flows: Flow[] = [];
    for (const { address, port } of frontends) {
      const where = address === 'node' ? [] : ['--orig-dst', address];
      flows.push(...parseFlows(await this.conntrack('-L', [...where, '--orig-port-dst', String(port)])));
    }
    return flows;
  }

  /** Deletes this flow and all other flows from its frontend to the same backend. */
  private async delete(flow: Flow): Promise<void> {
    await this.conntrack('-D', tuple(flow));
  }

  private async conntrack(verb: '-L' | '-D', where: readonly string[]): Promise<string> {
    const family = this.deps.family === 4 ? 'ipv4' : 'ipv6';
    try {
      const argv = ['conntrack', verb, '-f', family, '-p', 'udp', ...where];
      return (await this.deps.exec.run(argv, { timeoutMs })).stdout;
    } catch (err) {
      // conntrack exits with 1 when no entry matched, and says so.
      if (err instanceof CommandFailed && / 0 flow entries/.test(err.stderr)) return '';
      throw err;
    }
  }
}

/** One command deletes all flows from one frontend to one removed backend, however many clients there are. */
const tuple = (flow: Flow): string[] => [
  '--orig-dst',
  flow.destination,
  '--orig-port-dst',
  String(flow.destinationPort),
  '--reply-src',
  flow.replySource,
  '--reply-port-src',
  String(flow.replySourcePort),
];
