// What is encoded: byte for byte what Go writes for the same objects, and readable by our own decoder for every kind.
import t from 'tap';
import { fullObject } from '../../../test/lib/schema-sample';
import { validObjectKey, validObjects } from '../../../test/lib/valid-objects';
import { registry } from '../../api/registry';
import { loadSchemas } from '../../api/schema/load';
import type { FieldSchema } from '../../api/schema/schema';
import { virtualKinds } from '../../api/virtual';
import { decodeMessage } from './decode';
import { encodeMessage } from './encode';
import { sealEnvelope } from './envelope';
import { ProtobufObjects } from './objects';

const schemas = loadSchemas();
const named = (name: string, fields: object = {}) => ({ metadata: { name, ...fields } });
const emptyMeta = (name: string) => `0a110a01${name}12001a0022002a0032003800420012`;

/** The output of k8s.io/apimachinery 0.36 (runtime/serializer/protobuf) for the same JSON. */
const goldens = [
  {
    name: 'maps in order, texts beyond ASCII, bytes, a pointer to false',
    apiVersion: 'v1',
    kind: 'ConfigMap',
    object: {
      ...named('a', {
        namespace: 'default',
        resourceVersion: '7',
        creationTimestamp: '2026-01-02T03:04:05Z',
        labels: { b: '2', a: '1' },
      }),
      data: { z: 'ü', y: '' },
      binaryData: { x: 'AP8=' },
      immutable: false,
    },
    bytes:
      '6b3873000a0f0a0276311209436f6e6669674d6170124e0a310a016112001a0764656661756c7422002a003201373800420808a5ebdcca06' +
      '10005a060a01611201315a060a016212013212050a0179120012070a017a1202c3bc1a070a0178120200ff20001a002200',
  },
  {
    name: 'numbers or names, a negative number, empty structs, an empty map',
    apiVersion: 'v1',
    kind: 'Service',
    object: {
      ...named('s'),
      spec: {
        ports: [
          { name: 'http', port: 80, targetPort: 'web' },
          { port: -1, targetPort: 8080 },
        ],
        selector: {},
      },
    },
    bytes:
      '6b3873000a0d0a027631120753657276696365125e0a110a017312001a0022002a0032003800420012450a170a0468747470120018502209' +
      '080110001a0377656228000a1a0a00120018ffffffffffffffffff012207080010903f1a0028001a0022003a00420052005a00600068001a02' +
      '0a001a002200',
  },
  {
    name: 'a pointer to zero, microseconds',
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    object: {
      ...named('l'),
      spec: { holderIdentity: 'me', leaseDurationSeconds: 0, renewTime: '2023-11-14T22:13:20.123456Z' },
    },
    bytes:
      '6b3873000a1f0a16636f6f7264696e6174696f6e2e6b38732e696f2f763112054c6561736512280a110a016c12001a0022002a0032003800' +
      '420012130a026d651000220b0880e2cfaa06108094ef3a1a002200',
  },
  {
    name: 'a Status',
    apiVersion: 'v1',
    kind: 'Status',
    object: {
      metadata: {},
      status: 'Failure',
      message: 'pods "x" not found',
      reason: 'NotFound',
      details: { name: 'x', kind: 'pods' },
      code: 404,
    },
    bytes:
      '6b3873000a0c0a027631120653746174757312430a060a0012001a0012074661696c7572651a12706f647320227822206e6f7420666f756e' +
      '6422084e6f74466f756e642a0f0a017812001a04706f6473280032003094031a002200',
  },
  {
    name: 'times that are absent but no pointers',
    apiVersion: 'v1',
    kind: 'Event',
    object: { ...named('e'), involvedObject: { kind: 'Pod', name: 'p' }, count: 1 },
    bytes:
      `6b3873000a0b0a02763112054576656e741241${emptyMeta('65')}120a03506f6412001a017022002a0032003a001a0022002a040a0012` +
      '0032003a0040014a005200620072007a001a002200',
  },
  {
    name: 'an embedded object',
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    object: { ...named('r'), data: { spec: { a: [1, 2] } }, revision: 3 },
    bytes:
      `6b3873000a1d0a07617070732f76311212436f6e74726f6c6c65725265766973696f6e122d${emptyMeta('72')}160a147b227370656322` +
      '3a7b2261223a5b312c325d7d7d18031a002200',
  },
  {
    name: 'a map of lists',
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    object: { ...named('c'), spec: { request: 'YWJj', signerName: 'a/b', extra: { k: ['v', 'w'] } } },
    bytes: `6b3873000a330a166365727469666963617465732e6b38732e696f2f7631121943657274696669636174655369676e696e67526571756573741232${emptyMeta('63')}1b0a0361626312001a00320b0a016b12060a01760a01773a03612f621a001a002200`,
  },
  {
    name: 'quantities',
    apiVersion: 'v1',
    kind: 'LimitRange',
    object: { ...named('q'), spec: { limits: [{ type: 'Container', max: { cpu: '1500m' } }] } },
    bytes:
      `6b3873000a100a027631120a4c696d697452616e67651232${emptyMeta('71')}1d0a1b0a09436f6e7461696e6572120e0a036370751207` +
      '0a05313530306d1a002200',
  },
  {
    name: 'a list that is a message of its own',
    apiVersion: 'v1',
    kind: 'APIResourceList',
    object: {
      groupVersion: 'apps/v1',
      resources: [
        {
          name: 'deployments',
          singularName: 'deployment',
          namespaced: true,
          kind: 'Deployment',
          verbs: ['get', 'list'],
          shortNames: ['deploy'],
        },
      ],
    },
    bytes:
      '6b3873000a150a027631120f4150495265736f757263654c697374124d0a07617070732f763112420a0b6465706c6f796d656e747310011a' +
      '0a4465706c6f796d656e74220b0a036765740a046c6973742a066465706c6f79320a6465706c6f796d656e7442004a0052001a002200',
  },
];

t.test('the bytes are those of Go', async (t) => {
  for (const { name, apiVersion, kind, object, bytes } of goldens) {
    const served = registry.find((one) => one.kind === kind && one.apiVersion === apiVersion);
    const message = encodeMessage(object, served ? schemas.of(served) : schemas.ofModel(`V1${kind}`));
    t.equal(sealEnvelope({ apiVersion, kind }, message).toString('hex'), bytes, name);
  }
});

const configMaps = registry.find(({ kind }) => kind === 'ConfigMap')!;
const entry = (object: object) => ({ key: 'default/a', object, json: Buffer.alloc(0), revision: 1 });

t.test('a list and an event of a watch have the bytes of Go', async (t) => {
  const objects = new ProtobufObjects(schemas);
  const b = entry({ ...named('b'), data: { k: 'v' } });
  const list = objects.list(configMaps, [entry(named('a')), b], { resourceVersion: '9', remainingItemCount: 0 });
  t.equal(
    list.toString('hex'),
    '6b3873000a130a027631120d436f6e6669674d61704c697374123d0a090a001201391a00200012130a110a016112001a0022002a003200380042' +
      '00121b0a110a016212001a0022002a0032003800420012060a016b1201761a002200',
  );
  const frame = objects.event(configMaps, 'ADDED', entry({ ...named('a'), data: { k: 'v' } }));
  t.equal(
    frame.toString('hex'),
    '000000410a05414444454412380a366b3873000a0f0a0276311209436f6e6669674d6170121b0a110a016112001a0022002a003200380042' +
      '0012060a016b1201761a002200',
  );
});

t.test('an object is encoded once, and a batch of events is joined once', async (t) => {
  const objects = new ProtobufObjects(schemas);
  const current = entry(named('a'));
  const event = { type: 'ADDED' as const, revision: 1, current, wire: () => Buffer.alloc(0) };
  const batch = [event, event];
  const bytes = objects.events(configMaps, batch);
  t.equal(objects.events(configMaps, batch), bytes);
  const { protobuf } = current as { protobuf?: Buffer };
  objects.object(configMaps, current);
  t.ok(protobuf);
  t.equal((current as { protobuf?: Buffer }).protobuf, protobuf);
});

const zeros: ReadonlySet<unknown> = new Set(['', 0, false]);

/** Without empty lists, maps and objects, which the encoding does not tell from absent ones, and without zeros that mean absent. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, field]) => [key, withoutEmpty(field)] as const);
  const kept = entries.filter(([, field]) => field !== undefined && field !== null && !zeros.has(field));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** Fractions of seconds where the schema's sample has none but must; no type in objects inside others, for which Go has no numbers. */
function adjusted(value: unknown, { type, format, object, items }: FieldSchema): unknown {
  if (format === 'date-time-micro') return '2026-01-01T00:00:00.000000Z';
  if (type === 'array') return (value as unknown[]).map((item) => adjusted(item, items!));
  if (type !== 'object' || object === undefined) return value;
  const { apiVersion: _, kind: _kind, ...untyped } = value as Record<string, unknown>;
  const isUntyped = object.name?.endsWith('.DeleteOptions') || object.name?.endsWith('.PersistentVolumeClaim');
  const fields = Object.entries(isUntyped ? untyped : (value as object)).map(([key, field]) => [
    key,
    adjusted(field, object.fields[key]!),
  ]);
  return Object.fromEntries(fields);
}

const withoutType = ({ apiVersion: _, kind: _kind, ...rest }: Record<string, unknown>) => rest;
t.test('every field of every kind survives', async (t) => {
  for (const kind of [...registry, ...virtualKinds]) {
    const schema = schemas.of(kind);
    const full = adjusted(withoutType(fullObject(schema)), { type: 'object', object: schema }) as object;
    const expected = withoutEmpty(full);
    const decoded = decodeMessage(encodeMessage(full as Record<string, unknown>, schema), schema);
    t.same(withoutEmpty(decoded), expected, `${kind.apiVersion} ${kind.kind}`);
    const valid = await validObjects[validObjectKey(kind)]?.();
    if (!valid) continue;
    const object = withoutType({ ...valid, metadata: { ...valid.metadata, name: 'valid' } });
    const bytes = encodeMessage(object, schema);
    const again = decodeMessage(bytes, schema);
    t.same(encodeMessage(again, schema), bytes, `${kind.kind}: encoded again`);
    t.match(withoutEmpty(again), withoutEmpty(object) as object, `${kind.kind}: a valid object`);
  }
});
