// Finds the pods that NAT sent lost requests to, in the connection tables of all nodes.
import type { Exec } from '../../dataplane/exec/exec';

export interface Flow {
  /** Of the packets as the client sent them. */
  readonly address: string;
  readonly port: number;
  readonly localPort: number;
  /** Where NAT sent them: the source of the answers. */
  readonly target: string;
}

/**
 * `conntrack -L -p tcp`, one flow on each line:
 * tcp 6 62 SYN_SENT src=10.244.0.9 dst=10.96.1.2 sport=34978 dport=80 [UNREPLIED] src=10.244.1.5 dst=10.244.0.9 sport=8080 dport=34978
 */
export function parseFlows(text: string): readonly Flow[] {
  return [
    ...text.matchAll(/ dst=(\S+) sport=(\d+) dport=(\d+) (?:packets=\d+ bytes=\d+ )?(?:\[UNREPLIED\] )?src=(\S+)/g),
  ].map(([, address, localPort, port, target]) => ({
    address: address!,
    port: Number(port),
    localPort: Number(localPort),
    target: target!,
  }));
}

/** All flows of TCP in these namespaces that NAT changed. A namespace that cannot be read yields none. */
export async function readFlows(exec: Exec, netns: readonly string[]): Promise<readonly Flow[]> {
  const texts = await Promise.all(
    netns.map((name) =>
      exec
        .run(['nsenter', `--net=/run/netns/${name}`, '--', 'conntrack', '-L', '-p', 'tcp'], { timeoutMs: 10_000 })
        .then(
          ({ stdout }) => stdout,
          () => '',
        ),
    ),
  );
  return texts.flatMap(parseFlows).filter(({ address, target }) => address !== target);
}
