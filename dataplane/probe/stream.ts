// A TCP connection of a probe, and the probe `tcp` over it.
import { closeSync } from 'node:fs';
import { Socket, type SocketConstructorOpts } from 'node:net';
import { SOCK_STREAM } from '../libc/constants';
import type { Netns } from '../netns/netns';
import type { Attempt } from './attempt';
import type { ProbeRequest } from './request';
import { localEnd, openSocket, unacknowledged } from './socket';

/** How long a server that speaks first has for its first bytes. */
export const listenMs = 200;
/** Enough to recognise a greeting. */
export const greetingBytes = 64;
/** Of an answer to a payload. A server may write it in pieces, which follow one another. */
const answerBytes = 512;
const pieceMs = 20;
/** No event says that the other side has acknowledged all bytes. */
const acknowledgeCheckMs = 10;

/**
 * Connects and calls `onConnected`. All errors of the socket end the attempt. After the attempt the socket is closed.
 * @throws as openSocket
 */
export function connectStream(
  netns: Netns,
  request: ProbeRequest,
  attempt: Attempt,
  onConnected: (socket: Socket, fd: number) => void,
): void {
  const { facts } = attempt;
  const fd = openSocket(netns, request, SOCK_STREAM);
  const socket = adopt(fd);
  attempt.onEnd(() => socket.destroy());
  socket.on('error', (err) => attempt.fail(err));
  let calledMs = 0;
  socket.connect({ host: request.address, port: request.port! }, () => {
    facts.connectMs = attempt.elapsedMs() - calledMs;
    onConnected(socket, fd);
  });
  // Node calls connect(2) in the next tick, so this tick comes after it: the kernel has chosen the address and the port. After
  // the end of a failed connection the descriptor is closed, and its number may belong to another file.
  process.nextTick(() => {
    calledMs = attempt.elapsedMs();
    if (!socket.destroyed) Object.assign(facts, localEnd(fd));
  });
}

function adopt(fd: number): Socket {
  // manualStart keeps Node from reading before the socket is connected, which would fail with ENOTCONN. The socket stays open
  // for writing after the FIN of the other side, so that the probe and not Node decides what comes next.
  const options: SocketConstructorOpts & { manualStart: boolean } = { fd, allowHalfOpen: true, manualStart: true };
  try {
    return new Socket(options);
  } catch (err) {
    closeSync(fd);
    throw err;
  }
}

/** @throws as openSocket */
export function probeTcp(netns: Netns, request: ProbeRequest, attempt: Attempt): void {
  const { size = 0, payload } = request;
  if (payload !== undefined) {
    connectStream(netns, request, attempt, (socket) => ask(socket, payload, attempt));
    return;
  }
  connectStream(netns, request, attempt, (socket, fd) => {
    if (size === 0) attempt.atTimeout = { outcome: 'connected' };
    else socket.write(padding(size));
    const whenAcknowledged = () => {
      const left = unacknowledged(fd);
      if (left === 0) return attempt.finish('connected');
      attempt.atTimeout = { outcome: 'timeout', error: `${left} of ${size} bytes were not acknowledged` };
      attempt.after(acknowledgeCheckMs, whenAcknowledged);
    };
    attempt.after(listenMs, whenAcknowledged);
    let greeting = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => {
      greeting = Buffer.concat([greeting, bytes]).subarray(0, greetingBytes);
      attempt.facts.answer = greeting;
      if (greeting.length === greetingBytes && size === 0) attempt.finish('connected');
    });
    socket.on('end', () => attempt.finish(greeting.length > 0 ? 'connected' : 'closed'));
  });
}

function ask(socket: Socket, payload: Buffer, attempt: Attempt): void {
  socket.write(payload);
  let answer = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    if (answer.length === 0) attempt.after(pieceMs, () => attempt.finish('answered'));
    answer = Buffer.concat([answer, bytes]).subarray(0, answerBytes);
    attempt.facts.answer = answer;
  });
  socket.on('end', () => attempt.finish(answer.length > 0 ? 'answered' : 'closed'));
}

const line = 'k8ts probe: this text only fills a packet\r\n';

/** Text of so many bytes: a server that logs it shows where it comes from. */
export const padding = (bytes: number): Buffer => Buffer.alloc(bytes, line);
