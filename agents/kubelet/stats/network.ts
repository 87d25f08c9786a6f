// Counters of the interfaces in a process's network namespace. The kernel shows them in /proc/PID/net/dev, so no process has to enter it.
// Source: proc_pid_net(5).
import { readFile, readlink } from 'node:fs/promises';
import type { InterfaceSample, NetworkSample } from './samples';

/** Interfaces that say nothing about the traffic of a node or a pod: loopback, and the ends of pods' wires and bridges on a node. */
const ignored = /^(lo|veth|docker|nerdctl)/;

/** Names are the kernel's; a line without sixteen numbers is not one of an interface. */
export function parseNetDev(text: string): readonly InterfaceSample[] {
  const found: InterfaceSample[] = [];
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const name = line.slice(0, colon).trim();
    const values = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/)
      .map(Number);
    if (values.length < 16 || ignored.test(name)) continue;
    const at = (index: number) => values[index] ?? 0;
    found.push({
      name,
      rxBytes: at(0),
      rxPackets: at(1),
      rxErrors: at(2),
      rxDropped: at(3),
      txBytes: at(8),
      txPackets: at(9),
      txErrors: at(10),
      txDropped: at(11),
    });
  }
  return found;
}

export const ownNetwork = 'self';

/** Undefined when the process has ended, or when it uses the network of this process: a pod with hostNetwork has no counters of its own. */
export async function readNetwork(pid: number | typeof ownNetwork, proc = '/proc'): Promise<NetworkSample | undefined> {
  try {
    if (pid !== ownNetwork) {
      const [own, other] = await Promise.all([readlink(`${proc}/self/ns/net`), readlink(`${proc}/${pid}/ns/net`)]);
      if (own === other) return undefined;
    }
    const interfaces = parseNetDev(await readFile(`${proc}/${pid}/net/dev`, 'utf8'));
    return { atMs: Date.now(), interfaces };
  } catch {
    return undefined;
  }
}
