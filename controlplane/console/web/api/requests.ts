// Requests to the API as the user who has logged in. There are no cookies: only this code adds the token, so no other page can act as the user.

/** An answer that is no success. The message is the server's own. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export interface RequestOptions {
  readonly method?: string;
  readonly accept?: string;
  readonly type?: string;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

export class Api {
  /** `onRefused` is called when the server no longer accepts the token. */
  constructor(
    readonly token: string,
    private readonly onRefused: () => void = () => {},
  ) {}

  /** @throws ApiError for an answer that is no success, TypeError when the server cannot be reached */
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
    throw await errorOf(response);
  }

  async json<T>(path: string, options: RequestOptions = {}): Promise<T> {
    return (await (await this.send(path, options)).json()) as T;
  }

  async text(path: string, options: RequestOptions = {}): Promise<string> {
    return (await this.send(path, options)).text();
  }

  create<T>(path: string, object: object, signal?: AbortSignal): Promise<T> {
    return this.json<T>(path, { method: 'POST', body: JSON.stringify(object), ...(signal ? { signal } : {}) });
  }
}

/** The body is a Status, mostly: in JSON, or in YAML for a request that asked for YAML. */
async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  try {
    const { message, reason } = JSON.parse(text) as { readonly message?: string; readonly reason?: string };
    return new ApiError(response.status, reason ?? '', message ?? text);
  } catch {
    const [, inYaml] = /^message: (.+)$/m.exec(text) ?? [];
    return new ApiError(response.status, '', inYaml ?? (text.trim() || response.statusText));
  }
}

export const isStatus = (err: unknown, status: number): boolean => err instanceof ApiError && err.status === status;
export const messageOf = (err: unknown): string => (err instanceof Error ? err.message : String(err));
export const isAbort = (err: unknown): boolean => err instanceof DOMException && err.name === 'AbortError';
