// Requests to the API as the user who has logged in. There are no cookies: only this code adds the token, so no other page can act as the user.
import { ApiError, errorOf, NoAnswerError } from '../../model/api-error';

export interface RequestOptions {
  readonly method?: string;
  readonly accept?: string;
  readonly type?: string;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** Milliseconds until the answer must be complete. json() and text() have one for reading; 0: none. */
  readonly deadlineMs?: number;
}

/** A reader who waits for longer should know it. */
const readingMs = 10_000;
const aliveMs = 5_000;
/** Several watches that are silent ask once. */
const aliveKeptMs = 4_000;

export class Api {
  private lastSign: { readonly atMs: number; readonly sign: Promise<void> } | undefined;

  /** `onRefused` is called when the server no longer accepts the token. */
  constructor(
    readonly token: string,
    private readonly onRefused: () => void = () => {},
  ) {}

  /** @throws ApiError for an answer that is no success, TypeError when the server cannot be reached, NoAnswerError */
  async send(path: string, options: RequestOptions = {}): Promise<Response> {
    const { method = 'GET', accept = 'application/json', type, body, signal } = options;
    const headers: Record<string, string> = { accept, authorization: `Bearer ${this.token}` };
    if (body !== undefined) headers['content-type'] = type ?? 'application/json';
    const response = await fetch(path, {
      method,
      headers,
      // No client certificate either: it would win over the token, and the page would show the data of another user.
      credentials: 'omit',
      cache: 'no-store',
      ...(body === undefined ? {} : { body }),
      ...(signal ? { signal } : {}),
    });
    if (response.ok) return response;
    if (response.status === 401) this.onRefused();
    throw errorOf(response.status, response.statusText, await response.text());
  }

  async json<T>(path: string, options: RequestOptions = {}): Promise<T> {
    return inTime(options, async (signal) => (await (await this.send(path, { ...options, signal })).json()) as T);
  }

  async text(path: string, options: RequestOptions = {}): Promise<string> {
    return inTime(options, async (signal) => (await this.send(path, { ...options, signal })).text());
  }

  create<T>(path: string, object: object, signal?: AbortSignal): Promise<T> {
    return this.json<T>(path, { method: 'POST', body: JSON.stringify(object), ...(signal ? { signal } : {}) });
  }

  /** Any answer is a sign of life. @throws NoAnswerError, TypeError */
  alive(): Promise<void> {
    const now = performance.now();
    if (this.lastSign && now - this.lastSign.atMs < aliveKeptMs) return this.lastSign.sign;
    const sign = this.text('/version', { deadlineMs: aliveMs }).then(
      () => {},
      (err: unknown) => {
        if (!(err instanceof ApiError)) throw err;
      },
    );
    this.lastSign = { atMs: now, sign };
    return sign;
  }
}

async function inTime<T>(
  { method = 'GET', signal, deadlineMs = method === 'GET' ? readingMs : 0 }: RequestOptions,
  send: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = deadlineMs > 0 ? setTimeout(() => late.abort(), deadlineMs) : undefined;
  try {
    return await send(signal ? AbortSignal.any([signal, late.signal]) : late.signal);
  } catch (err) {
    if (late.signal.aborted && !signal?.aborted) throw new NoAnswerError(deadlineMs);
    throw err;
  } finally {
    clearTimeout(timer);
  }
}
