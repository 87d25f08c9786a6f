// Faults of Ingresses, from a client outside.
import type { Cluster } from '../e2e/cluster';
import { far, ingress, type Lab, nodeIp } from './lab';

/** The hosts are in no hosts file: the client connects to a node. */
const via = (cluster: Cluster): readonly string[] => ['--connect-to', nodeIp(cluster, far)];
const at = (host: string, path = '/', scheme = 'http') => ({ to: `${scheme}://${host}${path}`, options: via });

export const ingressLabs: readonly Lab[] = [
  {
    name: 'ingress-without-class',
    fault: 'the Ingress names no class, and none is the default',
    from: 'outside',
    ...at('no-class.labs'),
    codes: ['IngressClass'],
    objects: [ingress('no-class', 'no-class.labs', {}, { ingressClassName: 'nginx' })],
  },
  {
    name: 'ingress-wrong-host',
    fault: 'no Ingress has the host of the request',
    from: 'outside',
    ...at('shpo.labs'),
    codes: ['NoSuchHost'],
  },
  {
    name: 'ingress-path-type',
    fault: 'the path is Exact, and the request asks for one below it',
    from: 'outside',
    ...at('exact.labs', '/api/items'),
    codes: ['NoSuchPath'],
    says: /Exact/,
    objects: [ingress('exact', 'exact.labs', { path: '/api', pathType: 'Exact' })],
  },
  {
    name: 'ingress-secret-missing',
    fault: 'the Secret with the certificate does not exist',
    from: 'outside',
    ...at('secret.labs', '/', 'https'),
    codes: ['TlsSecretMissing'],
    says: /labs\/gone/,
    objects: [ingress('secret', 'secret.labs', {}, { tls: [{ hosts: ['secret.labs'], secretName: 'gone' }] })],
  },
  {
    name: 'ingress-no-tls',
    fault: 'the client uses https, and the Ingress has no certificate for the host',
    from: 'outside',
    ...at('exact.labs', '/api', 'https'),
    codes: ['NoCertificate'],
  },
  {
    name: 'ingress-backend-missing',
    fault: 'the Ingress names a Service that does not exist',
    from: 'outside',
    ...at('backend.labs'),
    codes: ['BackendMissing'],
    objects: [ingress('backend', 'backend.labs', { backend: { service: { name: 'wbe', port: { number: 80 } } } })],
  },
  {
    name: 'ingress-backend-port',
    fault: 'the Ingress names a port that the Service does not have',
    from: 'outside',
    ...at('port.labs'),
    codes: ['NoSuchPort'],
    says: /kubectl edit ingress -n labs port/,
    objects: [ingress('port', 'port.labs', { backend: { service: { name: 'web', port: { number: 8080 } } } })],
  },
  {
    name: 'ingress-backend-not-ready',
    fault: 'the Service behind the Ingress has no ready pod',
    from: 'outside',
    ...at('unready.labs'),
    codes: ['NotReady'],
    objects: [
      ingress('unready', 'unready.labs', { backend: { service: { name: 'pod-not-ready', port: { number: 80 } } } }),
    ],
  },
];
