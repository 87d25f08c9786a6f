// /metrics/slis: the results of the kubelet's health check, by upstream's names. Each request asks the check.
import { Counter, renderGauge } from '../../../controlplane/base/metric';

export class HealthSlis {
  private readonly total = new Counter({
    name: 'kubernetes_healthchecks_total',
    help: 'How often the health check was asked, by its result.',
  });

  constructor(private readonly problem: () => string | undefined) {}

  render(): string {
    const passed = this.problem() === undefined;
    this.total.add(`name="healthz",status="${passed ? 'success' : 'error'}",type="healthz"`);
    const help = '1 if the health check passed.';
    const value = renderGauge({ name: 'kubernetes_healthcheck', help }, [
      ['name="healthz",type="healthz"', passed ? 1 : 0],
    ]);
    return `${[...value, ...this.total.render()].join('\n')}\n`;
  }
}
