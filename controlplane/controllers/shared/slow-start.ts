// Runs many equal tasks in batches of 1, 2, 4, ...: when a task fails, e.g. because of a quota or a bad template, no further batch
// starts.

/** Resolves with the number of successes and the first failure. */
export async function slowStart(
  count: number,
  task: () => Promise<void>,
): Promise<{ readonly succeeded: number; readonly error?: unknown }> {
  let succeeded = 0;
  for (let batch = 1; succeeded < count; batch *= 2) {
    const results = await Promise.allSettled(Array.from({ length: Math.min(batch, count - succeeded) }, task));
    const failed = results.find((result) => result.status === 'rejected');
    succeeded += results.filter(({ status }) => status === 'fulfilled').length;
    if (failed) return { succeeded, error: failed.reason };
  }
  return { succeeded };
}
