// sets.contains, sets.equivalent, sets.intersects, and ip.isCanonical: functions under a name of their own. Source: cel-go's extension
// "sets" and Kubernetes' IP library.
import type { Environment } from '@marcbachmann/cel-js';
import { CelObject, dynamicValue } from '../values';
import { isCanonicalIp } from './addresses';

class Sets {}
class IpFunctions {}

/** Equal values have equal keys: so a set is compared in linear time. An integer equals a double of the same value. */
export function keyOf(value: unknown): string {
  if (typeof value === 'bigint' || typeof value === 'number') return `n${value}`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (value instanceof Date) return `t${value.getTime()}`;
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return `[${value.map(keyOf).join()}]`;
  if (value instanceof CelObject) return keyOf(dynamicValue(value.raw));
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return `{${entries
    .map(([key, inner]) => `${keyOf(key)}:${keyOf(inner)}`)
    .sort()
    .join()}}`;
}

const keysOf = (list: readonly unknown[]): ReadonlySet<string> => new Set(list.map(keyOf));

function contains(outer: readonly unknown[], inner: readonly unknown[]): boolean {
  const keys = keysOf(outer);
  return inner.every((value) => keys.has(keyOf(value)));
}

function intersects(a: readonly unknown[], b: readonly unknown[]): boolean {
  const keys = keysOf(a);
  return b.some((value) => keys.has(keyOf(value)));
}

export function registerSets(environment: Environment): void {
  environment
    .registerType('k8ts.Sets', { ctor: Sets, fields: {} })
    .registerType('k8ts.IpFunctions', { ctor: IpFunctions, fields: {} })
    .registerConstant('sets', 'k8ts.Sets', new Sets())
    .registerConstant('ip', 'k8ts.IpFunctions', new IpFunctions())
    .registerFunction('k8ts.IpFunctions.isCanonical(string): bool', (_ip: IpFunctions, text: string) =>
      isCanonicalIp(text),
    )
    .registerFunction('k8ts.Sets.contains(list<A>, list<A>): bool', (_sets: Sets, a: unknown[], b: unknown[]) =>
      contains(a, b),
    )
    .registerFunction(
      'k8ts.Sets.equivalent(list<A>, list<A>): bool',
      (_sets: Sets, a: unknown[], b: unknown[]) => contains(a, b) && contains(b, a),
    )
    .registerFunction('k8ts.Sets.intersects(list<A>, list<A>): bool', (_sets: Sets, a: unknown[], b: unknown[]) =>
      intersects(a, b),
    );
}
