// The whole way, from the question to the verdict: sender, name, Service, then hop by hop over the nodes, and the answer back.
import { isIP } from 'node:net';
import type { LocatedHop, PathReport } from '../../controlplane/base/path-report';
import { addressesOf } from './cluster';
import type { PathDeps, PathQuestion } from './deps';
import { findTarget } from './destination';
import { probeWay } from './path-probe';
import type { Probed } from './probe-plan';
import { faultHop, stops } from './report';
import { findSender, type Sender } from './sender';
import { withSince } from './since';
import { judge } from './verdict';
import { type Walked, walkBehind, walkTo } from './walk';

/** @throws NotFound, BadRequest about the question, Forbidden with what the caller may not read */
export async function findPath(question: PathQuestion, deps: PathDeps): Promise<PathReport> {
  const { cluster, ownAddress } = deps;
  const [anyNode = ''] = (await cluster.nodes()).flatMap(addressesOf);
  const found = await findSender(question.from, cluster, () => ownAddress(anyNode));
  const hops: LocatedHop[] = [];
  if (found.hop) hops.push({ ...found.hop, leg: 'request' });
  const target = stops(hops) ? undefined : await findTarget(question, found, deps, hops);
  const sender = target ? await ofFamily(target.address, found, question, deps) : found;
  if (sender.hop && !found.hop) {
    hops.push({ ...sender.hop, leg: 'request' });
    return report({ from: sender.label, to: target?.label ?? question.texts.to }, hops, {});
  }
  const label = { from: sender.label, to: target?.label ?? question.texts.to };
  if (target === undefined) return report(label, hops, {});
  const { to } = question;
  const planFrom = hops.length;
  const walked = await walkTo(target, sender, deps, hops);
  const isProxy = to.kind === 'url' && target.label.startsWith('node ') && ingressPorts.has(target.port ?? 0);
  const atIngress = isProxy && walked.at !== undefined && !stops(hops);
  const behind = atIngress ? await walkBehind(to, walked.at!, deps, hops) : undefined;
  const labels = atIngress ? { ...label, to: question.texts.to } : label;
  const probes =
    deps.probes === undefined ? [] : await probeWay({ question, sender, target, walked, behind }, deps.probes, hops);
  if (!atIngress && probes.some(({ hop }) => hop.state !== 'passes') && !stops(hops)) {
    // The probe has made the kernel ask for its neighbours: who does not answer is known now, and who did not answer before may do so.
    const again: LocatedHop[] = [];
    await walkTo(target, sender, deps, again);
    hops.splice(planFrom, hops.length, ...again);
  }
  return report(labels, await dated(hops, deps), behind ?? walked, probes);
}

/** A machine outside with an address of the family of the destination; or with the hop that says that it has none. */
async function ofFamily(
  destination: string,
  sender: Sender,
  { from }: PathQuestion,
  { ownAddress }: PathDeps,
): Promise<Sender> {
  const isOther = (own: string) => own.includes(':') !== destination.includes(':');
  if (sender.origin.kind !== 'machine' || !sender.addresses.every(isOther) || isIP(destination) === 0) return sender;
  const isHere = from.kind === 'outside' && from.address === undefined;
  const own = isHere ? await ownAddress(destination).catch(() => undefined) : undefined;
  if (own !== undefined && !isOther(own))
    return { ...sender, origin: { kind: 'machine', address: own }, addresses: [own] };
  const family = destination.includes(':') ? 'IPv6' : 'IPv4';
  const message = `${sender.label} has no ${family} address, so it cannot send to ${destination}`;
  return { ...sender, hop: faultHop('interface', sender.label, { code: 'AddressMissing', message }) };
}

/** Where the proxies of the nodes listen: other ports of a node are those of other programs. */
const ingressPorts: ReadonlySet<number> = new Set([80, 443]);

/** Of a change that is only tried out, no object has a time. */
const dated = (hops: readonly LocatedHop[], { cluster }: PathDeps): Promise<readonly LocatedHop[]> =>
  cluster.isChanged ? Promise.resolve(hops) : withSince(hops, cluster);

const report = (
  label: { readonly from: string; readonly to: string },
  hops: readonly LocatedHop[],
  { packet, ends = 0, isPart }: Walked,
  probes: readonly Probed[] = [],
): PathReport => ({
  apiVersion: 'path.k8ts.io/v1alpha1',
  kind: 'PathReport',
  ...label,
  hops: [...hops, ...probes.map(({ hop }) => hop)],
  ...(packet ? { delivered: packet } : {}),
  probed: probes.length > 0,
  verdict: judge({
    ...label,
    hops,
    probes: probes.map(({ hop }) => hop),
    ends,
    isPart: isPart === true || probes.some((probe) => probe.isPart),
  }),
});
