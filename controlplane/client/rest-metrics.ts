// What the clients of this process ask of API servers, with client-go's names: how many requests got which answer, and how long they
// took. One record for all clients, as for work queues: dashboards and the alert KubeClientErrors read it from each process.
import { Counter, Histogram } from '../base/metric';

/** Upper bounds in seconds, those of client-go. */
const durations = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
/** A process asks one server, seldom two: this bounds what a changing kubeconfig could add. */
const maxSeries = 500;
/** In place of the status of a request without an answer. */
const noAnswer = '<error>';

export interface Asked {
  readonly method: string;
  /** Host and port of the server. */
  readonly host: string;
  /** Status of the answer; undefined when none came. */
  readonly status: number | undefined;
  /** Until the head of the answer. */
  readonly ms: number;
}

export class RestMetrics {
  private readonly requests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to API servers, by method, host and status of the answer.',
    maxSeries,
  });
  private readonly durations = new Histogram({
    name: 'rest_client_request_duration_seconds',
    help: 'Seconds until an API server answered; of a watch, until it began.',
    buckets: durations,
    maxSeries,
  });

  note({ method, host, status, ms }: Asked): void {
    this.requests.add(`code="${status ?? noAnswer}",host="${host}",method="${method}"`);
    this.durations.observe(`host="${host}",verb="${method}"`, ms / 1000);
  }

  render(): readonly string[] {
    return [...this.durations.render(), ...this.requests.render()];
  }
}

/** One for the process, as queueMetrics is. */
export const restMetrics = new RestMetrics();
/** One function for all clients, so that it is added to the metrics of the process once. */
export const renderRestMetrics = (): readonly string[] => restMetrics.render();
