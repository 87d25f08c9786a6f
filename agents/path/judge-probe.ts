// What the outcome of a probe means: the program, the Ingress, or something on the way. Pure.
import type { HopFault, ProbeCame } from '../../controlplane/base/hops';
import type { LocatedHop } from '../../controlplane/base/path-report';
import { certificateFault } from './certificate-check';
import { logOf } from './log-of';
import { type Found, type Judging, ms, type ProbePlan } from './probe-plan';
import { endText } from './service-check';
import type { Sighted } from './sightings';
import { silence } from './silence';

const slowMs = 500;

export function judgeProbe({ plan, came, seen, blind, label }: Judging): {
  readonly hop: LocatedHop;
  readonly came: ProbeCame;
} {
  const { target, leg, http, direct } = plan;
  const first = came[0] ?? { outcome: 'failed' as const, totalMs: 0, error: 'nothing was sent' };
  const to = direct ? endText(direct) : `${target.address}${target.port === undefined ? '' : ` port ${target.port}`}`;
  const what = http ? `HEAD ${http.scheme}://${http.host}${http.path}` : target.protocol;
  const name = `probe ${what} to ${to}`;
  const unseen = blind.length > 0 ? [`not watched in time by ${blind.join(', ')} (busy, or another clock)`] : [];
  const facts = [...outcomeFacts(first), ...seenFacts(seen), ...unseen];
  const base = { kind: 'probe', name, leg, facts } as const;
  const done = (hop: Pick<LocatedHop, 'state'> & { readonly fault?: HopFault }) => ({
    hop: { ...base, ...hop },
    came: first,
  });
  const fault = faultOf(first, { seen, blind, label, plan });
  if (fault) return done({ state: fault.sure ? 'stops' : 'doubtful', fault: fault.fault });
  return done({ state: 'passes' });
}

function outcomeFacts({ outcome, connectMs, totalMs, error, reportedBy, http, tls }: ProbeCame): readonly string[] {
  return [
    `${outcome}${http ? ` with HTTP status ${http.status}` : ''} after ${ms(outcome === 'connected' ? (connectMs ?? totalMs) : totalMs)}${connectMs === undefined || outcome === 'connected' ? '' : ` (connection after ${ms(connectMs)})`}${error ? `: ${error}` : ''}${reportedBy ? `, says ${reportedBy}` : ''}`,
    ...(http?.server ? [`the server is ${http.server}`] : []),
    ...(tls ? [`certificate of ${tls.subject}, for ${tls.names.slice(0, 4).join(', ')}`] : []),
  ];
}

const seenFacts = (seen: readonly Sighted[]): readonly string[] =>
  seen.map(
    ({ node, link, direction, what, afterUs, packet }) =>
      `${(afterUs / 1000).toFixed(2).padStart(6)} ms  ${what} ${direction} at ${link} of ${node}: ${packet}`,
  );

/** Undefined: the probe arrived, and was answered as it should be. */
function faultOf(
  came: ProbeCame,
  { seen, blind, label, plan }: Pick<Judging, 'seen' | 'blind' | 'label' | 'plan'>,
): Found | undefined {
  const { target } = plan;
  const at = target.label;
  const sure = (code: string, message: string, remedy?: string): Found => ({
    sure: true,
    fault: { code, message, ...(remedy ? { remedy } : {}) },
  });
  switch (came.outcome) {
    case 'connected':
    case 'answered': {
      const slow = (came.connectMs ?? 0) > slowMs;
      if (slow)
        return {
          sure: false,
          fault: {
            code: 'SlowAccept',
            message: `the connection took ${ms(came.connectMs!)}: its first packet was lost and sent again`,
          },
        };
      const status = came.http?.status ?? 0;
      // The page of an Ingress bears its name; other ones are answers of the program, which the probe has reached.
      const isIngress = at.startsWith('node ') && came.http?.server === 'k8ts';
      if (isIngress && (status === 502 || status === 503 || status === 504)) {
        return sure(
          'BadGateway',
          `the Ingress answers ${status}: it gets no good answer from ${at}`,
          `${logOf('ingress', plan.followed.passed.at(-1)?.node)} says why`,
        );
      }
      if (plan.routeless && status === 404)
        return sure('NoRouteAtIngress', `the Ingress answers 404 to ${plan.http?.host}`);
      const certificate = certificateFault(came.tls, plan.http?.host);
      return certificate && { sure: false, fault: certificate };
    }
    case 'refused':
      if (plan.followed.hops.some(({ kind, state }) => kind === 'socket' && state === 'passes')) {
        const message = `${at} refuses the connection, although a program listens: a rule inside the pod does it${whoRefuses(seen)}`;
        return sure('Refused', message, 'iptables -S and nft list ruleset, in the network namespace of the pod');
      }
      return sure(
        'Refused',
        `${at} refuses the connection${whoRefuses(seen)}`,
        'see whether the program listens on this port',
      );
    case 'reset':
      return sure(
        'Reset',
        `${at} accepts the connection and resets it${whoRefuses(seen)}`,
        plan.http?.scheme === 'http'
          ? 'the log of the program may say why (kubectl logs); it may expect another protocol, such as TLS'
          : 'the log of the program may say why: kubectl logs',
      );
    case 'closed':
      return sure(
        'Closed',
        `${at} accepts the connection and closes it without an answer`,
        'the program may expect another protocol, such as TLS',
      );
    case 'tls':
      return sure(
        'TlsFails',
        `the TLS handshake with ${at} fails: ${came.error ?? ''}`,
        'the server may not speak TLS on this port',
      );
    case 'unreachable':
      return sure(
        'Unreachable',
        `${at} is unreachable: ${came.error ?? ''}${came.reportedBy ? `, says ${came.reportedBy}` : ''}`,
      );
    case 'timeout':
      if (came.connectMs !== undefined) {
        const message = `${at} accepts the connection, but gives no answer within ${ms(came.totalMs)}: the program is slow or hangs`;
        return {
          sure: false,
          fault: { code: 'NoAnswerInTime', message, remedy: whatItWaitsFor(plan) },
        };
      }
      return silence({ seen, blind, label, plan });
    default:
      return sure('ProbeFailed', `the probe fails: ${came.error ?? came.outcome}`);
  }
}

/** A URL at a node is answered by its Ingress. */
function whatItWaitsFor({ target, http, followed }: ProbePlan): string {
  if (!http || !target.label.startsWith('node ')) return 'kubectl logs may say what it waits for';
  return `hack/status, to see whether the Ingress of the node runs; ${logOf('ingress', followed.passed.at(-1)?.node)}`;
}

const whoRefuses = (seen: readonly Sighted[]): string => {
  const first = seen.find(({ what }) => what === 'refusal');
  return first
    ? ` (the refusal comes ${first.direction === 'in' ? 'in' : 'out'} at ${first.link} of node ${first.node})`
    : '';
};
