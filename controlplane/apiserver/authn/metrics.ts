// How long the certificates of users are still valid, with kube-apiserver's name: the alert KubeClientCertificateExpiration reads it.
import { Histogram } from '../../base/metric';

const hour = 3600;
const day = 24 * hour;
/** Upper bounds in seconds, those of kube-apiserver: from half an hour to a year. */
const buckets = [
  0,
  hour / 2,
  hour,
  2 * hour,
  6 * hour,
  12 * hour,
  ...[1, 2, 4, 7, 30, 90, 180, 360].map((days) => days * day),
];

export class AuthenticationMetrics {
  private readonly left = new Histogram({
    name: 'apiserver_client_certificate_expiration_seconds',
    help: 'How long the certificate of a request was still valid, in seconds.',
    buckets,
  });
  private readonly series = this.left.at('');

  /** A request has a certificate that is valid until then. */
  certificate(endMs: number, nowMs: number): void {
    this.series.observe((endMs - nowMs) / 1000);
  }

  render(): readonly string[] {
    return this.left.render();
  }
}
