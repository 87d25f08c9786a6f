// Watches over WebSockets. A browser opens six connections to a server of HTTP/1.1, and a view that watches six kinds would leave none
// for its own requests; WebSockets do not count among them.

import { tokenProtocol } from '../../model/exec-frames';
import type { Sender } from '../../model/follow';

const binary = 'binary.k8s.io';
/** A server that hangs neither accepts nor refuses. */
const openMs = 10_000;
const newline = new Uint8Array([10]);

/** send() resolves with an answer whose body is the events, a line each. It rejects with TypeError when the socket is refused. */
export class SocketSender implements Sender {
  constructor(private readonly token: string) {}

  send(path: string, { signal }: { readonly signal: AbortSignal }): Promise<Response> {
    const socket = new WebSocket(`wss://${location.host}${path}`, [binary, tokenProtocol(this.token)]);
    socket.binaryType = 'arraybuffer';
    return new Promise((resolve, reject) => {
      // A server that hangs does not answer a close: the stream ends at once.
      let end = () => {};
      const close = () => {
        socket.close();
        end();
      };
      const timer = setTimeout(close, openMs);
      signal.addEventListener('abort', close, { once: true });
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          end = () => {
            end = () => {};
            clearTimeout(timer);
            signal.removeEventListener('abort', close);
            // A browser hides why a WebSocket was refused. The next read of the list says it.
            reject(new TypeError('the server refused the connection'));
            controller.close();
          };
          socket.addEventListener('open', () => {
            clearTimeout(timer);
            resolve(new Response(body));
          });
          socket.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer>) => {
            if (signal.aborted) return;
            const event = new Uint8Array(data);
            controller.enqueue(event);
            if (event.at(-1) !== newline[0]) controller.enqueue(newline);
          });
          socket.addEventListener('close', () => end());
        },
        cancel: () => {
          end = () => clearTimeout(timer);
          close();
        },
      });
    });
  }
}
