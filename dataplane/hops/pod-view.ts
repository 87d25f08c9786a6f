// A pod of this node from inside: its interface. Reads only.
import type { Hop } from '../../controlplane/base/hops';
import type { Exec } from '../exec/exec';
import { linkHop } from './link-hops';
import { type Link, readLinks } from './links';
import type { Receiver } from './socket-hop';

export interface LocalPod {
  /** NAMESPACE/NAME */
  readonly key: string;
  /** A process in its network namespace. */
  readonly pid: number;
  readonly addresses: readonly string[];
  /** Its resolv.conf, as a file of this machine. */
  readonly resolvConf?: string;
  /** Its hosts file, likewise. */
  readonly hosts?: string;
}

/** Runs programs in the network namespace of the pod. */
export const inPod = (exec: Exec, { pid }: LocalPod): Exec => ({
  run: (argv, options) => exec.run(['nsenter', `--net=/proc/${pid}/ns/net`, '--', ...argv], options),
});

/** For the socket at the end of the way. */
export const receiverIn = (exec: Exec, pod: LocalPod): Receiver => ({
  process: pod.pid,
  exec: inPod(exec, pod),
  who: `pod ${pod.key}`,
});

/** The link that has the pod's address; undefined: none has. */
export async function podLink(exec: Exec, pod: LocalPod, address: string): Promise<Link | undefined> {
  const links = await readLinks(inPod(exec, pod));
  return links.find(({ addresses }) => addresses.includes(address));
}

export function podLinkHop(pod: LocalPod, address: string, link: Link | undefined): Hop {
  const name = link ? `${link.name} of pod ${pod.key}` : `pod ${pod.key}`;
  if (link === undefined) {
    const message = `no interface of pod ${pod.key} has the address ${address}`;
    const remedy = 'delete the pod, so that it gets a new network';
    return { kind: 'interface', name, state: 'stops', facts: [], fault: { code: 'AddressMissing', message, remedy } };
  }
  return linkHop(link, name, [`address ${address}`]);
}
