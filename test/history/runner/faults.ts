// Which faults a run has, and when: chosen from its seed. Pure.
import type { Random } from '../random';

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
  cut: 'no byte passes between a server and etcd for up to 10 s; then all arrives late, or the connections are reset',
  'etcd-kill': 'SIGKILL of etcd',
  'etcd-freeze': 'SIGSTOP of etcd for up to 3 s, then SIGCONT',
} as const;
export type FaultKind = keyof typeof faultKinds;

export interface Fault {
  readonly kind: FaultKind;
  /** Milliseconds after the fault before it is over. */
  readonly afterMs: number;
  readonly server: number;
  /** How long it lasts, where it lasts. */
  readonly lastsMs: number;
  /** For the inside of a server: `before-commit:37`. */
  readonly point: string;
}

const onlySqlite: readonly FaultKind[] = ['sync-error', 'full-disk'];
const onlyEtcd: readonly FaultKind[] = ['cut', 'etcd-kill', 'etcd-freeze'];

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
}

/** All that are possible with this store. */
export const possibleFaults = ({ store, isRoot }: Setting): readonly FaultKind[] =>
  (Object.keys(faultKinds) as FaultKind[]).filter((kind) => {
    if (kind === 'full-disk' && !isRoot) return false;
    return !(store === 'sqlite' ? onlyEtcd : onlySqlite).includes(kind);
  });

/** Without an end: the run takes as many as fit into its time. Some runs have one kind only, so that each is seen alone. */
export function* planFaults(
  random: Random,
  {
    kinds,
    store,
    servers,
  }: { readonly kinds: readonly FaultKind[]; readonly store: Setting['store']; readonly servers: number },
): Generator<Fault> {
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
    };
  }
}
