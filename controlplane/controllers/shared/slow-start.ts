// Runs many like tasks in batches of 1, 2, 4, ...: when the first fails because of a quota or a bad template, the rest
// is not tried.

/** Resolves with how many succeeded and the first failure; no batch is started after one with a failure. */
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
