// The probes `udp` and `icmp`: one packet, and its answer or an ICMP error.
import { randomInt } from 'node:crypto';
import { closeSync, writeSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { IPPROTO_ICMP, IPPROTO_ICMPV6, SOCK_DGRAM, SOCK_RAW } from '../libc/constants';
import type { Netns } from '../netns/netns';
import { pollSocket } from '../netns/polled-socket';
import type { Attempt } from './attempt';
import { type QueuedError, takeErrors } from './error-queue';
import { type Echo, echoHeaderBytes, parseEchoReply, parseQuotedEcho, renderEcho } from './icmp-echo';
import { verdictOf } from './outcomes';
import type { ProbeRequest } from './request';
import { connectDatagrams, dontFragment, localEnd, openSocket, pathMtu, reportErrors } from './socket';

/** Of a UDP answer, what the result keeps. */
const answerBytes = 512;
const defaultPayload = Buffer.from('k8ts probe\n');
const ipHeaderBytes = { 4: 20, 6: 40 } as const;

interface Exchange {
  readonly request: ProbeRequest;
  readonly attempt: Attempt;
  readonly packet: Buffer;
  /** The size of the packet with its IP header, if it must not be divided. */
  readonly packetBytes?: number;
  readonly isOurs: (error: QueuedError) => boolean;
  readonly onMessage: (message: Buffer) => void;
}

/** @throws as openSocket */
export function probeUdp(netns: Netns, request: ProbeRequest, attempt: Attempt): void {
  const fd = openSocket(netns, request, SOCK_DGRAM);
  exchange(fd, {
    request,
    attempt,
    packet: request.payload ?? defaultPayload,
    // The kernel gives a connected UDP socket only errors about its own packets.
    isOurs: () => true,
    onMessage: (message) => {
      attempt.facts.answer = Buffer.from(message.subarray(0, answerBytes));
      attempt.finish('answered');
    },
  });
}

/**
 * By a raw socket. The kernel's own sockets for echo need net.ipv4.ping_group_range, which a new namespace has switched off.
 * @throws as openSocket
 */
export function probeIcmp(netns: Netns, request: ProbeRequest, attempt: Attempt): void {
  const family = isIPv6(request.address) ? 6 : 4;
  const own: Echo = { id: randomInt(0x10000), sequence: randomInt(0x10000) };
  const isOwn = (echo: Echo | undefined) => echo?.id === own.id && echo.sequence === own.sequence;
  const { size } = request;
  const packet = renderEcho(family, own, size === undefined ? defaultPayload : Buffer.alloc(size, defaultPayload));
  const fd = openSocket(netns, request, SOCK_RAW, family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
  exchange(fd, {
    request,
    attempt,
    packet,
    ...(size !== undefined && { packetBytes: ipHeaderBytes[family] + echoHeaderBytes + size }),
    // A raw socket hears the replies to all processes that ask this address, and the errors about their packets.
    isOurs: ({ quote }) => isOwn(parseQuotedEcho(family, quote)),
    onMessage: (message) => {
      if (isOwn(parseEchoReply(family, message))) attempt.finish('answered');
    },
  });
}

/** Owns `fd` from now on. Sends the packet; an error, an answer or the attempt's own end closes the socket. */
function exchange(fd: number, { request, attempt, packet, packetBytes, isOurs, onMessage }: Exchange): void {
  const { address, port } = request;
  try {
    reportErrors(fd, address);
    if (packetBytes !== undefined) dontFragment(fd, address);
    connectDatagrams(fd, address, port);
  } catch (err) {
    closeSync(fd);
    throw err;
  }
  Object.assign(attempt.facts, localEnd(fd));
  if (request.protocol === 'icmp') delete attempt.facts.localPort;
  const fail = (errno: string, { reportedBy, mtu }: Partial<QueuedError> = {}) => {
    if (reportedBy !== undefined) attempt.facts.reportedBy = reportedBy;
    const limit = mtu ?? pathMtu(socket.fd, address);
    if (errno === 'EMSGSIZE' && packetBytes !== undefined && limit !== undefined) {
      attempt.finish('unreachable', `EMSGSIZE: the path takes packets of ${limit} bytes, this one has ${packetBytes}`);
    } else attempt.finish(verdictOf(errno).outcome, verdictOf(errno).error);
  };
  const socket = pollSocket(fd, {
    onMessage,
    onError: (err) => {
      const errors = takeErrors(socket.fd);
      const ours = errors.find(isOurs);
      // Without an entry in the queue it is not known whose error it is: it counts.
      if (ours || errors.length === 0) fail(ours?.errno ?? err.code ?? String(err), ours);
    },
  });
  attempt.onEnd(() => socket.close());
  try {
    writeSync(socket.fd, packet);
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    fail(
      code ?? String(err),
      takeErrors(socket.fd).find(({ errno }) => errno === code),
    );
  }
}
