// How a session ended, as the last message on the error stream. Pure. Protocol v4 and later carry a metav1.Status as JSON,
// earlier ones plain text and only for failures.

export type Outcome =
  | { readonly exitCode: number }
  /** The command could not run, or the container could not be reached. */
  | { readonly error: string; readonly doing: 'exec' | 'attach' };

const phrase = { exec: 'error executing command in container', attach: 'error attaching to container' } as const;

export function renderStatus(outcome: Outcome, protocolVersion: number): string {
  if (protocolVersion >= 4) return JSON.stringify(statusOf(outcome));
  const status = statusOf(outcome);
  return 'message' in status ? String(status.message) : '';
}

function statusOf(outcome: Outcome): Readonly<Record<string, unknown>> {
  if ('error' in outcome) {
    const message = `${phrase[outcome.doing]}: ${outcome.error}`;
    return {
      metadata: {},
      status: 'Failure',
      message: `Internal error occurred: ${message}`,
      reason: 'InternalError',
      details: { causes: [{ message }] },
      code: 500,
    };
  }
  const { exitCode } = outcome;
  if (exitCode === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: command terminated with exit code ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}
