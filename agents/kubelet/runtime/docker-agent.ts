// How connections to Docker are made: one for each call, since one kept open fails the call after Docker has closed it.
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
