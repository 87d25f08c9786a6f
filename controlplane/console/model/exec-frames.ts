// The frames of exec over a WebSocket, protocol v5.channel.k8s.io: the first byte of each message is its channel. Pure.
// Source: k8s.io/apimachinery, pkg/util/remotecommand.

export const execProtocol = 'v5.channel.k8s.io';

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;

export type ExecFrame =
  | { readonly kind: 'output'; readonly bytes: Uint8Array }
  /** The program has ended; the message is '' when its status is 0. */
  | { readonly kind: 'end'; readonly message: string };

/** Undefined for a channel that carries nothing to show. */
export function parseFrame(message: Uint8Array): ExecFrame | undefined {
  const bytes = message.subarray(1);
  switch (message[0]) {
    case channels.stdout:
    case channels.stderr:
      return bytes.length === 0 ? undefined : { kind: 'output', bytes };
    case channels.error:
      return { kind: 'end', message: messageOf(new TextDecoder().decode(bytes)) };
    default:
      return undefined;
  }
}

export const stdinFrame = (text: string): Uint8Array<ArrayBuffer> =>
  frame(channels.stdin, new TextEncoder().encode(text));

export const resizeFrame = (columns: number, rows: number): Uint8Array<ArrayBuffer> =>
  frame(channels.resize, new TextEncoder().encode(JSON.stringify({ Width: columns, Height: rows })));

function frame(channel: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(bytes.length + 1);
  message[0] = channel;
  message.set(bytes, 1);
  return message;
}

/** The end is a Status as JSON. */
function messageOf(text: string): string {
  try {
    const { status, message } = JSON.parse(text) as { readonly status?: string; readonly message?: string };
    return status === 'Success' ? '' : (message ?? text);
  } catch {
    return text;
  }
}

/** Runs the better shell of an image: few have bash, most have sh. */
export const shellCommand = [
  'sh',
  '-c',
  'TERM=xterm-256color; export TERM; command -v bash >/dev/null 2>&1 && exec bash || exec sh',
];

/** The query of exec for a terminal. */
export function execQuery(container: string, command: readonly string[]): string {
  const query = new URLSearchParams({ container, stdin: 'true', stdout: 'true', tty: 'true' });
  for (const word of command) query.append('command', word);
  return query.toString();
}

/** The subprotocol that carries a bearer token: a browser cannot set headers of a WebSocket. */
export function tokenProtocol(token: string): string {
  const bytes = new TextEncoder().encode(token);
  const base64 = btoa(String.fromCharCode(...bytes));
  return `base64url.bearer.authorization.k8s.io.${base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`;
}
