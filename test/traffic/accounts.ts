// The accounts of a run: every request with its end, every fault with its time, and from both the table of lost requests by way and
// cause. Pure.
//
// sent = ok + refused + reset + timed out + unreachable + wrong answer, for each way. A lost request is blamed on the faults that
// were active while it was under way; `judge` decides whether that fault excuses it.

export const ways = ['ClusterIP', 'NodePort', 'LoadBalancer', 'Ingress', 'DNS', 'headless name'] as const;
export type Way = (typeof ways)[number];

export const outcomes = ['ok', 'refused', 'reset', 'timed out', 'unreachable', 'wrong answer'] as const;
export type Outcome = (typeof outcomes)[number];

export interface RequestEnd {
  /** Milliseconds since the run began. */
  readonly at: number;
  readonly tookMs: number;
  readonly way: Way;
  /** Where the client is. */
  readonly from: 'host' | 'pod';
  /** The node whose address the client used, or whose dns it asked; absent for other addresses of the cluster. */
  readonly via?: string;
  readonly connection: 'new' | 'kept';
  readonly outcome: Outcome;
  /** The error or the wrong answer; of a request that was sent again, why. */
  readonly detail?: string;
  /** The pod that answered; for a request that was lost or sent again on a kept connection, the pod that answered before. */
  readonly pod?: string;
  /** The address of the pod that NAT sent a lost request to, or that the client looked up. */
  readonly target?: string;
  /**
   * The kept connection ended before the first byte of the answer, and the client sent the request again on a new connection, as
   * RFC 9112 section 9.3.1 allows. The outcome is that of the second try.
   */
  readonly sentAgain?: true;
}

export const faultKinds = [
  'api-down',
  'kube-proxy',
  'dns',
  'ingress',
  'kubelet',
  'docker',
  'rollout',
  'drain',
  'node-loss',
  'pod-kill',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** A pod that ended; its names in answers and its address in the kernel. */
export interface EndedPod {
  readonly name: string;
  readonly address: string;
  /** Milliseconds since the run began. */
  readonly at: number;
}
export interface Fault {
  readonly kind: FaultKind;
  /** The node, or the empty string for a fault of the whole cluster. */
  readonly node: string;
  /** Milliseconds since the run began: when it began, and when all was well again (absent: not yet). */
  readonly from: number;
  readonly until?: number;
  /** Pods that this fault ended without grace. */
  readonly killed?: readonly EndedPod[];
}
/** The load balancer's address moved from one node to another. */
export interface Move {
  /** Milliseconds since the run began; seen up to a quarter of a second later. */
  readonly at: number;
  readonly from: string;
  readonly to: string;
}
export interface Run {
  readonly requests: readonly RequestEnd[];
  readonly faults: readonly Fault[];
  /** Pods that the cluster ended in order, with the time from which they were ending. */
  readonly ended: readonly EndedPod[];
  readonly moves: readonly Move[];
}
/** Why a loss is allowed, and the fault that is the reason. */
export interface Excuse {
  readonly why: string;
  readonly fault: FaultKind;
}

export const faultName = ({ kind, node }: Pick<Fault, 'kind' | 'node'>): string =>
  node === '' ? kind : `${kind} ${node}`;

/** The faults that were active at some time of the request. */
export const activeDuring = (request: RequestEnd, faults: readonly Fault[]): readonly Fault[] =>
  faults.filter(
    ({ from, until = Number.POSITIVE_INFINITY }) => from <= request.at + request.tookMs && until >= request.at,
  );

/** The kinds of the active faults, in the order of their start; `no fault` without any. */
export function causeOf(request: RequestEnd, faults: readonly Fault[]): string {
  const active = [...activeDuring(request, faults)].sort((a, b) => a.from - b.from);
  return active.length === 0 ? 'no fault' : [...new Set(active.map(({ kind }) => kind))].join(' + ');
}

export interface Loss {
  readonly request: RequestEnd;
  readonly cause: string;
  /** Absent: it is not allowed. */
  readonly excuse?: Excuse;
}
export interface Row {
  readonly way: Way;
  readonly connection: 'new' | 'kept';
  readonly sent: number;
  readonly counts: Readonly<Record<Outcome, number>>;
  readonly sentAgain: number;
  readonly allowed: number;
  readonly lost: number;
  /** Half of the answered requests, and 99 of 100, took no longer. */
  readonly medianMs: number;
  readonly p99Ms: number;
}
export interface Accounts {
  readonly rows: readonly Row[];
  readonly losses: readonly Loss[];
  /** Number of losses by cause, way, outcome and excuse. The cause of an allowed loss is the fault that excuses it. */
  readonly causes: ReadonlyMap<string, number>;
}

export type Judge = (request: RequestEnd, run: Run) => Excuse | undefined;

/** Whether a request counts as lost unless it is excused: no right answer, or a kept connection that ended under a request. */
export const isLoss = ({ outcome, sentAgain }: RequestEnd): boolean => outcome !== 'ok' || sentAgain === true;

export function account(run: Run, judge: Judge): Accounts {
  const losses = run.requests.filter(isLoss).map((request): Loss => {
    const excuse = judge(request, run);
    return { request, cause: causeOf(request, run.faults), ...(excuse === undefined ? {} : { excuse }) };
  });
  const byRequest = new Map(losses.map((loss) => [loss.request, loss]));
  const rows = ways.flatMap((way) =>
    (['new', 'kept'] as const).flatMap((connection): Row[] => {
      const requests = run.requests.filter((request) => request.way === way && request.connection === connection);
      if (requests.length === 0) return [];
      const lost = requests.flatMap((request) => byRequest.get(request) ?? []);
      const took = requests.filter(({ outcome }) => outcome === 'ok').map(({ tookMs }) => tookMs);
      took.sort((a, b) => a - b);
      return [
        {
          way,
          connection,
          sent: requests.length,
          counts: countOutcomes(requests),
          sentAgain: requests.filter(({ sentAgain }) => sentAgain).length,
          allowed: lost.filter(({ excuse }) => excuse !== undefined).length,
          lost: lost.filter(({ excuse }) => excuse === undefined).length,
          medianMs: took[Math.floor(took.length / 2)] ?? 0,
          p99Ms: took[Math.floor(took.length * 0.99)] ?? 0,
        },
      ];
    }),
  );
  const causes = new Map<string, number>();
  for (const { request, cause, excuse } of losses) {
    const outcome = request.outcome === 'ok' ? 'sent again' : request.outcome;
    const key = [excuse?.fault ?? cause, request.way, request.connection, outcome, excuse?.why ?? 'NOT ALLOWED'].join(
      ' | ',
    );
    causes.set(key, (causes.get(key) ?? 0) + 1);
  }
  return { rows, losses, causes };
}

function countOutcomes(requests: readonly RequestEnd[]): Record<Outcome, number> {
  const counts = Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
  for (const { outcome } of requests) counts[outcome]++;
  return counts;
}

export function renderAccounts({ rows, causes }: Accounts): string {
  const head = ['way', 'connection', 'sent', ...outcomes, 'sent again', 'allowed', 'LOST', 'median ms', 'p99 ms'];
  const body = rows.map((row) => [
    row.way,
    row.connection,
    row.sent,
    ...outcomes.map((outcome) => row.counts[outcome]),
    row.sentAgain,
    row.allowed,
    row.lost,
    row.medianMs.toFixed(1),
    row.p99Ms.toFixed(1),
  ]);
  const sum = (value: (row: Row) => number) => rows.reduce((total, row) => total + value(row), 0);
  const total = [
    'all',
    '',
    sum(({ sent }) => sent),
    ...outcomes.map((outcome) => sum(({ counts }) => counts[outcome])),
    sum(({ sentAgain }) => sentAgain),
    sum(({ allowed }) => allowed),
    sum(({ lost }) => lost),
    '',
    '',
  ];
  const causeRows = [...causes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, count]) => [count, ...key.split(' | ')]);
  const causeTable =
    causeRows.length === 0
      ? 'no request was lost\n'
      : table([['count', 'cause', 'way', 'connection', 'end', 'allowed because'], ...causeRows]);
  return `${table([head, ...body, total])}\n${causeTable}`;
}

function table(rows: readonly (readonly (string | number)[])[]): string {
  const texts = rows.map((row) => row.map(String));
  const widths = texts[0]!.map((_, i) => Math.max(...texts.map((row) => row[i]!.length)));
  return texts
    .map(
      (row) =>
        `${row
          .map((cell, i) => (/^[\d.]+$/.test(cell) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
