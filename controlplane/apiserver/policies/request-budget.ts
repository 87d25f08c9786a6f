// What all webhooks and policies of one request may cost together: their expressions run on the event loop that serves everyone.
import { CostBudget, requestLimit } from '../../cel/budget';
import type { Write } from '../write/rule';

const budgets = new WeakMap<Write, CostBudget>();

/** A budget with a limit of its own, within that of the request. */
export function budgetOf(write: Write, limit: number): CostBudget {
  const request = budgets.get(write) ?? new CostBudget(requestLimit);
  budgets.set(write, request);
  return new CostBudget(limit, request);
}
