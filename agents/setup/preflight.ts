// Checks whether a machine can be a node, before anything is written. observe.ts gathers the facts. Pure.
import { cidrsOverlap, parseCidr } from '../../controlplane/base/cidr';
import { etcdPorts } from '../../controlplane/process/etcd-runtime';
import type { Desired } from './desired';
import { balancerPort } from './layout';
import { Refused } from './refused';

export interface Listener {
  readonly protocol: 'tcp' | 'udp';
  /** 0.0.0.0, [::], * or an address. */
  readonly address: string;
  readonly port: number;
  /** nginx; '' when it cannot be seen. */
  readonly program: string;
}
export interface DockerEngine {
  /** "20.10.24" */
  readonly version: string;
  readonly swarm: boolean;
  readonly rootless: boolean;
}
export interface MachineFacts {
  readonly uid: number;
  /** Whether systemd runs here. offline: it is installed but does not run, as while an image of a machine is built. */
  readonly systemd: 'running' | 'offline' | 'missing';
  /** "252" */
  readonly systemdVersion: number;
  readonly missingPrograms: readonly string[];
  /** Undefined when Docker does not run. */
  readonly docker: DockerEngine | undefined;
  /** Whether there is a unit docker.service. */
  readonly dockerUnit: boolean;
  /** The control groups by which Docker limits pods; undefined when none are mounted. */
  readonly cgroups: { readonly version: 1 | 2; readonly missing: readonly string[] } | undefined;
  /** What did not work in a temporary network namespace. */
  readonly missingFeatures: readonly string[];
  readonly swapBytes: number;
  readonly freeBytes: number;
  readonly nowMs: number;
  /** When this program was built. */
  readonly builtMs: number;
  readonly listeners: readonly Listener[];
  /** Ranges of addresses and routes of this machine, with their origin, except those of the node's own pods. */
  readonly ranges: readonly { readonly cidr: string; readonly origin: string }[];
}
export interface PreflightOptions {
  readonly allowSwap: boolean;
  /** False: everything is written and nothing is started, so facts about running programs are not checked. */
  readonly start: boolean;
}

/** Units and LoadCredential as used here; Ubuntu 22.04 has 249, Debian 12 has 252. */
const minSystemd = 249;
/** The engine's API 1.41, live-restore, reload of mirrors. */
const minDocker = [20, 10] as const;
const minFreeBytes = 1024 ** 3;
/** A machine with a correct clock refuses certificates from a machine with a wrong one. */
const clockToleranceMs = 24 * 3600 * 1000;

export const packagesOf: Readonly<Record<string, string>> = {
  dockerd: 'docker.io',
  iptables: 'iptables',
  'iptables-save': 'iptables',
  'iptables-restore': 'iptables',
  nft: 'nftables',
  conntrack: 'conntrack',
  ip: 'iproute2',
  ss: 'iproute2',
  sysctl: 'procps',
  modprobe: 'kmod',
  'systemd-sysusers': 'systemd',
  // Only on control machines with etcd.
  etcd: 'etcd-server',
};

/** Checks in the order in which a person would solve the problems. @throws Refused for the first check that fails */
export function checkMachine(facts: MachineFacts, options: PreflightOptions): void {
  if (facts.uid !== 0)
    throw new Refused('needs root: units, kernel settings and Docker are set up.', 'Run it with sudo.');
  checkSystemd(facts, options);
  if (facts.missingPrograms.length > 0) {
    const packages = [...new Set(facts.missingPrograms.map((program) => packagesOf[program] ?? program))];
    throw new Refused(
      `these programs are missing: ${facts.missingPrograms.join(', ')}.`,
      `Install them; on Debian and Ubuntu: apt-get install --no-install-recommends ${packages.join(' ')}`,
    );
  }
  if (!facts.dockerUnit) {
    throw new Refused(
      'dockerd is there, but no unit docker.service: pods need the engine of the system.',
      'Install it as a package: docker.io of Debian or Ubuntu, or docker-ce. The snap and rootless Docker will not do.',
    );
  }
  checkClock(facts);
  if (!options.start) return;
  checkDocker(facts.docker);
  checkCgroups(facts);
  if (facts.missingFeatures.length > 0) {
    throw new Refused(
      `this kernel lacks: ${facts.missingFeatures.join(', ')}.`,
      'Load the modules (modprobe bridge veth iptable_nat nf_conntrack vxlan), or boot a full kernel of the distribution.',
    );
  }
  if (facts.swapBytes > 0 && !options.allowSwap) {
    throw new Refused(
      `swap is on (${Math.round(facts.swapBytes / 1024 ** 2)} MiB): a pod at its memory limit would slow the machine down instead of being ended.`,
      'Switch it off (swapoff -a, and its line in /etc/fstab), or accept that: --allow-swap',
    );
  }
  if (facts.freeBytes < minFreeBytes) {
    throw new Refused('less than 1 GiB is free under /var/lib.', 'Free some space: images and containers go there.');
  }
}

function checkSystemd({ systemd, systemdVersion }: MachineFacts, { start }: PreflightOptions): void {
  if (systemd === 'missing') {
    throw new Refused(
      'this machine has no systemd.',
      'Without systemd, hack/up runs clusters on one machine: see the README.',
    );
  }
  if (systemd === 'offline' && start) {
    throw new Refused(
      'systemd does not run here.',
      'Inside an image or a chroot let it be started at the first boot: --no-start',
    );
  }
  if (systemdVersion < minSystemd) {
    throw new Refused(
      `systemd ${systemdVersion} is too old; ${minSystemd} or later is needed.`,
      'Debian 12 and Ubuntu 22.04 and later have it.',
    );
  }
}

function checkClock({ nowMs, builtMs }: MachineFacts): void {
  if (nowMs > builtMs - clockToleranceMs) return;
  throw new Refused(
    `the clock is wrong: it says ${new Date(nowMs).toISOString().slice(0, 10)}, and this program was built on ${new Date(builtMs).toISOString().slice(0, 10)}.`,
    'Set it (timedatectl set-ntp true, or date -s): certificates would not be valid yet.',
  );
}

function checkDocker(docker: DockerEngine | undefined): void {
  if (docker === undefined) {
    throw new Refused('Docker does not answer at /var/run/docker.sock.', 'See why: systemctl status docker');
  }
  const [major = 0, minor = 0] = docker.version.split('.').map(Number);
  if (major < minDocker[0] || (major === minDocker[0] && minor < minDocker[1])) {
    throw new Refused(
      `Docker ${docker.version} is too old; 20.10 or later is needed.`,
      'Debian 12 and Ubuntu 22.04 have it.',
    );
  }
  if (docker.swarm) {
    throw new Refused(
      'Docker is part of a swarm, and then does not keep containers running over its own restart (live-restore).',
      'Leave the swarm: docker swarm leave',
    );
  }
  if (docker.rootless) {
    throw new Refused(
      'Docker runs without root, and cannot join the namespaces of pods.',
      'Use the engine of the system.',
    );
  }
}

function checkCgroups({ cgroups }: MachineFacts): void {
  if (cgroups === undefined) {
    throw new Refused(
      'no control groups are mounted under /sys/fs/cgroup.',
      'systemd mounts them; boot a full kernel.',
    );
  }
  if (cgroups.missing.length > 0) {
    throw new Refused(
      `control groups (version ${cgroups.version}) lack: ${cgroups.missing.join(', ')}; limits of pods would not hold.`,
      'Boot with cgroup_enable=memory on the kernel command line, as a Raspberry Pi needs, or another kernel.',
    );
  }
}

/** The ports of processes that do not run yet. */
export interface PortUse {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly purpose: string;
}

/** Ports of a node, by the part that opens them. */
export function portsOf(desired: Desired): ReadonlyMap<string, readonly PortUse[]> {
  const { nodeIp, cluster } = desired;
  const tcp = (port: number, purpose: string, address = '0.0.0.0'): PortUse => ({
    port,
    protocol: 'tcp',
    address,
    purpose,
  });
  const etcdUses = [
    tcp(etcdPorts.client, 'etcd'),
    tcp(etcdPorts.peer, 'etcd', nodeIp),
    tcp(etcdPorts.health, "etcd's health", '127.0.0.1'),
  ];
  const registryPort = Number(cluster.registry.split(':').at(-1));
  return new Map([
    ...(desired.role === 'control'
      ? ([
          ['server', [tcp(6443, 'the API')]],
          ...(desired.etcd ? ([['etcd', etcdUses]] as const) : []),
          ...(desired.registryElsewhere
            ? []
            : ([
                ['registry', [tcp(registryPort, 'the image registry (--registry-port chooses another)', nodeIp)]],
              ] as const)),
        ] as const)
      : []),
    ...(cluster.balancer === ''
      ? []
      : ([
          [
            'balancer',
            [tcp(balancerPort, 'the balancer', '127.0.0.1'), tcp(10260, "the balancer's health", '127.0.0.1')],
          ],
        ] as const)),
    ['kubelet', [tcp(10250, "the kubelet's API"), tcp(10248, "the kubelet's health", '127.0.0.1')]],
    ['kube-proxy', [tcp(10256, "kube-proxy's health"), tcp(10249, "kube-proxy's metrics", '127.0.0.1')]],
    [
      'dns',
      [
        tcp(53, 'names of Services', nodeIp),
        { ...tcp(53, 'names of Services', nodeIp), protocol: 'udp' as const },
        tcp(10258, 'health of dns', '127.0.0.1'),
      ],
    ],
    ['ingress', [tcp(80, 'Ingress'), tcp(443, 'Ingress'), tcp(10259, 'health of ingress', '127.0.0.1')]],
  ]);
}

const wildcards = ['0.0.0.0', '*', '[::]', '::'];

/** `running`: the parts of k8ts that run and may have their ports. @throws Refused naming the program that has a port */
export function checkPorts(facts: MachineFacts, desired: Desired, running: readonly string[]): void {
  for (const [part, uses] of portsOf(desired)) {
    if (running.includes(part)) continue;
    for (const use of uses) {
      const other = facts.listeners.find(
        ({ protocol, address, port }) =>
          protocol === use.protocol &&
          port === use.port &&
          (address === use.address || wildcards.includes(address) || wildcards.includes(use.address)),
      );
      if (!other) continue;
      throw new Refused(
        `port ${use.port}/${use.protocol} is needed for ${use.purpose}, but ${other.program || 'another program'} listens at ${other.address}:${other.port}.`,
        other.program === 'etcd'
          ? "Debian's package has started it. Stop it: systemctl disable --now etcd"
          : 'Stop it, or let it listen elsewhere.',
      );
    }
  }
}

/**
 * Refuses ranges of the cluster that overlap other addresses of this machine, because it could no longer reach these. @throws
 * Refused
 */
export function checkRanges(facts: MachineFacts, { cluster }: Desired): void {
  for (const [name, range] of [
    ['--cluster-cidr', cluster.clusterCidr],
    ['--service-cidr', cluster.serviceCidr],
  ] as const) {
    const clash = facts.ranges.find(({ cidr }) => cidrsOverlap(parseCidr(range), parseCidr(cidr)));
    if (!clash) continue;
    throw new Refused(
      `the cluster's range ${range} overlaps ${clash.cidr} (${clash.origin}) of this machine.`,
      `Choose another range at k8ts init: ${name}=CIDR`,
    );
  }
}
