// sets.contains, sets.equivalent, sets.intersects, and ip.isCanonical: functions under a name of their own. Source: cel-go's extension
// "sets" and Kubernetes' IP library.
import { isDeepStrictEqual } from 'node:util';
import type { Environment } from '@marcbachmann/cel-js';
import { isCanonicalIp } from './addresses';

class Sets {}
class IpFunctions {}

const has = (list: readonly unknown[], value: unknown): boolean => list.some((item) => isDeepStrictEqual(item, value));
const contains = (outer: readonly unknown[], inner: readonly unknown[]): boolean =>
  inner.every((value) => has(outer, value));

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
      b.some((value) => has(a, value)),
    );
}
