// The body of kube-proxy's /healthz, with upstream's fields. A load balancer outside the cluster looks at the status code only.
import type { Clock } from '../../controlplane/base/clock';

export interface HealthReport {
  /** RFC 3339. The last time at which nothing was wrong; now, if nothing is. */
  readonly lastUpdated: string;
  readonly currentTime: string;
  readonly healthy: boolean;
  /** Not a field of upstream. */
  readonly problem?: string;
}

/** Remembers between reports when the last one without a problem was. */
export function healthReports(clock: Pick<Clock, 'now'>): (problem: string | undefined) => HealthReport {
  let healthyAtMs = clock.now();
  return (problem) => {
    const now = clock.now();
    if (problem === undefined) healthyAtMs = now;
    const lastUpdated = new Date(healthyAtMs).toISOString();
    const report = { lastUpdated, currentTime: new Date(now).toISOString(), healthy: problem === undefined };
    return problem === undefined ? report : { ...report, problem };
  };
}
