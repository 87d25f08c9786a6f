// The process of the supervisor: `supervisor.js RUN-DIR`. Detached from the terminal, one per cluster. It takes commands
// on a socket: GET /processes, POST /processes (add), POST /stop {names}, POST /shutdown (stop all and end).
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { describeError } from '../../../controlplane/base/errors';
import { createLogger } from '../../../controlplane/base/logger';
import { startTicks } from './proc';
import { rotateIfLarge } from './rotate';
import { controlSocket, type PidRecord, type ProcessSpec, pidFile } from './spec';
import { Supervisor } from './supervisor';

const rotateEveryMs = 30_000;

async function main(runDir: string): Promise<void> {
  const log = createLogger({ component: 'supervisor' });
  const supervisor = new Supervisor(runDir, log);
  mkdirSync(`${runDir}/pids`, { recursive: true, mode: 0o700 });
  const record: PidRecord = {
    pid: process.pid,
    startTicks: startTicks(process.pid) ?? '',
    startedAt: Date.now(),
  };
  writeFileSync(pidFile(runDir, 'supervisor'), JSON.stringify(record), { mode: 0o600 });
  await supervisor.restore();
  setInterval(() => {
    for (const path of supervisor.logs()) rotateIfLarge(path);
  }, rotateEveryMs);

  const server = createServer(async (request, response) => {
    try {
      const body = request.method === 'POST' ? await readJson(request) : undefined;
      if (request.url === '/processes' && request.method === 'POST') {
        await supervisor.apply(body as ProcessSpec[]);
      } else if (request.url === '/stop') {
        await supervisor.stop((body as { names?: string[] }).names);
      } else if (request.url === '/shutdown') {
        await supervisor.stop();
      } else if (request.url !== '/processes') {
        response.statusCode = 404;
      }
      response.end(JSON.stringify(supervisor.status()), () => {
        if (request.url !== '/shutdown') return;
        rmSync(controlSocket(runDir), { force: true });
        process.exit(0);
      });
    } catch (err) {
      response.statusCode = 500;
      response.end(JSON.stringify({ error: describeError(err) }));
    }
  });
  rmSync(controlSocket(runDir), { force: true });
  server.listen(controlSocket(runDir));
  // A signal to the supervisor does not stop the cluster: processes keep running and the next supervisor adopts them.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      supervisor.abandon();
      process.exit(0);
    });
  }
  process.on('SIGHUP', () => {});
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? {} : JSON.parse(text);
}

void main(process.argv[2] ?? '').catch((err) => {
  process.stderr.write(`supervisor: ${describeError(err)}\n`);
  process.exit(1);
});
