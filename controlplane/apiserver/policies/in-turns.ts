// Long work in turns: compiling the expressions of a large policy must not hold the event loop.

/** After this long other work gets its turn. */
const turnMs = 10;

/** Runs the steps. The result, or a promise of it when they take longer than one turn. */
export function runInTurns<S, R>(
  steps: Generator<S, R, void>,
  onStep: (step: S) => void = () => {},
  now: () => number = () => performance.now(),
): R | Promise<R> {
  const turn = (): { readonly result: R } | undefined => {
    const start = now();
    do {
      const next = steps.next();
      if (next.done) return { result: next.value };
      onStep(next.value);
    } while (now() - start < turnMs);
    return undefined;
  };
  const rest = async (): Promise<R> => {
    for (;;) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      const ended = turn();
      if (ended) return ended.result;
    }
  };
  const first = turn();
  return first ? first.result : rest();
}
