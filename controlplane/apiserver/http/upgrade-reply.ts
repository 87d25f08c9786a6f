// The answer to a request with an Upgrade header on a path that has no protocol of its own. A log or a watch goes to a WebSocket as
// messages, as kube-apiserver offers it to browsers; all else is answered as if the header were not there (RFC 9110, 7.8).
import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { BadRequest } from '../../base/errors';
import { protobufType } from '../protobuf/envelope';
import { jsonType, type Reply, type Sink, type StreamReply } from '../request';

export interface Upgrade {
  readonly message: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Protocol → whether its messages are base64 in text. Source: apimachinery wsstream, NewDefaultReaderProtocols. */
const protocols: ReadonlyMap<string, boolean> = new Map([
  ['', false],
  ['binary.k8s.io', false],
  ['base64.binary.k8s.io', true],
]);
/** Messages of the client are ignored; a larger one ends the connection. */
const maxPayload = 64 * 1024;
/** The length in front of each frame of a protobuf stream. */
const frameHead = 4;
/** The writer pauses when this much waits for a slow reader. */
const highWaterBytes = 256 * 1024;

/** @throws BadRequest when the client offers only protocols that are not served */
export function answerUpgrade(upgrade: Upgrade, reply: Reply): void {
  const isWebSocket = upgrade.message.headers.upgrade?.toLowerCase() === 'websocket';
  if (isWebSocket && 'start' in reply && reply.status === 200) answerWebSocket(upgrade, reply);
  else answerPlain(upgrade.socket, reply);
}

/** The answer ends with the connection, since the rest of what the client sent may be of another protocol. */
function answerPlain(socket: Duplex, reply: Reply): void {
  const headers: Record<string, string | string[]> = {
    'content-type': reply.type,
    ...reply.headers,
    connection: 'close',
  };
  if ('body' in reply) headers['content-length'] = String(reply.body.length);
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((each) => `${name}: ${each}`));
  socket.write(`HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? ''}\r\n${lines.join('\r\n')}\r\n\r\n`);
  if ('body' in reply) socket.end(reply.body);
  else reply.start(sinkOfSocket(socket));
}

const sinkOfSocket = (socket: Duplex): Sink => ({
  write: (chunk) => socket.destroyed || socket.writableEnded || socket.write(chunk),
  end: () => socket.end(),
  cut: () => void socket.destroy(),
  buffered: () => socket.writableLength,
  onDrain: (fn) => socket.on('drain', fn),
  onClose: (fn) => {
    if (socket.destroyed) fn();
    else socket.once('close', fn);
  },
});

function answerWebSocket({ message, socket, head }: Upgrade, reply: StreamReply): void {
  const offered = (message.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const protocol = offered.find((name) => protocols.has(name));
  if (protocol === undefined)
    throw new BadRequest(`requested protocol(s) are not supported: ${JSON.stringify(offered)}`);
  const server = new WebSocketServer({
    noServer: true,
    maxPayload,
    perMessageDeflate: false,
    handleProtocols: () => protocol || false,
  });
  // ws itself answers other invalid handshakes, with 400.
  server.handleUpgrade(message, socket, head, (client) => {
    const asText = protocols.get(protocol)!;
    if (reply.type === jsonType) reply.start(sinkOfEvents(client, socket));
    else if (reply.type.startsWith(protobufType)) reply.start(sinkOfFrames(client, socket));
    else reply.start(sinkOfBytes(client, socket, asText));
  });
}

/** Each line of the answer is a message: one event of a watch. */
const sinkOfEvents = (client: WebSocket, socket: Duplex): Sink => ({
  ...sinkOfClient(client, socket),
  write: (chunk) => {
    for (const line of chunk.toString('utf8').split('\n')) if (line !== '') client.send(line);
    return client.bufferedAmount < highWaterBytes;
  },
});

/** Each frame of the answer is a message, without the length in front of it: a WebSocket has lengths of its own. */
const sinkOfFrames = (client: WebSocket, socket: Duplex): Sink => ({
  ...sinkOfClient(client, socket),
  write: (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      const end = at + frameHead + chunk.readUInt32BE(at);
      client.send(chunk.subarray(at + frameHead, end), { binary: true });
      at = end;
    }
    return client.bufferedAmount < highWaterBytes;
  },
});

const sinkOfBytes = (client: WebSocket, socket: Duplex, asText: boolean): Sink => ({
  ...sinkOfClient(client, socket),
  write: (chunk) => {
    if (asText) client.send(chunk.toString('base64'));
    else client.send(chunk, { binary: true });
    return client.bufferedAmount < highWaterBytes;
  },
});

function sinkOfClient(client: WebSocket, socket: Duplex): Omit<Sink, 'write'> {
  // 'close' follows.
  client.on('error', () => {});
  return {
    end: () => client.close(1000),
    cut: () => client.terminate(),
    buffered: () => client.bufferedAmount,
    onDrain: (fn) => socket.on('drain', fn),
    onClose: (fn) => {
      if (client.readyState === client.CLOSED) fn();
      else client.once('close', fn);
    },
  };
}
