// How the kubelet connects to Docker: once for each call. A connection kept open fails the next call if Docker has closed it.
import { Agent } from 'node:http';
import { inspect } from 'node:util';

export class DockerAgent extends Agent {
  constructor() {
    super({ keepAlive: false });
  }

  /**
   * docker-modem renders the options of every request for a debug log that is hardly ever on, to any depth and with hidden
   * fields: with all open sockets of an agent in it that took more time than everything else the kubelet does together.
   */
  [inspect.custom](): string {
    return 'DockerAgent';
  }
}
