// A planned way, tried out: by a probe to the destination, then to the endpoints that chance did not choose.
import { AppError } from '../../controlplane/base/errors';
import type { LocatedHop } from '../../controlplane/base/path-report';
import type { PathQuestion } from './deps';
import { noProbe, sendProbe, whyFailed } from './probe';
import { probeLoss } from './probe-loss';
import type { ProbeDeps, Probed } from './probe-plan';
import { probeSize } from './probe-size';
import type { Sender } from './sender';
import type { Target } from './target';
import type { Walked } from './walk';

export interface Way {
  readonly question: PathQuestion;
  readonly sender: Sender;
  readonly target: Target;
  readonly walked: Walked;
  readonly behind: (Walked & { readonly target?: Target; readonly sender?: Sender }) | undefined;
}

/** What was planned, tried out. Adds a hop to the plan when the caller may not send. */
export async function probeWay(
  { question, sender, target, walked, behind }: Way,
  deps: ProbeDeps,
  hops: LocatedHop[],
): Promise<readonly Probed[]> {
  const { followed, blamed } = walked;
  const { to } = question;
  if (followed === undefined || followed.passed.length === 0) return [];
  const http = to.kind === 'url' ? { http: { scheme: to.scheme, host: to.host, path: to.path } } : {};
  const direct = blamed && behind === undefined ? { direct: blamed } : {};
  const routeless = hops.some(({ kind, state }) => kind === 'proxy' && state === 'stops') ? { routeless: true } : {};
  try {
    const first = await sendProbe(
      { sender, target, followed, leg: 'request', ...http, ...direct, ...routeless, ways: walked.ways ?? [] },
      deps,
    );
    if (first === undefined) {
      const isSctp = target.protocol === 'sctp';
      hops.push(
        noProbe(
          isSctp
            ? 'probes speak no SCTP'
            : `only ${sender.label} itself can send it: ask from that machine, with k8ts path`,
        ),
      );
      return [];
    }
    if (first.hop.state === 'passes') {
      const broken = await probeOthers({ sender, target, ways: walked.ways ?? [] }, deps);
      return broken
        ? [{ ...broken, isPart: true }, first]
        : [
            first,
            ...(await probeLoss({ sender, target, followed, hops }, deps)),
            ...(await probeSize({ sender, target, followed }, deps)),
          ];
    }
    // The Ingress answers, but what is behind it does not: the same request from the node of the Ingress.
    if (behind?.followed === undefined || behind.target === undefined || behind.sender === undefined) return [first];
    const upstream = {
      sender: behind.sender,
      target: behind.target,
      followed: behind.followed,
      leg: 'upstream' as const,
    };
    const plain = to.kind === 'url' ? { http: { ...http.http!, scheme: 'http' as const } } : {};
    const second = await sendProbe(
      { ...upstream, ...plain, ...(behind.blamed ? { direct: behind.blamed } : {}) },
      deps,
    );
    if (second === undefined) return [first];
    if (second.hop.state === 'passes' && isAnswerOfProgram(first, second)) return [passed(first)];
    return second.hop.state === 'passes' ? [hungIngress(first, second, behind.sender.label), second] : [second, first];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    hops.push(noProbe(whyFailed(error)));
    return [];
  }
}

/** Asked directly, the program says 503 too: then that is no trouble of the Ingress. */
const isAnswerOfProgram = (first: Probed, second: Probed): boolean =>
  first.hop.fault?.code === 'BadGateway' && first.came.http?.status === second.came.http?.status;

function passed(probed: Probed): Probed {
  const { fault: _, ...hop } = probed.hop;
  return { ...probed, hop: { ...hop, state: 'passes' } };
}

const soonMs = 1_000;

/** What is behind the Ingress answers it, and the Ingress itself does not. */
function hungIngress(first: Probed, second: Probed, ingress: string): Probed {
  const { fault } = first.hop;
  // A program that needs nearly as long as the Ingress was given is slow itself.
  if (fault?.code !== 'NoAnswerInTime' || second.came.totalMs > soonMs) return first;
  const message = `${ingress} accepts the connection and gives no answer, though what is behind it answers at once (${second.hop.facts[0]}): the Ingress hangs`;
  return { ...first, hop: { ...first.hop, state: 'stops', fault: { ...fault, code: 'IngressSilent', message } } };
}

/**
 * A probe to the Service meets one endpoint, by chance. The others are tried by their own addresses. Undefined: all of them answer, or there
 * is only one.
 */
async function probeOthers(
  {
    sender,
    target,
    ways,
  }: { readonly sender: Sender; readonly target: Target; readonly ways: NonNullable<Walked['ways']> },
  deps: ProbeDeps,
): Promise<Probed | undefined> {
  const ends = ways.flatMap(({ end }) => end ?? []);
  const { origin, node } = sender;
  if (ends.length < 2 || target.protocol !== 'tcp' || origin.kind === 'machine' || node === undefined) return undefined;
  const requests = ends.map(({ address, port }) => ({ protocol: 'tcp' as const, address, port, timeoutMs: 500 }));
  const { results } = await deps.cluster.probe(node, { from: origin, requests });
  const bad = results.findIndex(({ outcome }) => outcome !== 'connected');
  if (bad < 0) return undefined;
  const { end, found } = ways[bad]!;
  const probed = await sendProbe({ sender, target, followed: found, leg: 'request', direct: end! }, deps);
  return probed?.hop.state === 'stops' ? probed : undefined;
}
