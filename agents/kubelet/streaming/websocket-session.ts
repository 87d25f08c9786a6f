// exec and attach over WebSocket: channels 0 stdin, 1 stdout, 2 stderr, 3 error, 4 resize.
import type { WebSocket } from 'ws';
import type { RemoteIo } from './handlers';
import type { RemoteCommandProtocol } from './negotiate';
import type { RemoteCommand, RemoteSession } from './session';
import { ResizeFeed, TerminalSizeReader } from './terminal-size';
import { WebSocketChannels } from './websocket-channels';

const channelOf = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
const normalClosure = 1000;

export function webSocketSession(
  socket: WebSocket,
  protocol: RemoteCommandProtocol,
  { request }: RemoteCommand,
): RemoteSession {
  const channels = new WebSocketChannels(socket, protocol);
  const gone = new AbortController();
  socket.once('close', () => gone.abort(new Error('client has left')));
  const sizes = new ResizeFeed();
  if (request.tty) {
    const reader = new TerminalSizeReader();
    channels.input(channelOf.resize).on('data', (chunk: Buffer) => {
      for (const size of reader.push(chunk)) sizes.publish(size);
    });
  }
  const io: RemoteIo = {
    ...(request.stdin ? { stdin: channels.input(channelOf.stdin) } : {}),
    ...(request.stdout ? { stdout: channels.output(channelOf.stdout) } : {}),
    ...(request.stderr ? { stderr: channels.output(channelOf.stderr) } : {}),
    onResize: (listener) => sizes.subscribe(listener),
    signal: gone.signal,
  };
  const error = channels.output(channelOf.error);
  channels.announce(request.stdout ? channelOf.stdout : request.stderr ? channelOf.stderr : channelOf.error);
  return { io, protocolVersion: protocol.version, sizes, error, close: () => socket.close(normalClosure) };
}
