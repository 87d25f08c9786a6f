// Errors and their Status: compares the table with the README of the API, and codes with the answers that clients get.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { configMaps, deployments } from '../api/index';
import { AppError, type ErrorCode, isAlreadyExists, isConflict, isNotFound } from '../base/errors';
import {
  alreadyExists,
  methodNotAllowed,
  modified,
  notAcceptable,
  notFound,
  pathNotFound,
  StatusError,
  statusTable,
  tooLarge,
  toStatus,
  unsupportedMediaType,
} from './status';

t.test('the README has the code, the status and the reason of every error', async (t) => {
  const readme = readFileSync(join(__dirname, '../api/README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| (\w+) \| (\d{3}) \| (\w+) \|$/gm)];
  const table = rows.map(([, code, status, reason]) => [code, { status: Number(status), reason }]);
  t.strictSame(Object.fromEntries(table), statusTable);
  for (const code of Object.keys(statusTable) as ErrorCode[]) {
    const { code: status, reason } = toStatus(new AppError(code, 'x'));
    t.strictSame({ status, reason }, statusTable[code], code);
  }
});

t.test('the reason of an error decides, however the error was created', async (t) => {
  const on = (status: number, reason: string) => new StatusError(status, reason, 'x');
  t.ok(isNotFound(on(404, 'NotFound')));
  t.ok(isNotFound(pathNotFound()));
  t.ok(isAlreadyExists(on(409, 'AlreadyExists')));
  t.ok(isConflict(on(409, 'Conflict')));
  const codes: readonly (readonly [AppError, ErrorCode])[] = [
    [on(504, 'Timeout'), 'Timeout'],
    [on(500, 'InternalError'), 'Internal'],
    [on(500, ''), 'Internal'],
    [on(400, 'BadRequest'), 'BadRequest'],
    [on(503, 'ServiceUnavailable'), 'Unavailable'],
    [unsupportedMediaType([]), 'Unsupported'],
    [tooLarge(1), 'TooLarge'],
    // Reasons without their own code: an error of the client that a retry does not mend.
    [methodNotAllowed(), 'BadRequest'],
    [notAcceptable([]), 'BadRequest'],
  ];
  for (const [err, code] of codes) t.equal(err.code, code, err.message);
});

t.test('messages for missing, existing and changed objects', async (t) => {
  const cause = new Error('of the store');
  const cases: readonly (readonly [AppError, object])[] = [
    [notFound(configMaps, 'a', cause), { code: 404, reason: 'NotFound', message: 'configmaps "a" not found' }],
    [
      alreadyExists(deployments, 'a', undefined, cause),
      { code: 409, reason: 'AlreadyExists', message: 'deployments.apps "a" already exists' },
    ],
    [
      alreadyExists(configMaps, 'a', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' as never } }, cause),
      { code: 409, message: 'object is being deleted: configmaps "a" already exists' },
    ],
    [
      modified(configMaps, 'a', cause),
      {
        code: 409,
        reason: 'Conflict',
        message:
          'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the ' +
          'latest version and try again',
      },
    ],
  ];
  for (const [err, want] of cases) {
    t.match(toStatus(err), { ...want, details: { name: 'a' } });
    t.equal(err.cause, cause);
  }
});
