// Lets a function of an expression count work that depends on several operands, before it does that work. An evaluation is synchronous,
// so the budget of the innermost one is that of the function that runs.
import type { CostBudget } from './budget';

let current: CostBudget | undefined;

/** Runs an evaluation with this budget. */
export function spending<T>(budget: CostBudget, evaluate: () => T): T {
  const before = current;
  current = budget;
  try {
    return evaluate();
  } finally {
    current = before;
  }
}

/** Nothing outside of an evaluation. @throws CostExceeded */
export const spendWork = (units: number): void => current?.spend(units);
