// ConversionReview: what is sent, which answers are refused and how. The messages are those of kube-apiserver 1.36.3.
import t from 'tap';
import type { KubeObject } from '../../../api/types';
import { AnswerRefused, readReview, renderReview, reviewVersionOf } from './review';

const original: KubeObject = {
  apiVersion: 'g.io/v1',
  kind: 'Thing',
  metadata: { name: 'a', namespace: 'n', uid: 'u', generation: 2, labels: { a: 'b' }, finalizers: ['x.io/y'] },
};
const to = { group: 'g.io', apiVersion: 'g.io/v2' };
const converted = (change: object = {}) => ({ ...original, apiVersion: 'g.io/v2', ...change });
const answer = (response: object = {}, review: object = {}) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'ConversionReview',
  response: { uid: 'id', result: { status: 'Success' }, convertedObjects: [converted()], ...response },
  ...review,
});
const withObject = (change: object) => answer({ convertedObjects: [converted(change)] });
const withMetadata = (change: object) => withObject({ metadata: { ...original.metadata, ...change } });

const read = (body: unknown, objects = [original], version: 'v1' | 'v1beta1' = 'v1') =>
  readReview(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), { uid: 'id', version, objects, to });

t.test('the request', async (t) => {
  t.strictSame(JSON.parse(renderReview('id', ['{"a":1}', '{}'], 'g.io/v2', 'v1beta1')), {
    kind: 'ConversionReview',
    apiVersion: 'apiextensions.k8s.io/v1beta1',
    request: { uid: 'id', desiredAPIVersion: 'g.io/v2', objects: [{ a: 1 }, {}] },
    response: { uid: '', convertedObjects: null, result: { metadata: {} } },
  });
  t.equal(reviewVersionOf(['v2', 'v1beta1', 'v1']), 'v1beta1', 'the first known one');
});

const invalidObject = 'conversion_webhook_invalid_converted_object_failure';
const malformed = 'conversion_webhook_malformed_response_failure';
const callFailure = 'conversion_webhook_call_failure';
const partial = 'conversion_webhook_partial_response_failure';

const refused: readonly { readonly body: unknown; readonly message: string; readonly type: string }[] = [
  { body: answer({ uid: 'x' }), message: 'failed: expected response.uid="id", got "x"', type: malformed },
  {
    body: answer({ result: { status: 'Failure', message: 'no way' } }),
    message: 'failed: no way',
    type: malformed,
  },
  {
    body: answer({ result: { status: 'Failure' } }),
    message: "failed: response.result.status was 'Failure', not 'Success'",
    type: malformed,
  },
  {
    body: answer({ result: undefined }),
    message: "failed: response.result.status was '', not 'Success'",
    type: malformed,
  },
  { body: answer({}, { response: undefined }), message: 'failed: no response provided', type: malformed },
  {
    body: answer({}, { apiVersion: undefined, kind: undefined }),
    message: 'failed: expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got /, Kind=',
    type: malformed,
  },
  {
    body: answer({}, { apiVersion: 'apiextensions.k8s.io/v1beta1' }),
    message: 'failed: converting (v1beta1.ConversionReview) to (v1.ConversionReview): unknown conversion',
    type: callFailure,
  },
  {
    body: answer({}, { kind: 'Foo' }),
    message: 'failed: no kind "Foo" is registered for version "apiextensions.k8s.io/v1"',
    type: callFailure,
  },
  {
    body: answer({}, { response: 'x' }),
    message:
      'failed: json: cannot unmarshal string into Go struct field ConversionReview.response of type v1.ConversionResponse',
    type: callFailure,
  },
  {
    body: answer({ convertedObjects: true }),
    message:
      'failed: json: cannot unmarshal bool into Go struct field ConversionResponse.response.convertedObjects of type []runtime.RawExtension',
    type: callFailure,
  },
  {
    body: '',
    message: 'failed: 0-length response with status code: 200 and content type: application/json',
    type: callFailure,
  },
  {
    body: 'hello',
    message:
      "failed: couldn't get version/kind; json parse error: invalid character 'h' looking for beginning of value",
    type: callFailure,
  },
  { body: answer({ convertedObjects: [] }), message: 'returned 0 objects, expected 1', type: partial },
  { body: answer({ convertedObjects: [null] }), message: 'unexpected end of JSON input', type: invalidObject },
  {
    body: answer({ convertedObjects: ['x'] }),
    message: 'json: cannot unmarshal string into Go value of type map[string]interface {}',
    type: invalidObject,
  },
  {
    body: answer({ convertedObjects: [{ apiVersion: 'g.io/v2' }] }),
    message: `Object 'Kind' is missing in '{"apiVersion":"g.io/v2"}'`,
    type: invalidObject,
  },
  {
    body: withObject({ apiVersion: 'g.io/v9' }),
    message: 'returned invalid object at index 0: invalid groupVersion (expected g.io/v2, received g.io/v9)',
    type: invalidObject,
  },
  {
    body: withObject({ kind: 'Other' }),
    message: 'returned invalid object at index 0: invalid kind (expected Thing, received Other)',
    type: invalidObject,
  },
  {
    body: withMetadata({ name: 'z' }),
    message: 'returned invalid object: must have the same name: a != z',
    type: invalidObject,
  },
  {
    body: withMetadata({ namespace: 'z' }),
    message: 'returned invalid object: must have the same namespace: n != z',
    type: invalidObject,
  },
  {
    body: withMetadata({ uid: 'z' }),
    message: 'returned invalid object: must have the same UID: u != z',
    type: invalidObject,
  },
  {
    body: withObject({ metadata: undefined }),
    message: 'returned invalid object: must have the same name: a != ',
    type: invalidObject,
  },
  {
    body: withMetadata({ labels: { a: 1 } }),
    message: 'returned invalid metadata: metadata.labels[a] must be a string, but is int64 in converted object',
    type: invalidObject,
  },
  {
    body: withMetadata({ annotations: ['a'] }),
    message: 'returned invalid metadata: invalid metadata.annotations of type []interface {} in converted object',
    type: invalidObject,
  },
  {
    body: withMetadata({ annotations: { 'a b': '' } }),
    message:
      'returned invalid metadata: metadata.annotation: Invalid value: "a b": name part must consist of alphanumeric ' +
      "characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  " +
      "or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    type: invalidObject,
  },
];

for (const { body, message, type } of refused) {
  t.test(`refused: ${message.slice(0, 90)}`, async (t) => {
    try {
      read(body);
      t.fail('the answer was used');
    } catch (err) {
      t.ok(err instanceof AnswerRefused);
      t.match(err, { message, type });
    }
  });
}

t.test('of several objects, the one that is wrong is named', async (t) => {
  const convertedObjects = [converted(), converted({ kind: 'Other' })];
  t.throws(() => read(answer({ convertedObjects }), [original, original]), {
    message: 'returned invalid converted object at index 1: invalid kind (expected Thing, received Other)',
  });
  const unlabelled = [converted(), withMetadata({ labels: 'x' }).response.convertedObjects[0]];
  t.throws(() => read(answer({ convertedObjects: unlabelled }), [original, original]), {
    message:
      'returned invalid metadata in object at index 1: invalid metadata.labels of type string in converted object',
  });
});

t.test('only labels and annotations change', async (t) => {
  const metadata = {
    ...original.metadata,
    generation: 99,
    finalizers: [],
    labels: { c: 'd' },
    annotations: { e: 'f' },
    ownerReferences: [{}],
  };
  const [one] = read(withObject({ metadata, spec: { x: 1 } }));
  t.strictSame(one, {
    ...converted({ spec: { x: 1 } }),
    metadata: { ...original.metadata, labels: { c: 'd' }, annotations: { e: 'f' } },
  });
  const [bare] = read(withMetadata({ labels: null }));
  t.notOk(bare!.metadata!.labels, 'and may be removed');
});

t.test('v1beta1 checks neither uid nor kind', async (t) => {
  const body = answer({ uid: 'x' }, { kind: 'Foo' });
  t.equal(read(body, [original], 'v1beta1').length, 1);
});

t.test('integers above 2^53 are kept', async (t) => {
  const body = JSON.stringify(withObject({ spec: { x: 1 } })).replace('"x":1', '"x":9223372036854775807');
  t.match(read(body)[0], { spec: { x: 9223372036854775807n } });
});
