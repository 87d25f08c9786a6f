// A pod that answers a ledger. The data plane sees a server at a place of the lab, and its endpoint.
import { createServer, type Server, type Socket } from 'node:net';
import type { Endpoint } from '../../dataplane/service/input';
import { answerOf } from './ledger';
import { endpoint } from './service-fixture';
import { addresses, type Place, type ServiceLab } from './service-lab';

export class Backend {
  private readonly open = new Set<Socket>();
  private draining = false;
  private constructor(
    readonly name: string,
    readonly place: Exclude<Place, 'outside'>,
    readonly port: number,
    private readonly server: Server,
  ) {}

  static async start(
    lab: ServiceLab,
    place: Exclude<Place, 'outside'>,
    port: number,
    name = `${place}-${port}`,
  ): Promise<Backend> {
    const server = createServer();
    const backend = new Backend(name, place, port, server);
    server.on('connection', (socket) => backend.serve(socket));
    await new Promise<void>((resolve) => lab.at[place].enter(() => server.listen({ port, backlog: 511 }, resolve)));
    lab.defer(() => backend.kill());
    return backend;
  }

  endpoint(changes: Partial<Endpoint> = {}): Endpoint {
    return endpoint(addresses[this.place], this.port, { local: this.place !== 'far', ...changes });
  }
  /** The endpoint of a terminating pod, which answers until its grace period ends. */
  terminating(): Endpoint {
    return this.endpoint({ ready: false, terminating: true });
  }

  /** Answers one more request on every connection, then closes the connection, as a graceful shutdown does. */
  drain(): void {
    this.draining = true;
  }

  /** Shuts down gracefully. Call it when no rule leads here any more. */
  async stop(): Promise<void> {
    this.draining = true;
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
  }

  kill(): void {
    for (const socket of this.open) socket.destroy();
    if (this.server.listening) this.server.close();
  }

  private serve(socket: Socket): void {
    this.open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.open.delete(socket));
    socket.on('data', () => {
      if (this.draining) socket.end(answerOf(this.name, true));
      else socket.write(answerOf(this.name));
    });
  }
}
