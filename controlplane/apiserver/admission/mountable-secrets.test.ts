// Which Secrets pods of an annotated ServiceAccount may use: the texts, and a refusal over real HTTPS.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';
import type { Pod } from '../../api/index';
import { mountableSecretsAnnotation } from '../../api/service-account';
import { foreignSecret } from './mountable-secrets';

const account = {
  metadata: { name: 'a', annotations: { [mountableSecretsAnnotation]: 'true' } },
  secrets: [{ name: 'own' }],
  imagePullSecrets: [{ name: 'pull' }],
};
const because = 'is not allowed because service account a does not reference that';
const env = (secret: string) => [{ name: 'V', valueFrom: { secretKeyRef: { name: secret, key: 'k' } } }];

t.test('what is refused', async (t) => {
  const cases: readonly (readonly [spec: Partial<NonNullable<Pod['spec']>>, why: string | undefined])[] = [
    [{}, undefined],
    [{ volumes: [{ name: 'v', secret: { secretName: 'own' } }], imagePullSecrets: [{ name: 'pull' }] }, undefined],
    [{ volumes: [{ name: 'v', secret: { secretName: 'x' } }] }, `volume with secret.secretName="x" ${because} secret`],
    [
      { initContainers: [{ name: 'i', env: env('x') }] },
      `init container i with envVar V referencing secret.secretName="x" ${because} secret`,
    ],
    [
      { containers: [{ name: 'c', env: [...env('own'), ...env('x')] }] },
      `container c with envVar V referencing secret.secretName="x" ${because} secret`,
    ],
    [
      { imagePullSecrets: [{ name: 'pull' }, { name: 'x' }] },
      `imagePullSecrets[1].name="x" ${because} imagePullSecret`,
    ],
  ];
  for (const [spec, why] of cases) {
    const whole = { containers: [{ name: 'c' }], ...spec };
    t.equal(foreignSecret(whole, account), why, JSON.stringify(spec));
    t.equal(foreignSecret(whole, { ...account, metadata: { name: 'a' } }), undefined, 'without the annotation');
  }
});

t.test('a pod is refused', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const base = '/api/v1/namespaces/default';
  const made = await server.call('POST', `${base}/serviceaccounts`, { body: account });
  t.equal(made.status, 201);
  t.match(
    made.headers['warning'],
    /metadata.annotations\[kubernetes.io\/enforce-mountable-secrets\]: deprecated in v1.32\+/,
  );
  const pod = (secret: string) => ({
    metadata: { name: 'p' },
    spec: { serviceAccountName: 'a', containers: [{ name: 'c', image: 'i', env: env(secret) }] },
  });
  const { status, json } = await server.call('POST', `${base}/pods`, { body: pod('x') });
  t.equal(status, 403);
  t.equal(
    json.message,
    `pods "p" is forbidden: container c with envVar V referencing secret.secretName="x" ${because} secret`,
  );
  t.equal((await server.call('POST', `${base}/pods`, { body: pod('own') })).status, 201);
  const debug = (secret: string) =>
    server.call('PATCH', `${base}/pods/p/ephemeralcontainers`, {
      type: 'application/strategic-merge-patch+json',
      body: { spec: { ephemeralContainers: [{ name: 'd', image: 'i', env: env(secret) }] } },
    });
  const refused = await debug('x');
  t.equal(refused.status, 403);
  t.equal(
    refused.json.message,
    `pods "p" is forbidden: ephemeral container d with envVar V referencing secret.secretName="x" ${because} secret`,
  );
  t.equal((await debug('own')).status, 200);
});
