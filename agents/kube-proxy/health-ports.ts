// healthCheckNodePort: a load balancer in front of the cluster asks each node whether it has local endpoints of a Service, and
// sends connections only to nodes that answer 200. The answer has the form of upstream's kube-proxy.
import { createServer, type Server } from 'node:http';
import { describeError } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';

export interface HealthCheck {
  /** `namespace/name`. */
  readonly key: string;
  readonly port: number;
  readonly localEndpoints: number;
}

export class HealthPorts {
  private readonly servers = new Map<number, Server>();
  private checks = new Map<number, HealthCheck>();
  constructor(private readonly log: Logger) {}

  /** Opens and closes ports until they are those of `checks`. If two Services have one port, the first by name gets it. */
  update(checks: readonly HealthCheck[]): void {
    const desired = new Map<number, HealthCheck>();
    for (const check of [...checks].sort((a, b) => (a.key < b.key ? 1 : -1))) desired.set(check.port, check);
    this.checks = desired;
    for (const [port, server] of this.servers) {
      if (desired.has(port)) continue;
      this.servers.delete(port);
      server.close();
      server.closeAllConnections();
    }
    for (const port of desired.keys()) if (!this.servers.has(port)) this.open(port);
  }

  close(): void {
    this.update([]);
  }

  private open(port: number): void {
    const server = createServer((_request, response) => {
      const check = this.checks.get(port);
      const [namespace, name] = (check?.key ?? '/').split('/');
      const localEndpoints = check?.localEndpoints ?? 0;
      response.statusCode = localEndpoints > 0 ? 200 : 503;
      response.setHeader('content-type', 'application/json');
      response.setHeader('x-content-type-options', 'nosniff');
      response.setHeader('x-load-balancing-endpoint-weight', String(localEndpoints));
      response.end(`${JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy: true })}\n`);
    });
    this.servers.set(port, server);
    server.once('error', (err) => {
      // The next change tries again: by then another process may have closed the port.
      if (this.servers.get(port) === server) this.servers.delete(port);
      this.log.warn('health check port not opened; the next change tries again', {
        port,
        service: this.checks.get(port)?.key,
        error: describeError(err),
      });
    });
    server.listen(port);
  }
}
