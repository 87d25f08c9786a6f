// Against an HTTP server that answers as Docker's Engine API does, and a log file that the test rotates as Docker does.
import { once } from 'node:events';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { DockerRuntime } from './docker';
import type { LogOptions } from './runtime';

type Tap = Pick<typeof import('tap').t, 'teardown' | 'testdir'>;

/** The time of a line, as Docker writes it in an answer. In a file the zeros at the end are left out. */
const timeOf = (line: number) => `2026-01-02T03:04:05.${String(line).padStart(6, '0')}000Z`;

class PlayedLog {
  readonly path: string;

  constructor(t: Tap) {
    this.path = join(t.testdir(), 'log');
    writeFileSync(this.path, '');
  }

  /** The file has these lines, and after it a new one begins. */
  rotate(...lines: number[]): void {
    writeFileSync(
      this.path,
      lines.map((n) => `{"log":"${n}\\n","time":"${timeOf(n).replace(/0*Z/, 'Z')}"}\n`).join(''),
    );
    for (let i = 8; i > 0; i--)
      if (existsSync(`${this.path}.${i}`)) renameSync(`${this.path}.${i}`, `${this.path}.${i + 1}`);
    renameSync(this.path, `${this.path}.1`);
    writeFileSync(this.path, '');
  }
}

/** Sends lines in one answer of Docker. */
class Answer {
  constructor(readonly response: ServerResponse) {}

  send(...lines: number[]): this {
    for (const n of lines) {
      const text = Buffer.from(`${timeOf(n)} ${n}\n`);
      const header = Buffer.alloc(8);
      header[0] = 1;
      header.writeUInt32BE(text.length, 4);
      this.response.write(Buffer.concat([header, text]));
    }
    return this;
  }

  end(): void {
    this.response.end();
  }
}

/** The lines that a reader gets, and the `tail` and `since` of each request. Request n is answered by `answers[n]`, the last of all. */
async function follow(t: Tap, options: LogOptions, logPath: string, ...answers: ((answer: Answer) => void)[]) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/json')) {
      response.end(JSON.stringify({ Config: {}, HostConfig: { LogConfig: { Type: 'json-file' } }, LogPath: logPath }));
      return;
    }
    response.flushHeaders();
    const query = new URL(request.url!, 'http://docker').searchParams;
    requests.push(
      ['tail', 'since'].flatMap((name) => (query.has(name) ? [`${name}=${query.get(name)}`] : [])).join(' '),
    );
    (answers[requests.length - 1] ?? ((answer: Answer) => answer.end()))(new Answer(response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const runtime = new DockerRuntime(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const lines: number[] = [];
  for await (const { data } of runtime.logs('c', { ...options, follow: true })) lines.push(Number(data.toString()));
  return { lines, requests };
}

const since = (line: number) => `since=1767323045.${String(line).padStart(6, '0')}000`;

t.test('a jump over rotated files is noticed, and the lines are requested again', async (t) => {
  const log = new PlayedLog(t);
  const { lines, requests } = await follow(
    t,
    { tailLines: 5, sinceMs: 1500 },
    log.path,
    (answer) => {
      answer.send(1, 2);
      log.rotate(1, 2, 10);
      log.rotate(20, 30);
      answer.send(10, 40, 50);
    },
    (answer) => answer.send(10, 20, 30, 40, 50, 60).end(),
  );
  t.same(lines, [1, 2, 10, 20, 30, 40, 50, 60]);
  t.same(requests, ['tail=5 since=1.5', since(10), since(60)], 'tail and since are for the first request alone');
});

t.test('a rotation that Docker follows needs no further request', async (t) => {
  const log = new PlayedLog(t);
  const { lines, requests } = await follow(t, {}, log.path, (answer) => {
    answer.send(1, 2);
    log.rotate(1, 2, 3);
    log.rotate(4, 4, 4);
    answer.send(3, 4, 4, 4, 5);
    log.rotate(5);
    answer.send(6).end();
  });
  t.same(lines, [1, 2, 3, 4, 4, 4, 5, 6]);
  t.same(requests, ['', since(6)], 'the second asks for the rest after the end');
});

t.test('lines that Docker keeps no longer are left out, and the reader goes on', async (t) => {
  const log = new PlayedLog(t);
  const { lines, requests } = await follow(
    t,
    {},
    log.path,
    (answer) => {
      answer.send(1);
      log.rotate(1, 2);
      log.rotate(3);
      answer.send(2, 4);
    },
    (answer) => {
      rmSync(`${log.path}.1`);
      answer.send(4, 5);
      log.rotate(4, 5, 6);
      answer.send(7);
    },
    (answer) => answer.send(5, 7).end(),
  );
  t.same(lines, [1, 2, 4, 5, 7]);
  t.same(requests, ['', since(2), since(5), since(7)]);
});

t.test('a jump before the first line', async (t) => {
  for (const [options, again] of [
    [{}, /^$/],
    [{ sinceMs: 1500 }, /^since=1\.5$/],
    // No old line was asked for, so the first request's time counts.
    [{ tailLines: 0, sinceMs: 1500 }, /^since=\d{10}(\.\d+)?$/],
  ] as const) {
    const log = new PlayedLog(t);
    const { lines, requests } = await follow(
      t,
      options,
      log.path,
      (answer) => {
        log.rotate(1, 2);
        answer.send(3);
      },
      (answer) => answer.send(1, 2, 3).end(),
    );
    t.same(lines, [1, 2, 3]);
    t.match(requests[1], again);
  }
});

t.test('files that were rotated before the first request are no jump', async (t) => {
  const log = new PlayedLog(t);
  log.rotate(1, 2);
  log.rotate(3);
  const { lines, requests } = await follow(t, { tailLines: 1 }, log.path, (answer) => {
    log.rotate(4);
    answer.send(4, 5).end();
  });
  t.same(lines, [4, 5]);
  t.same(requests, ['tail=1', since(5)]);
});

t.test('a reader that Docker leaves in an old file opens the log again', async (t) => {
  const log = new PlayedLog(t);
  const { lines, requests } = await follow(
    t,
    {},
    log.path,
    (answer) => {
      answer.send(1);
      log.rotate(1, 2);
    },
    (answer) => answer.send(1, 2, 3).end(),
  );
  t.same(lines, [1, 2, 3]);
  t.same(requests, ['', since(1), since(3)]);
});

t.test('the last lines of a container are sent to a request after its end', async (t) => {
  const { lines, requests } = await follow(
    t,
    {},
    '/nonexistent/log',
    (answer) => answer.end(),
    (answer) => answer.send(1, 2).end(),
  );
  t.same(lines, [1, 2]);
  t.same(requests, ['', '', since(2)]);
});

t.test('without a file on this machine Docker is believed', async (t) => {
  const { lines, requests } = await follow(t, {}, '/nonexistent/log', (answer) => answer.send(1, 5, 2, 9).end());
  t.same(lines, [1, 5, 2, 9]);
  t.same(requests, ['', since(9)]);
});
