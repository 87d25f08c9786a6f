import t from 'tap';
import { parseRequestPath } from './request-path';
import { parseStreamingRequest } from './requests';

t.test('the path of a request', async (t) => {
  const { segments, query } = parseRequestPath('/containerLogs/ns/pod%2Fx/c?follow=true&a=%26');
  t.same(segments, ['containerLogs', 'ns', 'pod/x', 'c']);
  t.same(
    [...query],
    [
      ['follow', 'true'],
      ['a', '&'],
    ],
  );
  t.same(parseRequestPath('//host/pods').segments, ['', 'host', 'pods'], 'no host');
  t.same(parseRequestPath('/a/../pods').segments, ['a', '..', 'pods'], 'as it was sent');
  for (const path of ['/%ff', '/containerLogs/a/%zz/c', '/exec/a/b%/c?command=x']) {
    t.throws(() => parseRequestPath(path), { code: 'BadRequest', message: /invalid path segment/ }, path);
    t.throws(() => parseStreamingRequest(path), { code: 'BadRequest' }, path);
  }
});
