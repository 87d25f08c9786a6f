// Lists of amounts, as quotas have them: resource name to quantity.
import { addQuantities, formatQuantity, parseQuantity, type Quantity, subtractQuantities } from '../quantity';

export type Amounts = Readonly<Record<string, Quantity>>;

export const parseAmounts = (texts: Readonly<Record<string, string>> | undefined): Amounts =>
  Object.fromEntries(Object.entries(texts ?? {}).map(([name, text]) => [name, parseQuantity(text)]));

export const formatAmounts = (amounts: Amounts): Record<string, string> =>
  Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, formatQuantity(amount)]));

/** For messages: `limits.cpu=2,pods=1`, by name. */
export const printAmounts = (amounts: Amounts): string =>
  Object.keys(amounts)
    .sort()
    .map((name) => `${name}=${formatQuantity(amounts[name]!)}`)
    .join(',');

/** Only these names, as far as present. */
export const only = (amounts: Amounts, names: readonly string[]): Amounts =>
  Object.fromEntries(names.flatMap((name) => (Object.hasOwn(amounts, name) ? [[name, amounts[name]!]] : [])));

export function sum(a: Amounts, b: Amounts): Amounts {
  const total: Record<string, Quantity> = { ...a };
  for (const [name, amount] of Object.entries(b)) {
    const before = Object.hasOwn(total, name) ? total[name] : undefined;
    total[name] = before ? addQuantities(before, amount) : amount;
  }
  return total;
}

/** What `a` has more than `b`; never below zero. */
export const excess = (a: Amounts, b: Amounts): Amounts =>
  Object.fromEntries(
    Object.entries(a).map(([name, amount]) => {
      const more = Object.hasOwn(b, name) ? subtractQuantities(amount, b[name]!) : amount;
      return [name, more.nano > 0n ? more : { ...more, nano: 0n }];
    }),
  );

export const withoutZeros = (amounts: Amounts): Amounts =>
  Object.fromEntries(Object.entries(amounts).filter(([, { nano }]) => nano !== 0n));

const billion = 1_000_000_000n;
/** Rounded up. */
export const wholeUnits = (amount: Quantity): Quantity => ({
  ...amount,
  nano: ((amount.nano + billion - 1n) / billion) * billion,
});
export const count = (number: number): Quantity => ({ nano: BigInt(number) * billion, format: 'DecimalSI' });
