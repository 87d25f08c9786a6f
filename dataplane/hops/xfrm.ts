// Policies of IPsec (xfrm): the kernel asks them after it has chosen a route, and no listing of rules shows them. Reads only.
import { cidrContains, parseAddress, parseCidr } from '../../controlplane/base/cidr';
import { CommandFailed } from '../../controlplane/base/errors';
import type { HopFault, HopPacket } from '../../controlplane/base/hops';
import type { Exec } from '../exec/exec';

export interface XfrmPolicy {
  readonly source: string;
  readonly destination: string;
  readonly direction: string;
  readonly blocks: boolean;
  /** The ends of the tunnel, where it encrypts. */
  readonly tunnel?: string;
}

/** Empty where the kernel has no IPsec. */
export async function readXfrm(exec: Exec): Promise<readonly XfrmPolicy[]> {
  const { stdout } = await exec.run(['ip', 'xfrm', 'policy']).catch((error: unknown) => {
    if (error instanceof CommandFailed) return { stdout: '' };
    throw error;
  });
  return parseXfrm(stdout);
}

/** What `ip xfrm policy` prints: a line that begins with `src` for each, the rest of it indented. Pure. */
export function parseXfrm(text: string): readonly XfrmPolicy[] {
  return text.split(/^(?=src )/m).flatMap((block) => {
    const [, source, destination] = /^src (\S+) dst (\S+)/.exec(block) ?? [];
    const direction = /^\tdir (\S+)/m.exec(block)?.[1];
    if (source === undefined || destination === undefined || direction === undefined) return [];
    const [, from, to] = /^\ttmpl src (\S+) dst (\S+)/m.exec(block) ?? [];
    return [
      {
        ...{ source, destination, direction, blocks: / action block\b/.test(block) },
        ...(from === undefined ? {} : { tunnel: `${from} to ${to}` }),
      },
    ];
  });
}

/** The first policy for what leaves, or undefined. Pure. */
export const policyFor = (
  policies: readonly XfrmPolicy[],
  { source, destination }: Pick<HopPacket, 'source' | 'destination'>,
): XfrmPolicy | undefined =>
  policies.find(
    (policy) => policy.direction === 'out' && within(policy.source, source) && within(policy.destination, destination),
  );

const within = (range: string, address: string): boolean =>
  range.includes(':') === address.includes(':') &&
  cidrContains(
    parseCidr(range.includes('/') ? range : `${range}/${range.includes(':') ? 128 : 32}`),
    parseAddress(address),
  );

export function xfrmFault({ source, destination }: XfrmPolicy, nodeName: string): HopFault {
  return {
    code: 'XfrmBlocks',
    message: `an IPsec policy of node ${nodeName} blocks what leaves from ${source} to ${destination} (dir out action block)`,
    remedy: `on node ${nodeName}: ip xfrm policy delete src ${source} dst ${destination} dir out`,
  };
}
