// Where NAT sends connections: the nodes' kernels report each new flow, and a lost request finds its own.
import { startProgram } from '../../dataplane/exec/system-exec';

export interface Flow {
  /** Of the packets as the client sent them. */
  readonly address: string;
  readonly port: number;
  readonly localPort: number;
  /** Where NAT sent them: the source of the answers. */
  readonly target: string;
}

/**
 * Lines of `conntrack -E -e NEW -p tcp`, a flow each:
 * [NEW] tcp 6 120 SYN_SENT src=10.244.0.9 dst=10.96.1.2 sport=34978 dport=80 [UNREPLIED] src=10.244.1.5 dst=10.244.0.9 sport=8080 dport=34978
 */
export function parseFlows(text: string): readonly Flow[] {
  return [...text.matchAll(/ dst=(\S+) sport=(\d+) dport=(\d+) (?:\[UNREPLIED\] )?src=(\S+)/g)].map(
    ([, address, localPort, port, target]) => ({
      address: address!,
      port: Number(port),
      localPort: Number(localPort),
      target: target!,
    }),
  );
}

/** The newest flows; older ones are forgotten. */
const mostFlows = 50_000;

const keyOf = ({ address, port, localPort }: Omit<Flow, 'target'>): string => `${address} ${port} ${localPort}`;

/** Flows that NAT changed, by the address, port and client's port that the client used. */
export class Flows {
  private readonly targets = new Map<string, string>();

  add(flows: readonly Flow[]): void {
    for (const flow of flows) {
      if (flow.address === flow.target) continue;
      const key = keyOf(flow);
      this.targets.delete(key);
      this.targets.set(key, flow.target);
      if (this.targets.size > mostFlows) this.targets.delete(this.targets.keys().next().value!);
    }
  }

  targetOf(flow: Omit<Flow, 'target'>): string | undefined {
    return this.targets.get(keyOf(flow));
  }
}

/** Listens in these namespaces until the returned function is called. An entry that a refused connection ends at once is seen too. */
export async function listenForFlows(netns: readonly string[], flows: Flows): Promise<() => Promise<void>> {
  const programs = await Promise.all(
    netns.map((name) => {
      let text = '';
      return startProgram(['nsenter', `--net=/run/netns/${name}`, '--', 'conntrack', '-E', '-e', 'NEW', '-p', 'tcp'], {
        onOutput: (chunk) => {
          text += chunk.toString('latin1');
          const end = text.lastIndexOf('\n') + 1;
          flows.add(parseFlows(text.slice(0, end)));
          text = text.slice(end);
        },
      });
    }),
  );
  return async () => {
    for (const program of programs) program.kill('SIGTERM');
    await Promise.all(programs.map(({ exited }) => exited));
  };
}
