// Translates a pod's host ports to the compiler's record. Pure.
import { isIP } from 'node:net';
import { isTerminal, lastingContainers, type Pod } from '../../controlplane/api';
import type { Family, Protocol } from '../../dataplane/netfilter/model';
import type { Endpoint, ServiceInput, ServicePort } from '../../dataplane/service/input';

/** Names of namespaces have no colon, so a Service in a namespace called `pod` has a different key. */
const prefix = 'pod:';

/** The key of a pod among the keys of Services. */
export const podKey = (key: string): string => prefix + key;
/** The pod's own key; undefined when it is the key of a Service. */
export const keyOfPod = (key: string): string | undefined =>
  key.startsWith(prefix) ? key.slice(prefix.length) : undefined;

export const wantsHostPorts = (pod: Pod): boolean => hostPortsOf(pod).length > 0;

/** What the informer keeps of a pod: the parts that host ports need, and of a pod without host ports its metadata alone. */
export function hostPortParts(pod: Pod): Pod {
  const { metadata, spec, status } = pod;
  const { name, namespace, uid, resourceVersion } = metadata ?? {};
  const kept = { metadata: { name, namespace, uid, resourceVersion } } as Pod;
  if (!wantsHostPorts(pod)) return kept;
  const containers = (list: readonly { name: string; ports?: unknown; restartPolicy?: string }[] | undefined) =>
    list?.map(({ name, ports, restartPolicy }) => ({ name, ports, restartPolicy }));
  return {
    ...kept,
    spec: { containers: containers(spec?.containers), initContainers: containers(spec?.initContainers) },
    status: { phase: status?.phase, podIP: status?.podIP, podIPs: status?.podIPs },
  } as Pod;
}

/** Undefined: the pod has no host port or no address of this family, or its containers have ended. */
export function translatePod(pod: Pod, family: Family): ServiceInput | undefined {
  const { podIP, podIPs } = pod.status ?? {};
  if (isTerminal(pod)) return undefined;
  const addresses = podIPs?.map(({ ip }) => ip) ?? (podIP === undefined ? [] : [podIP]);
  const address = addresses.find((ip) => isIP(ip) === family);
  if (address === undefined) return undefined;
  const ports = hostPortsOf(pod).flatMap((wanted): ServicePort[] => {
    const { hostIP = '', hostPort = 0, containerPort, protocol = 'TCP' } = wanted;
    const everywhere = hostIP === '' || hostIP === '0.0.0.0' || hostIP === '::';
    if (!everywhere && isIP(hostIP) !== family) return [];
    const endpoint: Endpoint = {
      address,
      port: containerPort,
      ready: true,
      serving: true,
      terminating: false,
      local: true,
    };
    return [
      {
        name: `${everywhere ? '' : `${hostIP}-`}${hostPort}`,
        protocol: protocol.toLowerCase() as Protocol,
        port: containerPort,
        hostPort,
        ...(everywhere ? {} : { hostIp: hostIP }),
        endpoints: [endpoint],
      },
    ];
  });
  if (ports.length === 0) return undefined;
  return {
    key: podKey(`${pod.metadata?.namespace}/${pod.metadata?.name}`),
    externalIps: [],
    loadBalancerIps: [],
    internalLocal: false,
    externalLocal: false,
    ports,
  };
}

/** Empty for a pod with hostNetwork: it listens on the node's own addresses. */
function hostPortsOf({ spec }: Pod) {
  if (!spec || spec.hostNetwork) return [];
  return lastingContainers(spec).flatMap(({ ports = [] }) => ports.filter(({ hostPort }) => hostPort));
}
