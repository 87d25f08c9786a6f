// The default IngressClass over real HTTPS, and the choice among several.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';
import { defaultClassOf } from './default-ingress-class';

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

t.test('the newest of several defaults is used', async (t) => {
  const one = (name: string, creationTimestamp: string, isDefault = 'true') => ({
    metadata: { name, creationTimestamp, annotations: { 'ingressclass.kubernetes.io/is-default-class': isDefault } },
  });
  const old = one('old', '2026-01-01T00:00:00Z');
  const fresh = one('fresh', '2026-01-02T00:00:00Z');
  t.equal(defaultClassOf([old, fresh, one('no', '2026-01-03T00:00:00Z', 'false')]), 'fresh');
  t.equal(defaultClassOf([one('b', '2026-01-01T00:00:00Z'), old]), 'b');
  t.equal(defaultClassOf([]), undefined);
});
