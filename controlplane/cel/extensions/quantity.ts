// quantity("1Gi") and its functions. Source: Kubernetes' quantity library.
import type { Environment } from '@marcbachmann/cel-js';
import {
  addQuantities,
  compareQuantities,
  isQuantity,
  parseQuantity,
  type Quantity,
  subtractQuantities,
} from '../../api/quantity';
import { hasCode } from '../../base/errors';
import { CelEvaluationError } from '../errors';

const type = 'kubernetes.Quantity';
const nanoPerUnit = 1_000_000_000n;

class CelQuantity {
  constructor(
    readonly amount: Quantity,
    /** Upstream keeps a fraction with a binary suffix in a form that it never takes for an integer. */
    readonly isFraction = false,
  ) {}
}

function quantityOf(text: string): CelQuantity {
  try {
    return new CelQuantity(parseQuantity(text), text.endsWith('i') && text.includes('.'));
  } catch (err) {
    if (!hasCode(err, 'BadRequest')) throw err;
    throw new CelEvaluationError(err.message);
  }
}

const ofUnits = (units: bigint): Quantity => ({ nano: units * nanoPerUnit, format: 'DecimalSI' });
const isInteger = ({ amount: { nano }, isFraction }: CelQuantity): boolean => !isFraction && nano % nanoPerUnit === 0n;

const signOf = ({ amount: { nano } }: CelQuantity): bigint => (nano > 0n ? 1n : nano < 0n ? -1n : 0n);

function asInteger(quantity: CelQuantity): bigint {
  if (!isInteger(quantity)) throw new CelEvaluationError('cannot convert value to integer');
  return quantity.amount.nano / nanoPerUnit;
}

export function registerQuantities(environment: Environment): void {
  const compare = (a: CelQuantity, b: CelQuantity) => compareQuantities(a.amount, b.amount);
  environment
    .registerType(type, { ctor: CelQuantity, fields: {} })
    .registerOperator(`${type} == ${type}`, (a: CelQuantity, b: CelQuantity) => compare(a, b) === 0)
    .registerFunction(`quantity(string): ${type}`, quantityOf)
    .registerFunction('isQuantity(string): bool', (text: string) => isQuantity(text))
    // The documentation says quantity.sign(), upstream's library has sign(quantity).
    .registerFunction(`${type}.sign(): int`, signOf)
    .registerFunction(`sign(${type}): int`, signOf)
    .registerFunction(`${type}.isInteger(): bool`, isInteger)
    .registerFunction(`${type}.asInteger(): int`, asInteger)
    .registerFunction(`${type}.asApproximateFloat(): double`, ({ amount }: CelQuantity) => Number(amount.nano) / 1e9)
    .registerFunction(`${type}.isGreaterThan(${type}): bool`, (a: CelQuantity, b: CelQuantity) => compare(a, b) > 0)
    .registerFunction(`${type}.isLessThan(${type}): bool`, (a: CelQuantity, b: CelQuantity) => compare(a, b) < 0)
    .registerFunction(`${type}.compareTo(${type}): int`, (a: CelQuantity, b: CelQuantity) => BigInt(compare(a, b)))
    .registerFunction(
      `${type}.add(${type}): ${type}`,
      (a: CelQuantity, b: CelQuantity) => new CelQuantity(addQuantities(a.amount, b.amount)),
    )
    .registerFunction(
      `${type}.add(int): ${type}`,
      (a: CelQuantity, units: bigint) => new CelQuantity(addQuantities(a.amount, ofUnits(units))),
    )
    .registerFunction(
      `${type}.sub(${type}): ${type}`,
      (a: CelQuantity, b: CelQuantity) => new CelQuantity(subtractQuantities(a.amount, b.amount)),
    )
    .registerFunction(
      `${type}.sub(int): ${type}`,
      (a: CelQuantity, units: bigint) => new CelQuantity(subtractQuantities(a.amount, ofUnits(units))),
    );
}
