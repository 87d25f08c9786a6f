// Requests through the ingress proxy and through nginx, one worker each, the same nginx as backend, wrk as the client.
// The budget compares CPU per request: the client and the backend share the two cores, so wall-clock time includes other
// processes of the machine.
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope } from '../../controlplane/base/scope';
import { SystemExec, startProgram } from '../../dataplane/exec/system-exec';
import { IngressServer } from '../../dataplane/ingress/server';
import { type BenchRow, renderRows } from './row';

const backendPort = 18081;
const nginxPort = 18001;
const ourPort = 18000;
const roundSeconds = 5;
const rounds = 3;
const connectionCount = 32;

interface Figure {
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly cpuMicros: number;
}

export async function run(): Promise<BenchRow[]> {
  const scope = new Scope();
  const directory = mkdtempSync(join(tmpdir(), 'k8ts-ingress-'));
  scope.defer(() => rmSync(directory, { recursive: true, force: true }));
  try {
    await nginx(
      scope,
      directory,
      'backend',
      `server { listen 127.0.0.1:${backendPort}; location / { return 200 "hello from the backend, thirty-six b"; } }`,
    );
    const peer = await nginx(
      scope,
      directory,
      'proxy',
      `upstream b { server 127.0.0.1:${backendPort}; keepalive 64; } server { listen 127.0.0.1:${nginxPort}; location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; } }`,
    );
    const ours = await proxy(scope);
    const figures: { nginx: Figure[]; ours: Figure[] } = { nginx: [], ours: [] };
    await load(ours, ourPort);
    for (let round = 0; round < rounds; round++) {
      figures.nginx.push(await load(peer, nginxPort));
      figures.ours.push(await load(ours, ourPort));
    }
    return rows(median(figures.ours), median(figures.nginx));
  } finally {
    await scope.close();
  }
}

function rows(ours: Figure, theirs: Figure): BenchRow[] {
  const peer = 'nginx, one worker';
  const note = `wrk, ${connectionCount} connections, ${roundSeconds} s, median of ${rounds}`;
  const perCpuSecond = (figure: Figure) => Math.round(1_000_000 / figure.cpuMicros);
  return [
    {
      what: 'ingress requests per CPU second',
      unit: '1/s',
      ours: perCpuSecond(ours),
      peer,
      theirs: perCpuSecond(theirs),
      budget: { min: 0.6 },
      note,
    },
    { what: 'ingress requests', unit: '1/s', ours: ours.perSecond, peer, theirs: theirs.perSecond, note },
    { what: 'ingress p99', unit: 'ms', ours: ours.p99Ms, peer, theirs: theirs.p99Ms, budget: { max: 1.5 }, note },
  ];
}

/** Starts one nginx in the foreground; resolves with the pid of its only worker. */
async function nginx(scope: Scope, directory: string, name: string, http: string): Promise<number> {
  const file = join(directory, `${name}.conf`);
  const pidFile = join(directory, `${name}.pid`);
  writeFileSync(
    file,
    `worker_processes 1; daemon off; pid ${pidFile}; error_log ${join(directory, `${name}.log`)};\n` +
      `events { worker_connections 1024; }\nhttp { access_log off; keepalive_requests 1000000; ${http} }\n`,
  );
  const daemon = await startProgram(['nginx', '-c', file]);
  scope.defer(async () => {
    daemon.kill('SIGTERM');
    await daemon.exited;
  });
  for (;;) {
    const children = readFileSync(`/proc/${daemon.pid}/task/${daemon.pid}/children`, 'utf8').trim();
    if (children !== '') return Number(children.split(' ')[0]);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Our proxy in a process of its own, so that its CPU time can be read. */
async function proxy(scope: Scope): Promise<number> {
  const child = fork(__filename, ['--proxy'], {
    execArgv: process.execArgv,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  scope.defer(() => child.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`the proxy ended with status ${code}`)));
  });
  return child.pid!;
}

async function serve(): Promise<void> {
  const server = new IngressServer({ host: '127.0.0.1', httpPort: ourPort, httpsPort: 0 });
  const backend = 'bench/echo:80';
  server.update({
    rules: [{ ingress: 'bench/echo', createdMs: 1, host: '127.0.0.1', path: '/', pathType: 'Prefix', backend }],
    defaults: [],
    tls: [],
    backends: [{ id: backend, protocol: 'http', endpoints: [{ address: '127.0.0.1', port: backendPort }] }],
  });
  await server.listen();
  process.send?.('ready');
}

async function load(pid: number, port: number): Promise<Figure> {
  const before = cpuMicros(pid);
  const argv = ['wrk', '-t1', `-c${connectionCount}`, `-d${roundSeconds}`, '--latency', `http://127.0.0.1:${port}/`];
  const { stdout } = await new SystemExec().run(argv);
  const used = cpuMicros(pid) - before;
  const total = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  if (/Non-2xx/.test(stdout) || !(total > 0)) throw new Error(`wrk saw failures:\n${stdout}`);
  const [, value = '0', unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  const scale = { us: 0.001, ms: 1, s: 1000 }[unit as 'us' | 'ms' | 's'];
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  return { perSecond, p99Ms: Number(value) * scale, cpuMicros: used / total };
}

/** User and system time of a process so far; the kernel counts in ticks of 10 ms. */
function cpuMicros(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function median(figures: readonly Figure[]): Figure {
  const middle = (pick: (figure: Figure) => number) => figures.map(pick).sort((a, b) => a - b)[figures.length >> 1]!;
  return {
    perSecond: middle((f) => f.perSecond),
    p99Ms: middle((f) => f.p99Ms),
    cpuMicros: middle((f) => f.cpuMicros),
  };
}

if (require.main === module) {
  if (process.argv.includes('--proxy')) void serve();
  else void run().then((found) => process.stdout.write(renderRows(found)));
}
