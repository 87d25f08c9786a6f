// Loaded into a server process before its program (`node --require`), for faults that only the inside of a process can have: an end at a
// step of a commit, a sync of the disk that fails, a step of the wall clock. It stands between the program and the platform (SQLite, fs,
// HTTP, gRPC's HTTP/2, Date), so the program has no code for it. It imports nothing, because Node.js itself strips its types, which it does not do for imports.
//
//   K8TS_HISTORY_FAULT=before-commit:37   ends the process, as SIGKILL does, before the 37th commit
//   K8TS_HISTORY_FAULT=sync-error:37      the 37th sync fails with EIO
//   SIGUSR2                               the wall clock goes an hour forward, at the next signal an hour back
{
  const fs = process.getBuiltinModule('node:fs');
  const http = process.getBuiltinModule('node:http');
  const http2 = process.getBuiltinModule('node:http2');
  const sqlite = process.getBuiltinModule('node:sqlite');

  const [fault = '', place = '0'] = (process.env['K8TS_HISTORY_FAULT'] ?? '').split(':');
  let left = Number(place);

  /** Counts the passes of a point, and at the chosen one ends the process: no code of it runs after that. */
  const pass = (point: string): boolean => {
    if (point !== fault || --left !== 0) return false;
    if (point !== 'sync-error') process.kill(process.pid, 'SIGKILL');
    return true;
  };

  const { exec } = sqlite.DatabaseSync.prototype;
  sqlite.DatabaseSync.prototype.exec = function (sql: string): void {
    if (sql === 'BEGIN IMMEDIATE') pass('before-begin');
    if (sql === 'COMMIT') pass('before-commit');
    exec.call(this, sql);
    if (sql === 'COMMIT') pass('after-commit');
  };

  const { fdatasync } = fs;
  fs.fdatasync = ((fd: number, done: (error: (Error & { code?: string }) | null) => void) => {
    pass('before-sync');
    if (pass('sync-error')) {
      const error: Error & { code?: string } = new Error('EIO: i/o error, fdatasync');
      error.code = 'EIO';
      setImmediate(() => done(error));
      return;
    }
    fdatasync(fd, (error) => {
      pass('after-sync');
      done(error);
    });
  }) as typeof fs.fdatasync;

  const { end } = http.ServerResponse.prototype;
  http.ServerResponse.prototype.end = function (...rest: unknown[]) {
    const isWrite = this.req?.method !== 'GET';
    if (isWrite) pass('before-answer');
    const result = Reflect.apply(end, this, rest) as typeof this;
    if (isWrite) pass('after-answer');
    return result;
  };

  // A commit in etcd is one call.
  const { connect } = http2;
  http2.connect = ((...rest: unknown[]) => {
    const session = Reflect.apply(connect, http2, rest) as ReturnType<typeof connect>;
    const { request } = session;
    session.request = (headers, options) => {
      const isCommit = (headers as Readonly<Record<string, unknown>>)[':path'] === '/etcdserverpb.KV/Txn';
      if (isCommit) pass('before-txn');
      const stream = request.call(session, headers, options);
      if (isCommit) {
        stream.once('finish', () => pass('after-txn-sent'));
        stream.once('response', () => pass('after-txn'));
      }
      return stream;
    };
    return session;
  }) as typeof http2.connect;

  const stepMs = 3_600_000;
  let stepped = 0;
  const RealDate = Date;
  const now = () => RealDate.now() + stepped;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [now()] : args, self) as object,
    apply: () => new RealDate(now()).toString(),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  });
  process.on('SIGUSR2', () => {
    stepped = stepped === 0 ? stepMs : 0;
  });
}
