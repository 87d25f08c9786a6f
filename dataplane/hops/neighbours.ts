// Whom the kernel knows on a link: neighbours (ARP, neighbour discovery), and the other ends of a tunnel. Reads only.
import { CommandFailed } from '../../controlplane/base/errors';
import type { Exec } from '../exec/exec';

export interface Neighbour {
  readonly address: string;
  /** Absent: no machine has answered. */
  readonly mac?: string;
  /** REACHABLE, STALE, DELAY, PROBE, PERMANENT, NOARP, INCOMPLETE, FAILED. */
  readonly state: string;
}

export async function readNeighbours(exec: Exec, link: string): Promise<readonly Neighbour[]> {
  const { stdout } = await exec.run(['ip', '-json', 'neighbour', 'show', 'dev', link]);
  const entries = JSON.parse(stdout || '[]') as readonly {
    readonly dst: string;
    readonly lladdr?: string;
    readonly state?: readonly string[];
  }[];
  return entries.map(({ dst, lladdr, state = [] }) => ({
    address: dst,
    state: state[0] ?? 'NONE',
    ...(lladdr === undefined ? {} : { mac: lladdr }),
  }));
}

/** Of a tunnel: link address of the inner next hop → address of the machine at the other end. */
export async function readTunnelEnds(exec: Exec, link: string): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await exec.run(['bridge', '-json', 'fdb', 'show', 'dev', link]).catch((error: unknown) => {
    // `bridge` ends so for a link without such a table.
    if (error instanceof CommandFailed) return { stdout: '' };
    throw error;
  });
  const entries = JSON.parse(stdout || '[]') as readonly { readonly mac: string; readonly dst?: string }[];
  return new Map(entries.flatMap(({ mac, dst }) => (dst === undefined ? [] : [[mac, dst] as const])));
}
