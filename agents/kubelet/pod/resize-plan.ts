// Decisions about resizes: whether the node has room for one, which of several comes first, and the texts that report them. Pure.
// Source: KEP-1287; clients look for upstream's words.
import { isTerminal, type Pod, qosClass, requestsOf } from '../../../controlplane/api';
import { addQuantities, compareQuantities, parseQuantity, type Quantity } from '../../../controlplane/api/quantity';

export interface Refusal {
  readonly reason: 'Deferred' | 'Infeasible';
  readonly message: string;
}

/** What pods may request together: thousandths of a core, and bytes. */
export interface Capacity {
  readonly cpu: number;
  readonly memory: number;
}

/** `allocatable`: cpu in cores, memory in bytes. */
export const capacityOf = ({ allocatable }: { readonly allocatable: Readonly<Record<string, number>> }): Capacity => ({
  cpu: (allocatable['cpu'] ?? 0) * 1000,
  memory: allocatable['memory'] ?? 0,
});

const units = { cpu: 1_000_000n, memory: 1_000_000_000n } as const;
const names = ['cpu', 'memory'] as const;

/** In the units of Capacity, with the pod's overhead. */
export function requestedBy({ spec }: Pod): Capacity {
  const requests = requestsOf(spec ?? { containers: [] });
  const of = (name: (typeof names)[number]): number => {
    const overhead = spec?.overhead?.[name];
    const own: Quantity = requests[name] ?? parseQuantity('0');
    const { nano } = overhead === undefined ? own : addQuantities(own, parseQuantity(overhead));
    return Number((nano + units[name] - 1n) / units[name]);
  };
  return { cpu: of('cpu'), memory: of('memory') };
}

/** Undefined when the pod fits together with the others, which are given with their allocated resources. */
export function refusalOf(pod: Pod, others: readonly Pod[], capacity: Capacity): Refusal | undefined {
  const requested = requestedBy(pod);
  const used = others.filter((other) => !isTerminal(other)).map(requestedBy);
  for (const name of names) {
    const sum = used.reduce((total, other) => total + other[name], 0);
    if (requested[name] === 0 || requested[name] <= capacity[name] - sum) continue;
    const message =
      `Node didn't have enough resource: ${name}, requested: ${requested[name]}, used: ${sum}, ` +
      `capacity: ${capacity[name]}`;
    return { reason: 'Deferred', message };
  }
  return undefined;
}

export interface Waiting {
  readonly pod: Pod;
  readonly allocated: Pod;
  /** Since when it waits, in ms since the epoch. */
  readonly sinceMs: number;
}

/** Resizes that ask for no more come first; then the higher priority, Guaranteed pods, and those that have waited longer. */
export const inOrder = (waiting: readonly Waiting[]): Waiting[] =>
  [...waiting].sort((a, b) => {
    const [more, other] = [a, b].map((one) => (asksForMore(one) ? 1 : 0));
    if (more !== other) return more! - other!;
    const priority = (b.pod.spec?.priority ?? 0) - (a.pod.spec?.priority ?? 0);
    if (priority !== 0) return priority;
    const [first, second] = [a, b].map(({ pod }) => (isGuaranteed(pod) ? 0 : 1));
    return first !== second ? first! - second! : a.sinceMs - b.sinceMs;
  });

const isGuaranteed = ({ status, spec }: Pod): boolean =>
  (status?.qosClass ?? qosClass(spec ?? { containers: [] })) === 'Guaranteed';

function asksForMore({ pod, allocated }: Waiting): boolean {
  const [now, before] = [pod, allocated].map((one) => requestsOf(one.spec ?? { containers: [] }));
  const zero = parseQuantity('0');
  return names.some((name) => compareQuantities(now![name] ?? zero, before![name] ?? zero) > 0);
}

/** The message of an Event, for people and for programs that parse the part after the colon. */
export function resizeMessage(what: string, { spec }: Pod, generation: number, error?: string): string {
  const summary = (list: NonNullable<Pod['spec']>['containers'] | undefined) =>
    (list ?? []).map(({ name, resources }) => ({
      name,
      resources: {
        ...(resources?.limits ? { limits: sorted(resources.limits) } : {}),
        ...(resources?.requests ? { requests: sorted(resources.requests) } : {}),
      },
    }));
  const initContainers = summary(spec?.initContainers);
  const shown = {
    ...(initContainers.length > 0 ? { initContainers } : {}),
    containers: summary(spec?.containers),
    generation,
    ...(error ? { error } : {}),
  };
  return `${what}: ${JSON.stringify(shown)}`;
}

const sorted = (amounts: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(amounts).sort(([a], [b]) => (a < b ? -1 : 1)));
