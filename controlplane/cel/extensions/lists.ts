// Functions of lists: isSorted, sum, min, max, indexOf, lastIndexOf. Source: Kubernetes' list library.

import { isDeepStrictEqual } from 'node:util';
import type { Environment } from '@marcbachmann/cel-js';
import { CelEvaluationError } from '../errors';

type Comparable = bigint | number | string | boolean | Date;

function extreme(
  list: readonly Comparable[],
  isBetter: (a: Comparable, b: Comparable) => boolean,
  name: string,
): Comparable {
  if (list.length === 0) throw new CelEvaluationError(`${name} called on empty list`);
  return list.reduce((best, value) => (isBetter(value, best) ? value : best));
}

const indexOf = (list: readonly unknown[], value: unknown): bigint =>
  BigInt(list.findIndex((item) => isDeepStrictEqual(item, value)));
const lastIndexOf = (list: readonly unknown[], value: unknown): bigint =>
  BigInt(list.findLastIndex((item) => isDeepStrictEqual(item, value)));

export function registerLists(environment: Environment): void {
  environment
    .registerFunction('list.isSorted(): bool', (list: readonly Comparable[]) =>
      list.every((value, i) => i === 0 || list[i - 1]! <= value),
    )
    .registerFunction('list<int>.sum(): int', (list: readonly bigint[]) => list.reduce((sum, value) => sum + value, 0n))
    .registerFunction('list<double>.sum(): double', (list: readonly number[]) =>
      list.reduce((sum, value) => sum + value, 0),
    )
    .registerFunction('list<A>.min(): A', (list: readonly Comparable[]) => extreme(list, (a, b) => a < b, 'min'))
    .registerFunction('list<A>.max(): A', (list: readonly Comparable[]) => extreme(list, (a, b) => a > b, 'max'))
    .registerFunction('list<A>.indexOf(A): int', indexOf)
    .registerFunction('list<A>.lastIndexOf(A): int', lastIndexOf);
}
