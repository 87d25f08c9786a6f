// What of this machine pods may request: capacity without the reservations and without the hard eviction thresholds. Pure.
// Source: kubernetes.io "Reserve Compute Resources for System Daemons".

import { formatQuantity, parseQuantity, type Quantity, subtractQuantities } from '../../../controlplane/api/quantity';
import { BadRequest } from '../../../controlplane/base/errors';
import type { Signal } from '../eviction/signals';
import { amountOf, parseStatements, type Threshold } from '../eviction/thresholds';

/** Amounts by the name of their resource, as the API writes them: {"cpu": "200m"}. */
export type Amounts = Readonly<Record<string, string>>;

const reservable: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage', 'pid']);

/** The value of --kube-reserved and --system-reserved. @throws BadRequest */
export function parseReserved(text: string): Amounts {
  const amounts = parseStatements('=')(text);
  for (const [resource, amount] of Object.entries(amounts)) {
    if (!reservable.has(resource)) throw new BadRequest(`cannot reserve ${JSON.stringify(resource)} resource`);
    if (parseQuantity(amount).nano < 0n) {
      throw new BadRequest(`resource quantity for ${JSON.stringify(resource)} cannot be negative: ${amount}`);
    }
  }
  return amounts;
}

export interface Reservations {
  readonly kubeReserved: Amounts;
  readonly systemReserved: Amounts;
  readonly thresholds: readonly Threshold[];
}

/** What the reservations leave for pods to use, as the limits of all pods together say. Thresholds do not count. */
export function podCapacity(capacity: Amounts, { kubeReserved, systemReserved }: Reservations): Amounts {
  return subtract(capacity, [kubeReserved, systemReserved]);
}

/** What the scheduler may give to pods. Each page of huge pages counts as memory that is taken already. */
export function allocatable(capacity: Amounts, reservations: Reservations): Amounts {
  const { kubeReserved, systemReserved, thresholds } = reservations;
  const huge = Object.entries(capacity)
    .filter(([name]) => name.startsWith('hugepages-'))
    .map(([, amount]) => ({ memory: amount }));
  return subtract(capacity, [kubeReserved, systemReserved, heldBack(capacity, thresholds), ...huge]);
}

/** The reasons why the reservations leave less than nothing. */
export function overReserved(capacity: Amounts, reservations: Reservations): readonly string[] {
  const { kubeReserved, systemReserved, thresholds } = reservations;
  return Object.entries(capacity).flatMap(([resource, amount]) => {
    const zero = { nano: 0n, format: 'DecimalSI' } as const;
    const taken = [kubeReserved, systemReserved, heldBack(capacity, thresholds)]
      .map((amounts) => (amounts[resource] === undefined ? zero : parseQuantity(amounts[resource])))
      .reduce((sum, more) => ({ nano: sum.nano + more.nano, format: sum.format }));
    if (taken.nano <= parseQuantity(amount).nano) return [];
    return [
      `Resource ${JSON.stringify(resource)} has a reservation of ${formatQuantity(taken)} but capacity of ${amount}. ` +
        'Expected capacity >= reservation.',
    ];
  });
}

const signalOf: Readonly<Record<string, Signal>> = {
  memory: 'memory.available',
  'ephemeral-storage': 'nodefs.available',
};

function heldBack(capacity: Amounts, thresholds: readonly Threshold[]): Amounts {
  const held: Record<string, string> = {};
  for (const [resource, signal] of Object.entries(signalOf)) {
    const hard = thresholds.find((threshold) => threshold.signal === signal && threshold.graceMs === 0);
    const total = capacity[resource];
    if (!hard || total === undefined) continue;
    const bytes = Number(parseQuantity(total).nano / 1_000_000_000n);
    held[resource] = String(amountOf(hard.value, bytes));
  }
  return held;
}

function subtract(capacity: Amounts, taken: readonly Amounts[]): Amounts {
  return Object.fromEntries(
    Object.entries(capacity).map(([resource, amount]) => {
      let left: Quantity = parseQuantity(amount);
      for (const amounts of taken) {
        const less = amounts[resource];
        if (less !== undefined) left = subtractQuantities(left, parseQuantity(less));
      }
      return [resource, left.nano < 0n ? '0' : formatQuantity(left)];
    }),
  );
}
