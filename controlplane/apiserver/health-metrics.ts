// /metrics/slis: the results of the health checks, with kube-apiserver's names. A check is counted when someone asks for it.
import { Counter, renderGauge } from '../base/metric';
import { endpointsOf, type HealthCheck, type HealthEndpoint } from './health';

export class HealthMetrics {
  private readonly results = new Map<string, number>();
  private readonly total = new Counter({
    name: 'kubernetes_healthchecks_total',
    help: 'How often each health check was asked, by its result.',
  });

  /** The check, whose results are counted. */
  counted(check: HealthCheck): HealthCheck {
    for (const endpoint of endpointsOf(check)) this.results.set(labelsOf(check, endpoint), 0);
    return {
      ...check,
      failure: (endpoint) => {
        const failure = check.failure(endpoint);
        if (endpoint !== undefined) this.count(check, endpoint, failure === undefined);
        return failure;
      },
    };
  }

  private count(check: HealthCheck, endpoint: HealthEndpoint, passed: boolean): void {
    this.results.set(labelsOf(check, endpoint), passed ? 1 : 0);
    this.total.add(`name="${check.name}",status="${passed ? 'success' : 'error'}",type="${endpoint}"`);
  }

  render(): readonly string[] {
    const help = '1 for a health check that passed when it was last asked.';
    return [...renderGauge({ name: 'kubernetes_healthcheck', help }, this.results), ...this.total.render()];
  }
}

const labelsOf = ({ name }: HealthCheck, endpoint: HealthEndpoint): string => `name="${name}",type="${endpoint}"`;
