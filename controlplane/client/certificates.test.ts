import t from 'tap';
import type { CertificateSigningRequest } from '../api/index';
import type { WatchEvent } from '../api/types';
import { Expired, NotFound, Unavailable } from '../base/errors';
import { orderCertificate } from './certificates';
import type { Client } from './client';

const order = { signerName: 'a.b/c', request: 'PEM', usages: ['client auth'], namePrefix: 'csr-' };
const at = (resourceVersion: string, status: CertificateSigningRequest['status']): CertificateSigningRequest => ({
  metadata: { name: 'csr-x', resourceVersion },
  spec: { request: '', signerName: 'a.b/c' },
  status,
});
const issued = { certificate: Buffer.from('CERT').toString('base64') };
const denied = { conditions: [{ type: 'Denied', status: 'True', reason: 'No', message: 'not you' }] };
const failed = { conditions: [{ type: 'Failed', status: 'True', reason: 'SignerValidationFailure' }] };

type Step = WatchEvent<CertificateSigningRequest> | Error;

/** Answers a create, then one watch after another, and each get with the next object. */
function scripted(watches: readonly (readonly Step[])[], gets: readonly (CertificateSigningRequest | Error)[] = []) {
  const seen: string[] = [];
  const [restWatches, restGets] = [[...watches], [...gets]];
  const client = {
    create: async (_: unknown, object: CertificateSigningRequest) => {
      seen.push(`create ${Buffer.from(object.spec.request, 'base64')} ${object.metadata?.generateName}`);
      return at('1', undefined);
    },
    get: async () => {
      seen.push('get');
      const next = restGets.shift();
      if (next === undefined || next instanceof Error) throw next ?? new Error('no more answers');
      return next;
    },
    async *watch(_: unknown, { fieldSelector, resourceVersion }: { fieldSelector: string; resourceVersion: string }) {
      seen.push(`watch ${fieldSelector} ${resourceVersion}`);
      for (const step of restWatches.shift() ?? []) {
        if (step instanceof Error) throw step;
        yield step;
      }
    },
  };
  return { client: client as unknown as Client, seen };
}
const changed = (status: CertificateSigningRequest['status']) => ({
  type: 'MODIFIED' as const,
  object: at('2', status),
});
const signal = new AbortController().signal;

t.test('the certificate arrives by the watch', async (t) => {
  const { client, seen } = scripted([[{ type: 'BOOKMARK', object: at('2', undefined) }, changed({}), changed(issued)]]);
  const created: string[] = [];
  const onCreated = (name: string) => created.push(name);
  t.equal(await orderCertificate(client, { ...order, onCreated }, signal), 'CERT');
  t.strictSame(seen, ['create PEM csr-', 'watch metadata.name=csr-x 1']);
  t.strictSame(created, ['csr-x']);
});

t.test('after a watch ends, the next one starts from the current object', async (t) => {
  const { client, seen } = scripted([[changed({})], []], [at('3', {}), at('4', issued)]);
  t.equal(await orderCertificate(client, order, signal), 'CERT');
  t.strictSame(seen.slice(1), ['watch metadata.name=csr-x 1', 'get', 'watch metadata.name=csr-x 3', 'get']);
});

t.test('the server is unavailable for a moment, or the watch is too old', async (t) => {
  for (const failure of [new Unavailable('away'), new Expired('too old')]) {
    const { client } = scripted([[failure], [changed(issued)]]);
    t.equal(await orderCertificate(client, order, signal), 'CERT');
  }
});

t.test('the request is denied, failed or deleted, or the watch fails', async (t) => {
  const outcome = (...steps: Step[]) =>
    orderCertificate(scripted([steps], [new NotFound('gone')]).client, order, signal);
  await t.rejects(outcome(changed(denied)), {
    code: 'Forbidden',
    message: 'certificate request csr-x was denied: not you',
  });
  await t.rejects(outcome(changed(failed)), {
    code: 'Invalid',
    message: /could not be signed: SignerValidationFailure/,
  });
  await t.rejects(outcome({ type: 'DELETED', object: at('2', undefined) }), { code: 'NotFound' });
  await t.rejects(outcome(new Error('odd')), { message: 'odd' });
});

t.test('the signal ends the wait', async (t) => {
  const abort = new AbortController();
  const { client } = scripted([[new Unavailable('away')]]);
  const waiting = orderCertificate(client, order, abort.signal);
  abort.abort(new Error('enough'));
  await t.rejects(waiting, { message: 'enough' });
});
