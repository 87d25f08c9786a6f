import t from 'tap';
import { type ApiRequest, jsonReply, textReply } from '../request';
import { YamlConverter } from './converter';
import { yamlToJson } from './to-json';

const request = (type: string, body: string): ApiRequest => ({
  method: 'POST',
  path: '/',
  search: '',
  headers: { 'content-type': type },
  user: { name: 'a', groups: [] },
  body: async () => Buffer.from(body),
});

t.test('bodies of YAML become JSON, small and large', async (t) => {
  const converter = new YamlConverter();
  t.teardown(() => converter.close());
  const read = async (type: string, body: string) => {
    const accepted = converter.accept(request(type, body));
    return { type: accepted.headers['content-type'], body: (await accepted.body()).toString() };
  };
  t.same(await read('application/yaml; charset=utf-8', 'a: 1'), { type: 'application/json', body: '{"a":1}' });
  t.same(await read('application/apply-patch+yaml', 'a: 1'), { type: 'application/apply-patch+yaml', body: '{"a":1}' });
  t.same(await read('application/yaml', '{"a": 1, "a": 2}'), { type: 'application/json', body: '{"a": 1, "a": 2}' });
  t.same(
    await read('application/apply-patch+yaml', '{"a": [{"b": "c",}],}'),
    { type: 'application/apply-patch+yaml', body: '{"a":[{"b":"c"}]}' },
    'a comma after the last pair is YAML alone',
  );
  t.same((await read('application/yaml', `{a: b, c: ${'x'.repeat(20_000)}}`)).body.slice(0, 13), '{"a":"b","c":');
  await t.rejects(read('application/yaml', '{"a": ]}'), { code: 'BadRequest', message: /converting YAML to JSON/ });
  const deep = `{"a":${'['.repeat(2_000)}`;
  t.equal((await read('application/yaml', deep)).body, deep, 'the decoder of JSON refuses it');
  t.same(await read('text/plain', 'a: 1'), { type: 'text/plain', body: 'a: 1' });
  const keys = Array.from({ length: 5_000 }, (_, i) => `k${i}: ${i}`);
  const [first, second] = await Promise.all([
    read('application/yaml', keys.join('\n')),
    read('application/yaml', `${keys.join('\n')}\nb: ]`).catch((err) => err),
  ]);
  t.equal(Object.keys(JSON.parse(first.body)).length, 5_000);
  t.match(second, { code: 'BadRequest', message: /yaml: line 5001/ });
});

t.test('answers become YAML, small and large, and others stay as they are', async (t) => {
  const converter = new YamlConverter();
  t.teardown(() => converter.close());
  const write = async (value: unknown) => {
    const { body, ...head } = await converter.toYaml({ ...jsonReply(value, 201), headers: { warning: 'w' } });
    t.strictSame(head, { status: 201, type: 'application/yaml', headers: { warning: 'w' } });
    return body.toString();
  };
  t.equal(await write({ b: '1', a: [1, { c: null }] }), "a:\n  - 1\n  - c: null\nb: '1'\n");
  const pairs = Array.from({ length: 5_000 }, (_, i): [string, string] => [`k${i}`, String(i)]);
  const large = await write(Object.fromEntries(pairs));
  t.strictSame(JSON.parse(yamlToJson(large)), Object.fromEntries(pairs));
  const text = textReply('ok');
  t.equal(await converter.toYaml(text), text);
});

t.test('when the thread ends, its requests fail and a new thread starts', async (t) => {
  const converter = new YamlConverter();
  const large = Buffer.from('a: 1\n#'.padEnd(20_000, 'x'));
  const under = converter.toJson(large);
  const next = converter.toJson(large);
  await (converter as unknown as { worker: { terminate(): Promise<number> } }).worker.terminate();
  await t.rejects(under, { code: 'Unavailable' });
  t.equal((await next).toString(), '{"a":1}');
  await converter.close();
  await t.rejects(converter.toJson(large), { code: 'Unavailable' });
});
