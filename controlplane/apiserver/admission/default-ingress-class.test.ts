// The default IngressClass over real HTTPS.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';

t.test('an Ingress without a class gets the default class, any other keeps its class', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const make = async (name: string, spec: object, annotations?: object) => {
    const body = { metadata: { name, annotations }, spec };
    const path = '/apis/networking.k8s.io/v1/namespaces/default/ingresses';
    return (await server.call('POST', path, { body })).json.spec.ingressClassName;
  };
  const spec = { defaultBackend: { service: { name: 's', port: { number: 80 } } } };
  t.equal(await make('a', spec), 'k8ts', 'the class from bootstrap');
  t.equal(await make('b', { ...spec, ingressClassName: 'other' }), 'other');
  t.equal(
    await make('c', spec, { 'kubernetes.io/ingress.class': 'old' }),
    undefined,
    'the older annotation counts as a class',
  );
});
