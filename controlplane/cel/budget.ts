// The cost of evaluations. One unit is about the work of one node of an expression, as in upstream, so that limits mean the same.
// Source: the limits of k8s.io/apiserver/pkg/apis/cel.

/** For one evaluation of one expression. */
export const perCallLimit = 1_000_000;
/** For all match conditions of one webhook or policy binding together. */
export const matchConditionsLimit = 2_500_000;

/** What evaluations may still cost. Those of one webhook share a budget. */
export class CostBudget {
  private left: number;
  private leftInCall = perCallLimit;

  constructor(limit: number) {
    this.left = limit;
  }

  /** Begins the next evaluation. */
  startCall(): void {
    this.leftInCall = perCallLimit;
  }

  /** @throws CostExceeded, and again for each further unit: an expression can hide an error of one branch, but not all of them */
  spend(units: number): void {
    this.left -= units;
    this.leftInCall -= units;
    if (this.left < 0 || this.leftInCall < 0) throw new CostExceeded(this.left < 0 ? 'all' : 'call');
  }

  /** Set once a limit is exceeded. */
  get exceeded(): 'all' | 'call' | undefined {
    if (this.left < 0) return 'all';
    return this.leftInCall < 0 ? 'call' : undefined;
  }
}

export class CostExceeded extends Error {
  constructor(readonly limit: 'all' | 'call') {
    super(
      limit === 'all'
        ? 'validation failed due to running out of cost budget, no further validation rules will be run'
        : 'operation cancelled: actual cost limit exceeded',
    );
    this.name = 'CostExceeded';
  }
}
