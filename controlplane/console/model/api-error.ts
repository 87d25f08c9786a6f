// An answer of the API that is no success.

export class ApiError extends Error {
  /** The message is the server's own. */
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** The server has not answered in time: it hangs, or the network is cut. */
export class NoAnswerError extends Error {
  constructor(readonly afterMs: number) {
    super(`the server has not answered within ${afterMs / 1000} s`);
    this.name = 'NoAnswerError';
  }
}

export const isStatus = (err: unknown, status: number): boolean => err instanceof ApiError && err.status === status;
export const messageOf = (err: unknown): string => (err instanceof Error ? err.message : String(err));
/** The request was given up by the page itself. */
export const isAbort = (err: unknown): boolean => err instanceof Error && err.name === 'AbortError';

/** The error of an answer, whose body is a Status, mostly: in JSON, or in YAML for a request that asked for YAML. */
export function errorOf(status: number, statusText: string, body: string): ApiError {
  try {
    const { message, reason } = JSON.parse(body) as { readonly message?: string; readonly reason?: string };
    return new ApiError(status, reason ?? '', message ?? body);
  } catch {
    const [, inYaml] = /^message: (.+)$/m.exec(body) ?? [];
    return new ApiError(status, '', inYaml ?? (body.trim() || statusText));
  }
}
