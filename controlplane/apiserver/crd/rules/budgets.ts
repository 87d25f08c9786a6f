// What the rules of custom objects may cost. A unit is about one node of an expression (controlplane/cel/budget.ts).

/**
 * For one evaluation of one rule, which nothing can interrupt: about 50 ms. Upstream allows 1,000,000 units, in another thread.
 */
export const ruleLimit = 100_000;

/** For all rules of one object together; between two of them other requests get their turn. Upstream: 10,000,000. */
export const objectLimit = 1_000_000;

/** Upstream's bound for the text of a messageExpression. */
export const maxMessageBytes = 5 * 1024;
