// The way from one server to etcd: a forwarder on loopback that can be cut, as a network is: bytes and new connections get no answer.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class Way {
  private readonly pairs = new Set<readonly [Socket, Socket]>();
  private readonly waiting = new Set<Socket>();
  private isCut = false;

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private readonly target: number,
  ) {
    server.on('connection', (socket) => this.accept(socket));
  }

  /** To this port of loopback. */
  static async open(target: number): Promise<Way> {
    // Without noDelay, small messages would wait 40 ms for the acknowledgement of the one before.
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Way(server, (server.address() as { port: number }).port, target);
  }

  cut(): void {
    this.isCut = true;
    for (const pair of this.pairs) for (const socket of pair) socket.pause();
  }

  /** `keeps`: what was under way arrives late; else all connections are reset. */
  heal(keeps: boolean): void {
    this.isCut = false;
    for (const pair of this.pairs) {
      for (const socket of pair) {
        if (keeps) socket.resume();
        else socket.resetAndDestroy();
      }
    }
    for (const socket of this.waiting) this.forward(socket);
    this.waiting.clear();
  }

  close(): void {
    this.server.close();
    for (const socket of [...[...this.pairs].flat(), ...this.waiting]) socket.destroy();
  }

  private accept(socket: Socket): void {
    socket.on('error', () => {});
    if (this.isCut) {
      socket.pause();
      this.waiting.add(socket);
      socket.on('close', () => this.waiting.delete(socket));
    } else this.forward(socket);
  }

  private forward(from: Socket): void {
    const to = connect({ port: this.target, host: '127.0.0.1', noDelay: true });
    const pair = [from, to] as const;
    this.pairs.add(pair);
    // Without pipe(): it would resume a socket that is paused for the cut.
    for (const [source, sink] of [pair, [to, from]] as const) {
      source.on('data', (bytes) => sink.write(bytes));
      source.on('end', () => sink.end());
      source.on('error', () => sink.destroy());
      source.on('close', () => {
        this.pairs.delete(pair);
        sink.destroy();
      });
    }
    from.resume();
  }
}
