// Whether what arrived once arrives again: where a rule of another program decides by chance, one probe proves little.
import type { HopRule } from '../../controlplane/base/hops';
import type { LocatedHop } from '../../controlplane/base/path-report';
import type { Followed } from './follow';
import type { ProbeDeps, Probed } from './probe-plan';
import type { Sender } from './sender';
import type { Target } from './target';

/** As many as a node sends at once. A rule that drops a third is missed once in 25 times. */
const tries = 8;
const timeoutMs = 300;

/** The rule with its hop; undefined: chance decides nothing, or only between endpoints. */
function ruleByChance(hops: readonly LocatedHop[]): { readonly hop: LocatedHop; readonly rule: HopRule } | undefined {
  for (const hop of hops) {
    const rule = hop.rules?.find(({ byChance, writer }) => byChance && !writer?.includes('of k8ts'));
    if (rule) return { hop, rule };
  }
  return undefined;
}

/** Empty where there is no such rule, or nothing was lost. */
export async function probeLoss(
  {
    sender,
    target,
    followed,
    hops,
  }: {
    readonly sender: Sender;
    readonly target: Target;
    readonly followed: Followed;
    readonly hops: readonly LocatedHop[];
  },
  { cluster }: ProbeDeps,
): Promise<readonly Probed[]> {
  const found = ruleByChance(hops);
  const { origin, node } = sender;
  const protocol = target.protocol;
  if (!found || origin.kind === 'machine' || node === undefined) return [];
  if (protocol !== 'tcp' && protocol !== 'icmp') return [];
  const request = {
    protocol,
    address: target.address,
    timeoutMs,
    ...(protocol === 'tcp' ? { port: target.port! } : {}),
  };
  const { results } = await cluster.probe(node, {
    from: origin,
    requests: Array.from({ length: tries }, () => request),
  });
  const lost = results.filter(({ outcome }) => outcome === 'timeout');
  const [first] = lost;
  if (first === undefined) return [];
  const { hop, rule } = found;
  const where = hop.node === undefined ? '' : ` on node ${hop.node}`;
  const message = `${lost.length} of ${results.length} more probes were lost: a rule of ${rule.writer ?? 'another program'}${where} decides by chance: ${rule.place}: ${rule.rule}`;
  const probed: LocatedHop = {
    kind: 'probe',
    name: `${tries} probes ${protocol} to ${target.address}`,
    state: 'doubtful',
    leg: followed.hops[0]?.leg ?? 'request',
    facts: results.map(({ outcome, totalMs }) => `${outcome} after ${totalMs.toFixed(1)} ms`),
    fault: {
      code: 'LostByChance',
      message,
      ...(hop.node === undefined
        ? {}
        : { remedy: `remove it on node ${hop.node}; hack/rules ${hop.node} explain 'RULE' says more` }),
    },
  };
  return [{ hop: probed, came: first, sightings: [] }];
}
