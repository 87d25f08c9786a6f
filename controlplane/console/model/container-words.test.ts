import t from 'tap';
import { wordsOf } from './container-words';

const atMost = (value: string) => `at most ${value}`;

t.test('what a container has', async (t) => {
  const container = {
    name: 'web',
    command: ['run'],
    args: ['--fast'],
    ports: [
      { name: 'http', containerPort: 8080 },
      { containerPort: 53, protocol: 'UDP', hostPort: 5353 },
    ],
    resources: { requests: { cpu: '100m' }, limits: { cpu: '500m', memory: '1Gi' } },
    readinessProbe: { httpGet: { path: '/healthz', port: 8080 } },
    livenessProbe: { exec: { command: ['cat', '/alive'] } },
    startupProbe: { tcpSocket: { port: 'http' } },
    volumeMounts: [{ name: 'config', mountPath: '/etc/web', readOnly: true }],
    env: [
      { name: 'MODE', value: 'fast' },
      { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'login', key: 'token' } } },
      { name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'looks', key: 'colour' } } },
      { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    ],
    envFrom: [{ configMapRef: { name: 'all' } }, { prefix: 'S_', secretRef: { name: 'more' } }],
  };
  t.strictSame(wordsOf(container, atMost), {
    ports: ['http 8080/TCP', '53/UDP (hostPort 5353)'],
    resources: ['cpu 100m, at most 500m', 'memory at most 1Gi'],
    probes: ['startup TCP :http', 'readiness GET /healthz :8080', 'liveness exec cat /alive'],
    mounts: ['/etc/web ← config (readOnly)'],
    env: [
      'MODE=fast',
      'TOKEN ← Secret login.token',
      'COLOUR ← ConfigMap looks.colour',
      'IP ← status.podIP',
      '* ← ConfigMap all',
      'S_* ← Secret more',
    ],
    command: 'run --fast',
  });
});

t.test('a container with nothing but an image', async (t) => {
  const empty = { ports: [], resources: [], probes: [], mounts: [], env: [], command: '' };
  t.strictSame(wordsOf({ name: 'web' }, atMost), empty);
  t.strictSame(wordsOf(undefined, atMost), empty);
});
