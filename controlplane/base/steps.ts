// Work that waits only now and then. A generator yields each promise that it must wait for; run() ends in the same stretch when it yields none.

export type Steps<T> = Generator<Promise<unknown>, T, unknown>;

/** The result, or a promise for it when the steps had to wait. Errors of a promise are thrown inside the steps. */
export function run<T>(steps: Steps<T>): T | Promise<T> {
  const step = steps.next();
  return step.done ? step.value : resume(steps, step.value);
}

async function resume<T>(steps: Steps<T>, first: Promise<unknown>): Promise<T> {
  for (let waiting = first; ; ) {
    const outcome = await waiting.then(
      (value) => () => steps.next(value),
      (error: unknown) => () => steps.throw(error),
    );
    const step = outcome();
    if (step.done) return step.value;
    waiting = step.value;
  }
}

/** The result in one stretch, for steps that wait only so that other work gets its turn: their promises are not waited for. */
export function finish<T>(steps: Steps<T>): T {
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** For a function that needs steps only sometimes: `const value = isSteps(found) ? yield* found : found`. */
export const isSteps = <T>(found: T | Steps<T>): found is Steps<T> =>
  typeof found === 'object' && found !== null && typeof (found as Partial<Steps<T>>).next === 'function';

/** The value, waited for if it is a promise: `const object = yield* settled(found)`. */
export function* settled<T>(value: T | Promise<T>): Steps<T> {
  return value instanceof Promise ? ((yield value) as T) : value;
}
