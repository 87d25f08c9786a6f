// The kubelet opens one connection to Docker for each call: on a kept connection a call fails if Docker has closed it.
import { Agent } from 'node:http';
import { inspect } from 'node:util';

export class DockerAgent extends Agent {
  constructor() {
    super({ keepAlive: false });
  }

  /**
   * docker-modem formats the options of every request for a debug log that is nearly always off, to any depth and with hidden
   * fields. With all open sockets of an agent, that took more time than the rest of the kubelet.
   */
  [inspect.custom](): string {
    return 'DockerAgent';
  }
}
