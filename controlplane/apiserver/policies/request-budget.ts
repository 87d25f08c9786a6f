// What all webhooks and policies of one request may cost together: their expressions run on the event loop that serves everyone.
import { CostBudget, requestLimit } from '../../cel/budget';
import type { Write } from '../write/rule';

/** By the object, which all attempts of a request share; a deletion has none, and one attempt. */
const budgets = new WeakMap<object, CostBudget>();

/** A budget with a limit of its own, within that of the request. */
export function budgetOf(write: Write, limit: number): CostBudget {
  const key = write.object ?? write;
  const request = budgets.get(key) ?? new CostBudget(requestLimit);
  budgets.set(key, request);
  return new CostBudget(limit, request);
}
