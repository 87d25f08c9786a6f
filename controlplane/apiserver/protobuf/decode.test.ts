// Bodies as client-go writes them, built by hand from the rules of the encoding.
import t from 'tap';
import { loadSchemas } from '../../api/schema/load';
import type { ObjectSchema } from '../../api/schema/schema';
import { decodeMessage } from './decode';
import { openEnvelope } from './envelope';
import { messages } from './field-numbers';
import { numbersOf } from './messages';

const schemas = loadSchemas();
const schemaOf = (name: string): ObjectSchema => schemas.definition(name)!;

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}
const num = (field: number, value: number) => Buffer.concat([varint(field << 3), varint(value)]);
const len = (field: number, ...parts: (Buffer | string)[]) => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  return Buffer.concat([varint((field << 3) | 2), varint(body.length), body]);
};

t.test('the envelope has the type and the bytes', async (t) => {
  const body = Buffer.concat([Buffer.from('k8s\0'), len(1, len(1, 'v1'), len(2, 'ConfigMap')), len(2, 'raw')]);
  const { apiVersion, kind, raw } = openEnvelope(body);
  t.same([apiVersion, kind, raw.toString()], ['v1', 'ConfigMap', 'raw']);
  t.throws(() => openEnvelope(Buffer.from('{}')), { code: 'BadRequest' });
  t.throws(() => openEnvelope(body.subarray(0, body.length - 1)), { code: 'BadRequest' });
});

t.test('strings, maps, bytes, and the zeros that Go always writes', async (t) => {
  const meta = len(1, len(1, 'a'), len(2, ''), len(3, 'ns'), num(7, 0), len(8), len(11, len(1, 'k'), len(2, 'v')));
  t.same(
    decodeMessage(Buffer.concat([meta, len(2, len(1, 'x'), len(2, 'y'))]), schemaOf('io.k8s.api.core.v1.ConfigMap')),
    {
      metadata: { name: 'a', namespace: 'ns', labels: { k: 'v' } },
      data: { x: 'y' },
    },
  );
  t.same(decodeMessage(len(2, len(1, 'pw'), len(2, 'hello')), schemaOf('io.k8s.api.core.v1.Secret')), {
    data: { pw: 'aGVsbG8=' },
  });
});

t.test('zero is a value for pointer fields, and absent for others', async (t) => {
  const spec = Buffer.concat([num(1, 0), num(5, 0), num(7, 0)]);
  t.same(decodeMessage(spec, schemaOf('io.k8s.api.apps.v1.DeploymentSpec')), { replicas: 0 });
});

t.test('inlined messages, numbers or names, quantities, times, negative numbers', async (t) => {
  const probe = Buffer.concat([len(1, len(2, len(1, '/ok'), len(2, num(1, 1), num(2, 0), len(3, 'http')))), num(3, 5)]);
  t.same(decodeMessage(probe, schemaOf('io.k8s.api.core.v1.Probe')), {
    httpGet: { path: '/ok', port: 'http' },
    timeoutSeconds: 5,
  });
  const port = Buffer.concat([num(3, 80), len(4, num(1, 0), num(2, 8080), len(3))]);
  t.same(decodeMessage(port, schemaOf('io.k8s.api.core.v1.ServicePort')), { port: 80, targetPort: 8080 });
  const limits = len(1, len(1, 'cpu'), len(2, len(1, '100m')));
  t.same(decodeMessage(limits, schemaOf('io.k8s.api.core.v1.ResourceRequirements')), { limits: { cpu: '100m' } });
  const lease = len(2, len(1, 'me'), len(4, num(1, 1_700_000_000), num(2, 123_456_000)));
  t.same(decodeMessage(lease, schemaOf('io.k8s.api.coordination.v1.Lease')), {
    spec: { holderIdentity: 'me', renewTime: '2023-11-14T22:13:20.123456Z' },
  });
  t.same(decodeMessage(num(1, -1), schemaOf('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions')), {
    gracePeriodSeconds: -1,
  });
});

t.test('unknown numbers are skipped, unknown messages refused', async (t) => {
  t.same(decodeMessage(num(99, 1), schemaOf('io.k8s.api.core.v1.ConfigMap')), {});
  t.throws(() => decodeMessage(num(1, 1), { name: 'io.k8s.api.core.v1.Nothing', fields: {} }), { code: 'Unsupported' });
});

t.test('the table covers every field of every schema', async (t) => {
  const missing: string[] = [];
  const names = (schema: ObjectSchema): Set<string> => {
    const found = new Set<string>();
    const gather = (numbers: ReturnType<typeof numbersOf>): void => {
      for (const slot of numbers.values()) {
        if (slot instanceof Map) gather(slot as ReturnType<typeof numbersOf>);
        else found.add((slot as { name: string }).name);
      }
    };
    gather(numbersOf(schema));
    return found;
  };
  for (const schema of schemas.all()) {
    if (schema.name.endsWith('List')) continue;
    const covered = names(schema);
    for (const field of Object.keys(schema.fields)) {
      if (!covered.has(field) && field !== 'apiVersion' && field !== 'kind') missing.push(`${schema.name}.${field}`);
    }
  }
  t.same(missing, []);
  t.ok(Object.keys(messages).length > 10);
});

t.test('inexact numbers are refused, and __proto__ is an ordinary key', async (t) => {
  const grace = (bytes: Buffer) => Buffer.concat([varint(4 << 3), bytes]);
  const read = (bytes: Buffer) => decodeMessage(grace(bytes), schemaOf('io.k8s.api.core.v1.PodSpec'));
  t.same(read(varint(Number.MAX_SAFE_INTEGER)), { terminationGracePeriodSeconds: Number.MAX_SAFE_INTEGER });
  const tooLarge = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
  t.throws(() => read(tooLarge), { code: 'BadRequest', message: /cannot unmarshal number 9223372036854775807/ });
  const raw = len(2, len(1, '{"a":12345678901234567891}'));
  t.throws(() => decodeMessage(raw, schemaOf('io.k8s.api.apps.v1.ControllerRevision')), { code: 'BadRequest' });
  const { data } = decodeMessage(len(2, len(1, '__proto__'), len(2, 'x')), schemaOf('io.k8s.api.core.v1.ConfigMap'));
  t.same(Object.entries(data as object), [['__proto__', 'x']]);
});
