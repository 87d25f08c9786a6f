// Eviction thresholds as the kubelet's flags name them. Pure. Messages are upstream's.

import { formatQuantity, parseQuantity, unitValue } from '../../../controlplane/api/quantity';
import { BadRequest } from '../../../controlplane/base/errors';
import { parseDuration } from '../../../controlplane/process/options';
import { isSignal, type Signal } from './signals';

/** An amount in the signal's unit, with its canonical text, or a share of its capacity from 0 to 1. */
export type ThresholdValue = { readonly amount: number; readonly text: string } | { readonly share: number };

export interface Threshold {
  readonly signal: Signal;
  readonly value: ThresholdValue;
  /** Pods are evicted only after the threshold was met for this long. 0: a hard threshold. */
  readonly graceMs: number;
  /** Once met, the threshold counts as met until this much more is available. */
  readonly minReclaim?: ThresholdValue;
}

export type Statements = Readonly<Record<string, string>>;

export interface ThresholdTexts {
  readonly hard: Statements;
  readonly soft: Statements;
  readonly softGracePeriod: Statements;
  readonly minimumReclaim: Statements;
}

/** `memory.available<100Mi,nodefs.available<10%` as a map; `operator` is `<` or `=`. @throws BadRequest */
export const parseStatements =
  (operator: '<' | '=') =>
  (text: string): Statements => {
    const parts = text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
    const pairs = parts.map((part) => {
      const at = part.indexOf(operator);
      if (at < 1) throw new BadRequest(`expected NAME${operator}VALUE, got ${JSON.stringify(part)}`);
      return [part.slice(0, at).trim(), part.slice(at + 1).trim()] as const;
    });
    return Object.fromEntries(pairs);
  };

/** @throws BadRequest */
export function parseThresholds({ hard, soft, softGracePeriod, minimumReclaim }: ThresholdTexts): readonly Threshold[] {
  const graces = mapSignals(softGracePeriod, (_, text) => parseDuration(text));
  const reclaims = mapSignals(minimumReclaim, parseReclaim);
  const firm = mapSignals(hard, parseValue);
  const lenient = mapSignals(soft, parseValue);
  for (const [signal] of lenient) {
    if (graces.has(signal)) continue;
    throw new BadRequest(`grace period must be specified for the soft eviction threshold ${signal}`);
  }
  const entry =
    (graceOf: (signal: Signal) => number) =>
    ([signal, value]: readonly [Signal, ThresholdValue | undefined]) =>
      value === undefined
        ? []
        : [
            {
              signal,
              value,
              graceMs: graceOf(signal),
              ...(reclaims.has(signal) ? { minReclaim: reclaims.get(signal)! } : {}),
            },
          ];
  return [...[...firm].flatMap(entry(() => 0)), ...[...lenient].flatMap(entry((signal) => graces.get(signal)!))];
}

/** The threshold for pods as a whole: hard thresholds for memory count for the memory that the node's pods may use, too. */
export const withAllocatable = (thresholds: readonly Threshold[]): readonly Threshold[] => [
  ...thresholds,
  ...thresholds
    .filter(({ signal, graceMs }) => signal === 'memory.available' && graceMs === 0)
    .map((threshold) => ({ ...threshold, signal: 'allocatableMemory.available' as const })),
];

/** In the unit of the capacity. Upstream keeps shares as 32-bit floats, so 10% of 1000000000 is 100000001. */
export const amountOf = (value: ThresholdValue, capacity: number): number =>
  'amount' in value ? value.amount : Math.floor(capacity * Math.fround(value.share));

function mapSignals<T>(statements: Statements, parse: (signal: Signal, text: string) => T): Map<Signal, T> {
  const found = new Map<Signal, T>();
  for (const [signal, text] of Object.entries(statements)) {
    if (!isSignal(signal)) throw new BadRequest(`unsupported eviction signal ${signal}`);
    found.set(signal, parse(signal, text));
  }
  return found;
}

/** Undefined for 0% and 100%, which switch a threshold off. */
function parseValue(signal: Signal, text: string): ThresholdValue | undefined {
  if (text === '0%' || text === '100%') return undefined;
  if (text.endsWith('%')) {
    const share = parseShare(text);
    if (share < 0) throw new BadRequest(`eviction percentage threshold ${signal} must be >= 0%: ${text}`);
    if (share > 1) throw new BadRequest(`eviction percentage threshold ${signal} must be <= 100%: ${text}`);
    return { share };
  }
  if (parseQuantity(text).nano <= 0n) throw new BadRequest(`eviction threshold ${signal} must be positive: ${text}`);
  return { amount: unitValue(text), text: formatQuantity(parseQuantity(text)) };
}

function parseReclaim(signal: Signal, text: string): ThresholdValue {
  if (text.endsWith('%')) {
    const share = parseShare(text);
    if (share > 0) return { share };
    throw new BadRequest(`eviction percentage minimum reclaim ${signal} must be positive: ${text}`);
  }
  if (parseQuantity(text).nano < 0n) throw new BadRequest(`negative eviction minimum reclaim specified for ${signal}`);
  return { amount: unitValue(text), text: formatQuantity(parseQuantity(text)) };
}

function parseShare(text: string): number {
  const number = text.slice(0, -1);
  if (!/^[+-]?\d+(\.\d+)?$/.test(number)) throw new BadRequest(`not a percentage: ${text}`);
  return Number(number) / 100;
}
