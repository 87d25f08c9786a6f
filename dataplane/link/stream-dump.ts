// Reads a table of the kernel message by message, without keeping it: a table of connections can have hundreds of thousands of entries.
import { formatMessage, RawNetlinkSocket } from 'netlink';
import { Unavailable } from '../../controlplane/base/errors';
import type { Netns } from '../netns/netns';
import { NLM_F } from './constants';
import { errnoError } from './rt-socket';

export interface DumpRequest {
  /** Names the attempt in errors. */
  readonly what: string;
  readonly protocol: number;
  readonly type: number;
  readonly payload: readonly Uint8Array[];
}

/** A message of the answer, without its header: bytes from..to of the buffer, which is valid only during the call. */
export type OnMessage = (bytes: Buffer, from: number, to: number) => void;

const NLM_F_REQUEST = 1;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** struct nlmsghdr */
const headerBytes = 16;
/** The kernel fills as much of it as it can with each call. */
const bufferBytes = 32 * 1024;
/** Zero: the size that the kernel gives. */
const options = { messagePeeking: false, msgBufferSize: bufferBytes, recvBufferSize: 0, sendBufferSize: 0 } as const;
/** Between two parts of an answer, which the kernel writes while they are read. */
const silenceMs = 10_000;

/** @throws NotFound when the namespace is gone, Forbidden, Unavailable */
export function streamDump(netns: Netns, request: DumpRequest, onMessage: OnMessage): Promise<void> {
  const { what, protocol, type, payload } = request;
  // A socket for each dump: nothing of a dump that failed can be taken for a part of the next one.
  const socket = netns.enter(() => new RawNetlinkSocket(protocol, options));
  return new Promise<void>((resolve, reject) => {
    const silent = setTimeout(() => end(new Unavailable(`${what}: no answer from the kernel`)), silenceMs);
    let open = true;
    const end = (error?: Error) => {
      if (!open) return;
      open = false;
      clearTimeout(silent);
      socket.close();
      if (error) reject(error);
      else resolve();
    };
    socket.on('error', (cause) => end(new Unavailable(`${what}: the socket failed`, { cause })));
    socket.on('truncatedMessage', () => end(new Unavailable(`${what}: a message is longer than ${bufferBytes} bytes`)));
    socket.on('message', (bytes) => {
      if (!open) return;
      silent.refresh();
      try {
        if (eachMessage(bytes, what, onMessage)) end();
      } catch (error) {
        end(error as Error);
      }
    });
    const { port } = socket.address();
    const flags = NLM_F_REQUEST | NLM_F.DUMP;
    socket.send(formatMessage({ type, flags, seq: 1, port, data: [...payload] }), {}, (error) => {
      if (error) end(new Unavailable(`${what}: not sent`, { cause: error }));
    });
  });
}

/** True: the answer is complete. Pure but for what `onMessage` does. @throws what the kernel reports */
export function eachMessage(bytes: Buffer, what: string, onMessage: OnMessage): boolean {
  for (let at = 0; at + headerBytes <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (length < headerBytes || at + length > bytes.length) throw new Unavailable(`${what}: a message is cut off`);
    const type = bytes.readUInt16LE(at + 4);
    if (type === NLMSG_DONE || type === NLMSG_ERROR) {
      const errno = length >= headerBytes + 4 ? bytes.readInt32LE(at + headerBytes) : 0;
      if (errno < 0) throw errnoError(what, -errno);
      return true;
    }
    onMessage(bytes, at + headerBytes, at + length);
    at += (length + 3) & ~3;
  }
  return false;
}
