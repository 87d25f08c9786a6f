// Which faults a run has, and when: chosen from its seed. Pure.
import type { Random } from '../random';
import type { LinkEnd } from './network';

export const crashPoints = [
  'before-begin',
  'before-commit',
  'after-commit',
  'before-sync',
  'after-sync',
  'before-txn',
  'after-txn-sent',
  'after-txn',
  'before-answer',
  'after-answer',
] as const;
type CrashPoint = (typeof crashPoints)[number];

/** What a fault needs, and what it does to whom. */
export const faultKinds = {
  kill: 'SIGKILL of a server at any time',
  stop: 'SIGTERM of a server',
  crash: `end of a server at a named point: ${crashPoints.join(', ')}`,
  freeze: 'SIGSTOP of a server for up to 3.5 s, then SIGCONT',
  clock: "step of a server's wall clock by an hour, and back",
  'sync-error': 'a sync of the disk fails (SQLite)',
  'full-disk': 'the disk is full for a while (SQLite, root: a small file system of its own)',
  cut: 'one member: no byte passes between a server and etcd for up to 10 s; then all arrives late, or the connections are reset',
  'etcd-kill': 'one member: SIGKILL of etcd',
  'etcd-freeze': 'one member: SIGSTOP of etcd for up to 3 s, then SIGCONT',
  isolate:
    'several members: the link of a place is down for up to 10 s: neither clients nor other places reach its server and member',
  split:
    'several members: for up to 10 s no byte passes between a place and the others, while clients reach all of them',
  'member-kill': 'several members: SIGKILL of one, often the leader, started again at once or after up to 3 s',
  'member-freeze': 'several members: SIGSTOP of one, often the leader, for up to 3 s, then SIGCONT',
  'no-quorum': 'several members: SIGKILL of two of three, started again after up to 5 s',
  'place-kill':
    'several members: SIGKILL of the server and the member of a place; the member is started again like that of member-kill',
} as const;
export type FaultKind = keyof typeof faultKinds;

export interface Fault {
  readonly kind: FaultKind;
  /** Milliseconds after the fault before it is over. */
  readonly afterMs: number;
  /** With several members also the place, and its member. */
  readonly server: number;
  /** With several members: the place whose member leads at that time, instead of that of `server`. */
  readonly atLeader: boolean;
  /** At which end a link is set down. */
  readonly end: LinkEnd;
  /** How long it lasts, where it lasts. */
  readonly lastsMs: number;
  /** For the inside of a server: `before-commit:37`. */
  readonly point: string;
}

const onlySqlite: readonly FaultKind[] = ['sync-error', 'full-disk'];
const oneMember: readonly FaultKind[] = ['cut', 'etcd-kill', 'etcd-freeze'];
const severalMembers: readonly FaultKind[] = [
  'isolate',
  'split',
  'member-kill',
  'member-freeze',
  'no-quorum',
  'place-kill',
];

/** Of the call by which etcd commits. */
const txnPoints: readonly CrashPoint[] = ['before-txn', 'after-txn-sent', 'after-txn'];
const answerPoints: readonly CrashPoint[] = ['before-answer', 'after-answer'];
const pointsOf: Readonly<Record<Setting['store'], readonly CrashPoint[]>> = {
  sqlite: crashPoints.filter((point) => !txnPoints.includes(point)),
  etcd: [...txnPoints, ...answerPoints],
};

export interface Setting {
  readonly store: 'sqlite' | 'etcd';
  readonly isRoot: boolean;
  /** Of etcd; with more than one, each is in a place of its own with a server. Default 1. */
  readonly members?: number;
}

/** All that are possible with this store. */
export const possibleFaults = ({ store, isRoot, members = 1 }: Setting): readonly FaultKind[] => {
  const impossible = [
    ...(isRoot ? [] : ['full-disk']),
    ...(store === 'etcd' ? onlySqlite : [...oneMember, ...severalMembers]),
    ...(members > 1 ? oneMember : severalMembers),
  ];
  return (Object.keys(faultKinds) as FaultKind[]).filter((kind) => !impossible.includes(kind));
};

export interface PlanOptions extends Pick<Setting, 'store' | 'members'> {
  readonly kinds: readonly FaultKind[];
  readonly servers: number;
}

/** Without an end: the run takes as many as fit into its time. Some runs have one kind only, so that each is seen alone. */
export function* planFaults(random: Random, { kinds, store, servers, members = 1 }: PlanOptions): Generator<Fault> {
  if (kinds.length === 0) return;
  const points = pointsOf[store];
  const some = random.chance(0.5) ? [random.pick(kinds)] : kinds;
  for (;;) {
    const kind = random.pick(some);
    const point = kind === 'sync-error' ? kind : random.pick(points);
    yield {
      kind,
      afterMs: random.between(100, 1_500),
      server: random.between(0, servers - 1),
      lastsMs: random.between(100, 3_500),
      point: `${point}:${random.between(1, 80)}`,
      // Last, and only where they matter: a seed with one member keeps its plan.
      atLeader: members > 1 && random.chance(0.5),
      end: members > 1 ? random.pick(['cable', 'own']) : 'cable',
    };
  }
}
