import t from 'tap';
import { ordered } from './field-order';
import type { FieldTree } from './field-tree';

const port = (number: number) => `k:{"containerPort":${number},"protocol":"TCP"}`;

t.test('fields are in the order of upstream', (t) => {
  const cases: readonly { readonly name: string; readonly given: FieldTree; readonly text: string }[] = [
    { name: 'empty', given: {}, text: '{}' },
    {
      name: 'names, at each level',
      given: { 'f:spec': { 'f:b': {}, 'f:a': { 'f:z': {}, '.': {} } }, 'f:metadata': {} },
      text: '{"f:metadata":{},"f:spec":{"f:a":{".":{},"f:z":{}},"f:b":{}}}',
    },
    {
      name: 'ports by number',
      given: { [port(443)]: {}, [port(8080)]: {}, [port(80)]: {} },
      text: JSON.stringify({ [port(80)]: {}, [port(443)]: {}, [port(8080)]: {} }),
    },
    {
      name: 'list elements by their keys',
      given: { 'k:{"name":"ab"}': {}, '.': {}, 'k:{"name":"a"}': {}, 'k:{"name":"a10"}': {}, 'k:{"name":"a9"}': {} },
      text: '{".":{},"k:{\\"name\\":\\"a\\"}":{},"k:{\\"name\\":\\"a10\\"}":{},"k:{\\"name\\":\\"a9\\"}":{},"k:{\\"name\\":\\"ab\\"}":{}}',
    },
    { name: 'numbers of a set', given: { 'v:10': {}, 'v:9': {}, 'v:-1': {} }, text: '{"v:-1":{},"v:9":{},"v:10":{}}' },
    { name: 'indexes', given: { 'i:10': {}, 'i:9': {} }, text: '{"i:9":{},"i:10":{}}' },
  ];
  for (const { name, given, text } of cases) t.equal(JSON.stringify(ordered(given)), text, name);
  t.end();
});

t.test('a set in order is not copied', (t) => {
  const tree = { 'f:a': { '.': {}, 'f:b': {} }, 'f:c': {} };
  t.equal(ordered(tree), tree);
  t.end();
});
