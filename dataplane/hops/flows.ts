// UDP flows that connection tracking knows. Reads only.
import { CommandFailed, isNotFound } from '../../controlplane/base/errors';
import type { HopAnswer, HopPacket } from '../../controlplane/base/hops';
import { parseFlows } from '../conntrack/flow';
import type { Exec } from '../exec/exec';

/** More say nothing more. */
const maxFlows = 20;

/** Empty for other protocols, and where the program is not installed. */
export async function readFlows(
  exec: Exec,
  { protocol, source, destination, destinationPort }: HopPacket,
): Promise<NonNullable<HopAnswer['flows']>> {
  if (protocol !== 'udp' || destinationPort === undefined) return [];
  const family = destination.includes(':') ? ['-f', 'ipv6'] : [];
  const match = ['-p', 'udp', '--orig-src', source, '--orig-dst', destination, '--orig-port-dst', `${destinationPort}`];
  const { stdout } = await exec.run(['conntrack', '-L', ...family, ...match]).catch((error: unknown) => {
    if (isNotFound(error) || error instanceof CommandFailed) return { stdout: '' };
    throw error;
  });
  return parseFlows(stdout)
    .slice(0, maxFlows)
    .map(({ sourcePort, replySource, replySourcePort }) => ({
      sourcePort,
      to: `${replySource.includes(':') ? `[${replySource}]` : replySource}:${replySourcePort}`,
    }));
}
