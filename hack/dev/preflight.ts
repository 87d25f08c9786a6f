// Checks this host before anything is created: facts.ts gathers the facts, this file judges them. Pure.
import { cidrsOverlap, parseCidr } from '../../controlplane/base/cidr';
import { AppError } from '../../controlplane/base/errors';
import type { ClusterPlan } from './plan';

export interface HostFacts {
  readonly uid: number;
  readonly cgroups: boolean;
  /** "20.10.24"; undefined without dockerd. */
  readonly dockerVersion: string | undefined;
  readonly missingPrograms: readonly string[];
  /** What a trial in a temporary namespace could not create: "bridge", "veth", "iptables nat". */
  readonly missingFeatures: readonly string[];
  /** Addresses and routes of the host, as CIDR ranges with their origin. */
  readonly ranges: readonly { readonly cidr: string; readonly origin: string }[];
  readonly links: readonly string[];
  readonly namespaces: readonly string[];
  readonly freeBytes: number;
}

/** Wrong use, or a host that cannot run a cluster. The message holds the cause and what to do; it is printed without a stack. */
export class Refused extends AppError {
  constructor(cause: string, whatToDo: string) {
    super('BadRequest', `${cause}\n  ${whatToDo}`);
  }
}

/** The engine must know live-restore with registry mirrors and API 1.41. */
const minDocker = [20, 10] as const;
const minFreeBytes = 1024 ** 3;

/** Ranges that overlap `subnet`, which is not the cluster's own yet. */
export const overlapping = (subnet: string, ranges: HostFacts['ranges']): HostFacts['ranges'] =>
  ranges.filter(({ cidr }) => cidrsOverlap(parseCidr(subnet), parseCidr(cidr)));

/** Checks that hold for every start. @throws Refused for the first thing that is wrong */
export function checkHost(facts: HostFacts): void {
  if (facts.uid !== 0) throw new Refused('needs root to create namespaces, links and rules.', 'Run: sudo hack/up');
  if (facts.missingPrograms.length > 0) {
    throw new Refused(
      `these programs are missing: ${facts.missingPrograms.join(', ')}.`,
      'hack/up installs them on Debian and Ubuntu; elsewhere install them by hand and make sure they are on PATH.',
    );
  }
  if (!facts.cgroups) {
    throw new Refused(
      'no control groups are mounted under /sys/fs/cgroup, and Docker cannot run containers without them.',
      'Inside a container: start it privileged, with its own cgroup mount. On a machine, run: mount -t cgroup2 none /sys/fs/cgroup',
    );
  }
  checkDocker(facts.dockerVersion);
  if (facts.missingFeatures.length > 0) {
    throw new Refused(
      `this kernel, or the sandbox of this shell, lacks: ${facts.missingFeatures.join(', ')}.`,
      'Load the modules (modprobe bridge veth iptable_nat nf_tables nf_conntrack), or use a machine or VM with a full kernel.',
    );
  }
  if (facts.freeBytes < minFreeBytes) {
    throw new Refused('less than 1 GiB is free under /var/lib.', 'Free some space: images and containers go there.');
  }
}

function checkDocker(version: string | undefined): void {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  if (major > minDocker[0] || (major === minDocker[0] && minor >= minDocker[1])) return;
  throw new Refused(
    version === undefined
      ? 'dockerd does not report its version.'
      : `Docker ${version} is too old; 20.10 or later is needed.`,
    'Install docker.io of Debian 12 or later, or of Ubuntu 22.04 or later.',
  );
}

/** Checks for a first start: nothing may occupy the cluster's names and ranges. @throws Refused */
export function checkFree(plan: ClusterPlan, facts: HostFacts): void {
  const clash = overlapping(plan.subnet, facts.ranges)[0];
  if (clash) {
    throw new Refused(
      `subnet ${plan.subnet} is in use: ${clash.cidr} (${clash.origin}).`,
      'Choose another one: hack/up --subnet 192.168.99.0/24',
    );
  }
  const names = [plan.bridge, ...plan.nodes.map((node) => node.veth)];
  const leftover =
    names.find((name) => facts.links.includes(name)) ??
    plan.nodes.map((node) => node.netns).find((name) => facts.namespaces.includes(name));
  if (leftover) {
    throw new Refused(
      `${leftover} exists already, but no cluster ${plan.name} is recorded: a start was interrupted, or another program created it.`,
      `Remove the leftovers of the cluster with: hack/down --name ${plan.name}`,
    );
  }
}

/** Ranges of the host that pods could not reach, since the cluster uses the same addresses: a warning, no reason to stop. */
export function shadowed(facts: HostFacts, clusterRanges: readonly string[]): readonly string[] {
  return facts.ranges
    .filter(({ cidr }) => clusterRanges.some((range) => cidrsOverlap(parseCidr(range), parseCidr(cidr))))
    .map(({ cidr, origin }) => `${cidr} (${origin})`);
}
