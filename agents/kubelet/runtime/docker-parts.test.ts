import { inspect } from 'node:util';
import t from 'tap';
import { DockerAgent } from './docker-agent';
import { toCreateBody, toImage, toRecord } from './docker-config';
import { translateDockerError } from './docker-errors';
import { parseEvent } from './docker-events';
import { FrameDecoder } from './docker-frames';
import type { ContainerSpec } from './runtime';

t.test('frames are parsed from chunks of any size', async (t) => {
  const frame = (stream: number, text: string) => {
    const head = Buffer.alloc(8);
    head[0] = stream;
    head.writeUInt32BE(text.length, 4);
    return Buffer.concat([head, Buffer.from(text)]);
  };
  const bytes = Buffer.concat([frame(1, 'out'), frame(2, 'err'), frame(1, '')]);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const decoder = new FrameDecoder();
    const chunks = [...decoder.push(bytes.subarray(0, cut)), ...decoder.push(bytes.subarray(cut))];
    t.same(
      chunks.map(({ stream, data }) => `${stream} ${data}`),
      ['stdout out', 'stderr err', 'stdout '],
    );
  }
});

const spec: ContainerSpec = {
  name: 'n',
  image: 'i',
  labels: {},
  env: [],
  mounts: [],
  network: { container: 'p' },
  ipc: { container: 'p' },
  pid: 'own',
};

t.test('a container spec as the body of a create request', async (t) => {
  t.match(toCreateBody(spec), {
    Image: 'i',
    HostConfig: { NetworkMode: 'container:p', IpcMode: 'container:p', RestartPolicy: { Name: '' } },
  });
  t.match(toCreateBody({ ...spec, network: 'own', ipc: 'own', pid: { container: 'p' } }).HostConfig, {
    NetworkMode: 'none',
    IpcMode: 'shareable',
    PidMode: 'container:p',
  });
  t.match(
    toCreateBody({ ...spec, noNewPrivileges: true, seccomp: 'unconfined', memoryBytes: 5, cpuQuotaMicros: 7 })
      .HostConfig,
    {
      SecurityOpt: ['no-new-privileges', 'seccomp=unconfined'],
      Memory: 5,
      MemorySwap: 5,
      CpuQuota: 7,
      CpuPeriod: 100_000,
    },
  );
  const device = { hostPath: '/dev/null', containerPath: '/dev/a' };
  const devices = [
    { ...device, readOnly: true },
    { ...device, readOnly: false },
    { ...device, readOnly: false, permissions: 'rw' },
  ];
  t.same(
    toCreateBody({ ...spec, devices }).HostConfig?.Devices?.map(
      (each: { CgroupPermissions: string }) => each.CgroupPermissions,
    ),
    ['r', 'mrw', 'rw'],
  );
  t.equal(toCreateBody({ ...spec, runtime: 'kata' }).HostConfig?.Runtime, 'kata');
  t.notOk('Runtime' in toCreateBody(spec).HostConfig!);
  t.notOk('Entrypoint' in toCreateBody(spec));
});

t.test('an inspection as a container record', async (t) => {
  const info = (State: object) =>
    toRecord({
      Id: 'x',
      Name: '/n',
      Image: 'sha256:i',
      Created: '2026-01-01T00:00:00Z',
      Config: { Labels: {}, Image: 'i' },
      State,
    } as never);
  t.match(info({ Status: 'running', StartedAt: '2026-01-01T00:00:01Z', FinishedAt: '0001-01-01T00:00:00Z', Pid: 5 }), {
    state: 'running',
    pid: 5,
    finishedAtMs: undefined,
  });
  t.match(
    info({
      Status: 'exited',
      StartedAt: '2026-01-01T00:00:01Z',
      FinishedAt: '2026-01-01T00:00:02Z',
      ExitCode: 3,
      Pid: 0,
    }),
    { state: 'exited', exitCode: 3, pid: undefined },
  );
  t.equal(info({ Status: 'dead', Pid: 0 }).state, 'exited');
});

t.test('events of Docker as events of the runtime', async (t) => {
  const event = (Action: string, Attributes: object) =>
    parseEvent(JSON.stringify({ Type: 'container', Action, timeNano: 5e6, Actor: { ID: 'x', Attributes } }));
  t.match(event('die', { 'io.kubernetes.pod.uid': 'u', exitCode: '137' }), {
    type: 'died',
    id: 'x',
    exitCode: 137,
    timeMs: 5,
  });
  t.equal(event('die', {}), undefined);
  t.equal(event('exec_create: /bin/true', { 'io.kubernetes.pod.uid': 'u' }), undefined);
  t.same(parseEvent('{"Type":"image","Action":"pull"}'), { type: 'images-changed' });
});

t.test('errors of Docker by status and message', async (t) => {
  const code = (statusCode: number | undefined, message: string) =>
    translateDockerError(Object.assign(new Error('x'), { statusCode, json: { message } }), 'doing').code;
  t.equal(code(404, 'No such container'), 'NotFound');
  t.equal(code(409, 'name is already in use by'), 'AlreadyExists');
  t.equal(code(409, 'is not running'), 'Conflict');
  t.equal(code(500, 'OCI runtime create failed'), 'BadRequest');
  t.equal(code(500, 'driver failed'), 'Internal');
  t.equal(code(undefined, 'connect ENOENT'), 'Unavailable');
});

t.test('inspecting the agent at any depth shows no sockets', async (t) => {
  t.equal(inspect({ agent: new DockerAgent() }, { showHidden: true, depth: null }), '{ agent: DockerAgent }');
});

t.test('the layers of an image, the topmost first', (t) => {
  const layersOf = (GraphDriver: unknown) => toImage({ Id: 'sha256:1', Size: 1, GraphDriver } as never).layers;
  const Data = { UpperDir: '/d/3/diff', LowerDir: '/d/2/diff:/d/1/diff', WorkDir: '/d/3/work' };
  t.same(layersOf({ Name: 'overlay2', Data }), ['/d/3/diff', '/d/2/diff', '/d/1/diff']);
  t.same(layersOf({ Name: 'overlay2', Data: { UpperDir: '/d/1/diff' } }), ['/d/1/diff'], 'an image of one layer');
  t.equal(layersOf({ Name: 'vfs', Data }), undefined, 'another driver has no such folders');
  t.equal(layersOf(undefined), undefined, 'the image store of containerd has no driver');
  t.end();
});
