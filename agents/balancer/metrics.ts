// The metrics of this process, in the Prometheus text format.
import { Counter, renderGauge } from '../../controlplane/base/metric';
import type { Candidate } from './choose';
import type { RelayedBytes } from './relay';

/** Servers come and go; the names of some that are gone may stay. */
const maxSeries = 64;
const label = (name: string): string => `server="${name}"`;

export class BalancerMetrics {
  private readonly accepted = new Counter({
    name: 'k8ts_balancer_connections_total',
    help: 'Connections that were passed on, by server.',
    maxSeries,
  });
  private readonly failures = new Counter({
    name: 'k8ts_balancer_connect_failures_total',
    help: 'Attempts to connect that a server did not accept; another server was tried after it.',
    maxSeries,
  });
  private readonly broken = new Counter({
    name: 'k8ts_balancer_closed_connections_total',
    help: 'Connections that the balancer closed because their server was down and another one was up.',
    maxSeries,
  });
  private readonly turnedAway = new Counter({
    name: 'k8ts_balancer_refused_connections_total',
    help: 'Connections that no server got: limit, too many were open; client_limit, too many from the same address; no_server, no server accepted.',
  });
  private readonly bytes = new Counter({
    name: 'k8ts_balancer_bytes_total',
    help: 'Bytes of ended connections, by the side that sent them.',
  });

  /** `servers`: the servers now. */
  constructor(private readonly servers: () => readonly Candidate[]) {}

  connected(server: string): void {
    this.accepted.add(label(server));
  }

  failed(server: string): void {
    this.failures.add(label(server));
  }

  closed(server: string, count: number): void {
    this.broken.add(label(server), count);
  }

  refused(reason: 'limit' | 'client_limit' | 'no_server'): void {
    this.turnedAway.add(`reason="${reason}"`);
  }

  moved({ fromClient, fromServer }: RelayedBytes): void {
    this.bytes.add('from="client"', fromClient);
    this.bytes.add('from="server"', fromServer);
  }

  render(): string {
    const servers = this.servers();
    const lines = [
      ...renderGauge(
        { name: 'k8ts_balancer_server_up', help: 'Whether the checks find the server ready: 1 or 0.' },
        servers.map(({ name, state }) => [label(name), state === 'up' ? 1 : 0] as const),
      ),
      ...renderGauge(
        { name: 'k8ts_balancer_open_connections', help: 'Connections to the server that are open or being opened.' },
        servers.map(({ name, connections }) => [label(name), connections] as const),
      ),
      ...[this.accepted, this.failures, this.broken, this.turnedAway, this.bytes].flatMap((each) => each.render()),
    ];
    return `${lines.join('\n')}\n`;
  }
}
