// HTTP byte by byte, for tests of proxies: a backend that keeps the received bytes and sends a given answer, and a client that sends
// any bytes.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Test } from 'tap';

export interface RawBackend {
  readonly address: string;
  readonly port: number;
  /** All bytes of each connection so far, in order of the connections. */
  readonly received: string[];
  /** The answer after the head of a request has arrived; '' closes the connection without an answer. */
  answer: string | ((socket: Socket) => void);
}

/** Listens on loopback until the test ends; answers once on each connection. */
export async function rawBackend(t: Test, answer: RawBackend['answer'] = ok('')): Promise<RawBackend> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const index = received.push('') - 1;
    let answered = false;
    sockets.add(socket);
    socket.setEncoding('latin1');
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (text: string) => {
      received[index] += text;
      if (answered || !received[index]!.includes('\r\n\r\n')) return;
      answered = true;
      if (typeof backend.answer !== 'string') backend.answer(socket);
      else if (backend.answer === '') socket.destroy();
      else socket.end(backend.answer, 'latin1');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((done) => server.close(done));
  });
  const backend: RawBackend = { address: '127.0.0.1', port: (server.address() as AddressInfo).port, received, answer };
  return backend;
}

export const ok = (body: string, headers = ''): string =>
  `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${headers}connection: close\r\n\r\n${body}`;

/** Sends the bytes on a new connection; resolves with all received bytes when the other side closes. */
export async function send(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (part: string) => {
    text += part;
  });
  // A reset ends the connection as well as a FIN does.
  socket.on('error', () => {});
  socket.write(bytes, 'latin1');
  await once(socket, 'close').catch(() => {});
  return text;
}

/** A GET that asks for the connection to be closed. */
export const get = (path: string, headers = '', host = 'shop.local'): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${headers}Connection: close\r\n\r\n`;

/** The status of an answer; 0 when there is none. */
export const statusOf = (answer: string): number => Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? 0);
export const bodyOf = (answer: string): string => answer.slice(answer.indexOf('\r\n\r\n') + 4);
/** Values of a header of a message, in order. */
export const valuesOf = (message: string, name: string): string[] =>
  message
    .slice(0, message.indexOf('\r\n\r\n'))
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(/:\s*/))
    .filter(([found]) => found?.toLowerCase() === name)
    .map(([, ...value]) => value.join(': '));
