// One exchange with one upstream server: UDP first, TCP when the answer was truncated. Each question has a socket of its own, so
// that the port is as hard to guess as the ID (RFC 5452). The socket is connected, so that an unreachable server is reported at
// once.
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createConnection, isIPv6 } from 'node:net';
import { Unavailable } from '../../controlplane/base/errors';
import { headerSize, isResponse, isTruncated, readQuestion } from './raw';

export interface UpstreamAddress {
  readonly host: string;
  readonly port: number;
}
export const formatUpstream = ({ host, port }: UpstreamAddress): string => `${host}:${port}`;

/** Sends the query with a new ID and resolves with its answer. @throws Unavailable, and the sockets' own errors */
export async function exchange(query: Buffer, server: UpstreamAddress, timeoutMs: number): Promise<Buffer> {
  const message = Buffer.from(query);
  message.writeUInt16BE(randomInt(0x1_0000), 0);
  const answer = await askUdp(message, server, timeoutMs);
  return isTruncated(answer) ? askTcp(message, server, timeoutMs) : answer;
}

function askUdp(message: Buffer, { host, port }: UpstreamAddress, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const end = (settle: () => void) => {
      clearTimeout(timer);
      socket.removeAllListeners();
      // A late ICMP error needs a listener: without one the process would end.
      socket.on('error', () => {});
      socket.close();
      settle();
    };
    const fail = (error: Error) => end(() => reject(error));
    const timer = setTimeout(
      () => fail(new Unavailable(`${host}:${port} did not answer in ${timeoutMs} ms`)),
      timeoutMs,
    );
    socket.once('error', fail);
    // A connected socket receives packets of the server only. A packet with a wrong ID or question may be a forged one: ignore it
    // and wait on.
    socket.on('message', (answer) => {
      if (isAnswerTo(answer, message)) end(() => resolve(answer));
    });
    socket.connect(port, host, () => socket.send(message));
  });
}

function askTcp(message: Buffer, { host, port }: UpstreamAddress, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port });
    let received: Buffer = Buffer.alloc(0);
    const end = (settle: () => void) => {
      clearTimeout(timer);
      socket.destroy();
      settle();
    };
    const fail = (error: Error) => end(() => reject(error));
    const timer = setTimeout(() => fail(new Unavailable(`${host}:${port} did not answer over TCP`)), timeoutMs);
    socket.on('error', fail);
    socket.on('close', () => fail(new Unavailable(`${host}:${port} closed the connection`)));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2) return;
      const length = received.readUInt16BE(0);
      if (received.length < 2 + length) return;
      const answer = received.subarray(2, 2 + length);
      if (isAnswerTo(answer, message)) end(() => resolve(answer));
      else fail(new Unavailable(`${host}:${port} answered something else`));
    });
    socket.on('connect', () => {
      const head = Buffer.alloc(2);
      head.writeUInt16BE(message.length);
      socket.write(Buffer.concat([head, message]));
    });
  });
}

function isAnswerTo(answer: Buffer, query: Buffer): boolean {
  if (answer.length < headerSize || !isResponse(answer) || answer.readUInt16BE(0) !== query.readUInt16BE(0))
    return false;
  const asked = readQuestion(query);
  const answered = readQuestion(answer);
  return asked?.name === answered?.name && asked?.type === answered?.type && asked?.class === answered?.class;
}
