// The tour as a story: the name, the Service, the way between nodes, policies, the container, the answer. Then what was learned, and what to try
// next. Pure.
import type { LocatedHop, PathReport } from '../../../base/path-report';
import type { TextKey, Values } from '../../texts/texts';
import { isQuiet } from './folds';
import { lessonsOf, type Step, withPort } from './steps';

export type ChapterKind = 'name' | 'ingress' | 'service' | 'node' | 'policy' | 'container' | 'answer';

export interface Chapter {
  readonly kind: ChapterKind;
  readonly steps: readonly Step[];
}

const objectsOf = ({ rules = [] }: LocatedHop): readonly string[] => rules.flatMap(({ objects }) => objects);
const isService = (hop: LocatedHop): boolean =>
  hop.kind === 'choice' || objectsOf(hop).some((object) => object.startsWith('Service '));
const policiesOf = (hop: LocatedHop): readonly string[] =>
  objectsOf(hop).filter((object) => object.startsWith('NetworkPolicy '));
const isPolicy = (hop: LocatedHop): boolean => policiesOf(hop).length > 0 || /Policy/.test(hop.fault?.code ?? '');

/** Chapters about the packet's way; in the others, the way of a question and that back, one quiet hop is enough. */
const wayChapters: ReadonlySet<ChapterKind> = new Set(['service', 'node', 'policy', 'container']);

/**
 * A chapter has each hop at which something happens, and of those that only pass the packet on one of each kind: each kind has one lesson. The same
 * kind of chapter may come more than once: a policy of the sender, and one of the receiver.
 */
export function chaptersOf(report: PathReport): readonly Chapter[] {
  const kindOf = kindsOf(report);
  const chapters: { kind: ChapterKind; steps: Step[] }[] = [];
  let taught = new Set<string>();
  for (const step of lessonsOf(report)) {
    const kind = kindOf(step.index);
    const last = chapters.at(-1);
    if (last?.kind !== kind) taught = new Set();
    const lesson = isQuiet(step) ? (wayChapters.has(kind) ? step.kind : 'quiet') : undefined;
    if (lesson !== undefined && taught.has(lesson)) continue;
    if (lesson !== undefined) taught.add(lesson);
    if (last?.kind === kind) last.steps.push(step);
    else chapters.push({ kind, steps: [step] });
  }
  return chapters;
}

function kindsOf({ hops }: PathReport): (index: number) => ChapterKind {
  // Behind an Ingress the way to the pod is a connection of its own.
  const main = hops.some(({ leg }) => leg === 'upstream') ? 'upstream' : 'request';
  const indexes = hops.flatMap((hop, i) => (hop.leg === main && hop.kind !== 'probe' ? [i] : []));
  const lastWith = (is: (hop: LocatedHop) => boolean) => [...indexes].reverse().find((i) => is(hops[i]!)) ?? -1;
  const service = lastWith(isService);
  // On the receiver's machine the packet has been let through, and goes to its process.
  const judged = lastWith(({ kind, name }) => kind === 'hook' && /forward|input/.test(name));
  const socket = lastWith(({ kind }) => kind === 'socket');
  const node = hops[socket]?.node;
  return (index) => {
    const hop = hops[index]!;
    if (hop.leg === 'name' || hop.kind === 'name') return 'name';
    if (hop.leg === 'answer' || hop.kind === 'probe') return 'answer';
    if (hop.leg !== main) return 'ingress';
    if (hop.kind === 'proxy') return 'ingress';
    if (isPolicy(hop)) return 'policy';
    if (index <= service) return 'service';
    const isBehind = index > judged && hop.node === node;
    return socket >= 0 && (index >= socket || isBehind) ? 'container' : 'node';
  };
}

/** A sentence of the page, with its values. */
export interface Sentence {
  readonly key: TextKey;
  readonly values?: Values;
}

/** What the tour has shown, in the order of its chapters. */
export function learnedOf({ hops, verdict }: PathReport): readonly Sentence[] {
  const sentences: Sentence[] = [];
  const way = hops.filter(({ leg, kind }) => (leg === 'request' || leg === 'upstream') && kind !== 'probe');
  const stop = verdict.works === 'no' && verdict.hop !== undefined ? hops[verdict.hop] : undefined;
  const isNamed = hops.some(({ kind }) => kind === 'name');
  if (isNamed && stop?.leg !== 'name' && stop?.kind !== 'name') sentences.push({ key: 'learnedName' });
  if (hops.some(({ kind }) => kind === 'proxy')) sentences.push({ key: 'learnedIngress' });
  const chosen = way.find((hop) => hop.becomes && isService(hop));
  if (chosen?.becomes) {
    const { destination, destinationPort } = chosen.becomes;
    const backend = withPort(destination, destinationPort);
    sentences.push({ key: 'learnedService', values: { node: chosen.node ?? '', backend } });
  }
  const nodes = [...new Set(way.flatMap(({ node }) => node ?? []))];
  const between = way.some(({ kind }) => kind === 'tunnel') ? 'learnedTunnel' : 'learnedNodes';
  if (nodes.length > 1) sentences.push({ key: between, values: { nodes: nodes.join(' → ') } });
  else if (nodes.length === 1) sentences.push({ key: 'learnedOneNode', values: { node: nodes[0]! } });
  // `NetworkPolicy shop/web ingress[0]`: one of its rules.
  const policies = [...new Set(way.flatMap(policiesOf).map((object) => object.split(' ')[1]))];
  if (policies.length > 0) sentences.push({ key: 'learnedPolicy', values: { policies: policies.join(', ') } });
  if (stop) return [...sentences, { key: 'learnedStopped', values: { hop: stop.name, code: verdict.code ?? '' } }];
  const socket = [...way].reverse().find(({ kind }) => kind === 'socket');
  if (socket) sentences.push({ key: 'learnedContainer', values: { socket: socket.name } });
  const undone = hops.find(({ leg, becomes }) => leg === 'answer' && becomes);
  if (undone?.becomes) sentences.push({ key: 'learnedAnswer', values: { address: undone.becomes.source } });
  return sentences;
}

/** `ask`: the question that the page can ask at once. */
export interface NextStep extends Sentence {
  readonly ask?: { readonly from: string; readonly to: string };
}

/** At most three things to try. `asked`: what the reader has asked. */
export function nextStepsOf(
  { hops, verdict }: PathReport,
  asked: { readonly from: string; readonly to: string },
): readonly NextStep[] {
  const { from } = asked;
  const [, namespace, name, port] = /^(?:svc|service)\/([^/]+)\/([^:/]+)(?::(.+))?$/.exec(asked.to) ?? [];
  const nodes = new Set(hops.flatMap(({ node, leg }) => (leg === 'name' ? [] : (node ?? []))));
  const steps: readonly (NextStep | false)[] = [
    verdict.works !== 'yes' && { key: 'tryRepair', ask: asked },
    verdict.works === 'yes' && !hops.some(isPolicy) && { key: 'tryPolicy' },
    name !== undefined && { key: 'tryName', ask: { from, to: `${name}.${namespace}:${port ?? '80'}` } },
    from !== 'outside' && nodes.size === 1 && { key: 'tryOtherNode' },
    // A name of the cluster is known in it alone.
    from !== 'outside' && name !== undefined && { key: 'tryOutside', ask: { from: 'outside', to: asked.to } },
  ];
  return steps.filter((step) => step !== false).slice(0, 3);
}
