// The cost of evaluations. One unit is about the work of one node of an expression, as in upstream, so that limits mean the same.
// Source: the limits of k8s.io/apiserver/pkg/apis/cel.

/** For one evaluation of one expression. */
export const perCallLimit = 1_000_000;
/** For all match conditions of one webhook or policy binding together. */
export const matchConditionsLimit = 2_500_000;

/** For all expressions of one policy on one request together. */
export const policyLimit = 10_000_000;

/**
 * For all webhooks and policies of one request together: upstream has no such limit, but its evaluations do not share one event loop.
 * It takes at most about 50 ms.
 */
export const requestLimit = 250_000;

/** What evaluations may still cost. Those of one webhook share a budget. */
export class CostBudget {
  private left: number;
  private leftInCall = perCallLimit;

  /** @param shared what all webhooks and policies of one request may cost together */
  constructor(
    limit: number,
    private readonly shared?: CostBudget,
  ) {
    this.left = limit;
  }

  /** Begins an evaluation, which may be a part of another one. Returns what `endCall` needs. */
  startCall(): number {
    const before = this.leftInCall;
    this.leftInCall = perCallLimit;
    return before;
  }

  /** An evaluation that cost too much ends the one that it is a part of, too. */
  endCall(before: number): void {
    if (this.leftInCall >= 0) this.leftInCall = before;
  }

  /** @throws CostExceeded, and again for each further unit: an expression can hide an error of one branch, but not all of them */
  spend(units: number): void {
    this.left -= units;
    this.leftInCall -= units;
    if (this.left < 0 || this.leftInCall < 0) throw new CostExceeded(this.left < 0 ? 'all' : 'call');
    this.shared?.spendTotal(units);
  }

  private spendTotal(units: number): void {
    this.left -= units;
    if (this.left < 0) throw new CostExceeded('all');
  }

  /** For work that is no expression. Returns the error instead of throwing it. */
  trySpend(units: number): CostExceeded | undefined {
    try {
      this.spend(units);
    } catch (err) {
      if (err instanceof CostExceeded) return err;
      throw err;
    }
    return undefined;
  }

  /** Set once a limit is exceeded. */
  get exceeded(): 'all' | 'call' | undefined {
    if (this.left < 0 || this.shared?.exceeded) return 'all';
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
