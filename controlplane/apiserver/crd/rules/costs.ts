// Refuses a definition whose rules could cost too much, as upstream does: a single rule, and all rules of one schema together.

import { forbidden } from '../../../api/validation/causes';
import type { FieldCause } from '../../../base/errors';

/** Upstream's bounds, in units of the estimate. */
const perExpression = 10_000_000;
const perSchema = 100_000_000;
/** The most expensive rules are named. */
const named = 4;

/** The estimates of one schema. */
export class EstimatedCosts {
  private total = 0;
  private readonly expensive: { readonly field: string; readonly cost: number }[] = [];

  /** Counts an expression. `what` is how the message calls its cost. */
  observe(field: string, cost: number, what: string): FieldCause[] {
    this.total += cost;
    if (cost >= perSchema / 100) this.expensive.push({ field, cost });
    return cost > perExpression ? [forbidden(field, exceeds(what, cost / perExpression))] : [];
  }

  /** `field` is that of the schema. */
  causes(field: string): FieldCause[] {
    if (this.total <= perSchema) return [];
    const first = this.expensive.toSorted((a, b) => b.cost - a.cost).slice(0, named);
    const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema';
    return [
      ...first.map((one) =>
        forbidden(
          one.field,
          'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
        ),
      ),
      forbidden(field, exceeds(what, this.total / perSchema)),
    ];
  }
}

function exceeds(what: string, factor: number): string {
  const times = factor > 100 ? 'more than 100x' : `${factor.toFixed(factor < 1.5 ? 6 : 1)}x`;
  const advice =
    'try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared';
  return `${what} exceeds budget by factor of ${times} (${advice})`;
}
