// ContainerRuntime on Docker's Engine API. This folder alone imports dockerode. The class keeps no state about containers; its
// callers do.
import Docker from 'dockerode';
import { systemClock } from '../../../controlplane/base/clock';
import { AppError, BadRequest, Conflict, hasCode, isNotFound, NotFound } from '../../../controlplane/base/errors';
import { DockerAgent } from './docker-agent';
import { toCreateBody, toImage, toRecord, toState, toUpdateBody } from './docker-config';
import { translateDockerError } from './docker-errors';
import { dockerEvents } from './docker-events';
import { timeExec } from './docker-exec-time';
import { containerLogs } from './docker-logs';
import { pumpHijacked } from './docker-streams';
import { toUsage } from './docker-usage';
import { labels } from './labels';
import type {
  AttachOptions,
  ContainerRecord,
  ContainerResources,
  ContainerRuntime,
  ContainerSpec,
  ContainerSummary,
  ContainerUsage,
  ExecOptions,
  ImageRecord,
  LogChunk,
  LogOptions,
  RegistryAuth,
  RuntimeEvent,
  RuntimeInfo,
} from './runtime';

const notModified = 304;
const notRunning = 409;

/** How long the connection to a container that has ended may bring output that was on its way. */
const lastOutputMs = 500;

export class DockerRuntime implements ContainerRuntime {
  private readonly docker: Docker;

  /** `host` is unix:///path or tcp://host:port. @throws BadRequest */
  constructor(host: string) {
    // One connection per call: on a connection kept over a restart of Docker the next call fails, and opening one to a socket on
    // the same machine costs very little.
    // (The agent is an option of docker-modem that dockerode's types leave out.)
    const options: Docker.DockerOptions & { agent: DockerAgent } = {
      ...connection(host),
      agent: new DockerAgent(),
    };
    this.docker = new Docker(options);
  }

  async info(): Promise<RuntimeInfo> {
    const [info, version] = await this.call('info', () => Promise.all([this.docker.info(), this.docker.version()]));
    return {
      name: 'docker',
      version: version.Version,
      operatingSystem: info.OperatingSystem,
      kernelVersion: info.KernelVersion,
      rootDir: info.DockerRootDir,
      cgroupDriver: info.CgroupDriver,
    };
  }

  async list(): Promise<readonly ContainerSummary[]> {
    const found = await this.call('list containers', () =>
      this.docker.listContainers({ all: true, filters: { label: [labels.podUid] } }),
    );
    return found.map((info) => ({ id: info.Id, labels: info.Labels, state: toState(info.State) }));
  }

  async inspect(id: string): Promise<ContainerRecord> {
    return toRecord(await this.call(`inspect ${id}`, () => this.docker.getContainer(id).inspect()));
  }

  async create(spec: ContainerSpec): Promise<string> {
    const made = await this.call(`create ${spec.name}`, () => this.docker.createContainer(toCreateBody(spec)));
    return made.id;
  }

  async start(id: string): Promise<void> {
    await this.call(`start ${id}`, () => this.unlessUnchanged(this.docker.getContainer(id).start()));
  }

  async update(id: string, resources: ContainerResources): Promise<void> {
    await this.call(`update ${id}`, () => this.docker.getContainer(id).update(toUpdateBody(resources)));
  }

  async stop(id: string, graceSeconds: number): Promise<void> {
    const container = this.docker.getContainer(id);
    await this.ifThere(`stop ${id}`, async () => {
      if (graceSeconds > 0) return this.unlessUnchanged(container.stop({ t: Math.ceil(graceSeconds) }));
      try {
        await container.kill({ signal: 'SIGKILL' });
      } catch (err) {
        if ((err as { statusCode?: number }).statusCode !== notRunning) throw err;
      }
    });
  }

  async remove(id: string): Promise<void> {
    await this.ifThere(`remove ${id}`, async () => {
      try {
        await this.docker.getContainer(id).remove({ force: true, v: true });
      } catch (err) {
        // Another removal of the same container is running, and finishes the work.
        if (!/removal of container .* is already in progress/.test((err as Error).message)) throw err;
      }
    });
  }

  events(signal: AbortSignal): AsyncIterable<RuntimeEvent> {
    return dockerEvents(this.docker, signal);
  }

  logs(id: string, options: LogOptions): AsyncIterable<LogChunk> {
    return containerLogs(this.docker.getContainer(id), options);
  }

  async exec(id: string, options: ExecOptions): Promise<number> {
    const { argv, tty = false, stdin, signal, timeoutMs } = options;
    const exec = await this.call(`exec in ${id}`, () =>
      this.docker.getContainer(id).exec({
        Cmd: [...argv],
        AttachStdin: stdin !== undefined,
        AttachStdout: true,
        AttachStderr: !tty,
        Tty: tty,
      }),
    );
    const socket = await this.call(`exec in ${id}`, () => exec.start({ hijack: true, stdin: true, Tty: tty }));
    const pump = (until: AbortSignal | undefined) =>
      pumpHijacked(socket, { ...options, signal: until }, (size) => exec.resize({ w: size.width, h: size.height }));
    if (timeoutMs === undefined) await pump(signal);
    else await this.pumpFor(timeoutMs, exec, pump, signal);
    signal?.throwIfAborted();
    const result = await this.call(`exec in ${id}`, () => exec.inspect());
    if (result.ExitCode === null) throw new AppError('Internal', `exec in ${id}: the command has not ended`);
    return result.ExitCode;
  }

  /** Kills a command that exceeds its time, because Docker would let it run. */
  private async pumpFor(
    timeoutMs: number,
    exec: Docker.Exec,
    pump: (until: AbortSignal) => Promise<void>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const over = new AbortController();
    const done = new AbortController();
    const timer = timeExec({
      timeoutMs,
      state: async () => {
        const { Running, Pid } = await exec.inspect();
        return { running: Running, pid: Pid };
      },
      sleep: (ms) => systemClock.sleep(ms, done.signal),
    }).catch((err: unknown) => {
      if (!hasCode(err, 'Timeout')) return;
      killHere(Number((err as AppError).details['pid']));
      over.abort(err);
    });
    try {
      await pump(signal ? AbortSignal.any([signal, over.signal]) : over.signal);
      over.signal.throwIfAborted();
    } finally {
      done.abort(new Error('the command is over'));
      await timer;
    }
  }

  async attach(id: string, options: AttachOptions): Promise<void> {
    const container = this.docker.getContainer(id);
    const socket = await this.call(`attach to ${id}`, () =>
      container.attach({
        stream: true,
        hijack: true,
        stdin: options.stdin !== undefined,
        stdout: options.stdout !== undefined,
        stderr: options.stderr !== undefined,
      }),
    );
    const pump = (signal: AbortSignal | undefined) =>
      pumpHijacked(socket, { ...options, signal }, (size) => container.resize({ w: size.width, h: size.height }));
    await this.whileRunning(id, pump, options.signal);
  }

  /**
   * Docker attaches to a container that has ended as well, and then waits for its next start. Of a container that ends after the attachment
   * Docker closes the connection. @throws Conflict when it had ended before
   */
  private async whileRunning(
    id: string,
    pump: (until: AbortSignal | undefined) => Promise<void>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const over = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const pumped = pump(signal ? AbortSignal.any([signal, over.signal]) : over.signal);
    const checked = this.docker
      .getContainer(id)
      .inspect()
      .then(({ State }) => {
        const ended = new Conflict(`container ${id} is not running`);
        if (!State.Running) timer = setTimeout(() => over.abort(ended), lastOutputMs);
      })
      .catch(() => {});
    try {
      await pumped;
    } finally {
      await checked;
      clearTimeout(timer);
    }
  }

  async usage(id: string): Promise<ContainerUsage> {
    const stats = await this.call(`stats of ${id}`, () =>
      this.docker.getContainer(id).stats({ stream: false, 'one-shot': true }),
    );
    return toUsage(stats);
  }

  async image(reference: string): Promise<ImageRecord | undefined> {
    try {
      return toImage(await this.call(`inspect image ${reference}`, () => this.docker.getImage(reference).inspect()));
    } catch (err) {
      if (isNotFound(err)) return undefined;
      throw err;
    }
  }

  async images(): Promise<readonly ImageRecord[]> {
    const found = await this.call('list images', () => this.docker.listImages());
    return found.map((info) => ({
      id: info.Id,
      tags: (info.RepoTags ?? []).filter((tag) => tag !== '<none>:<none>'),
      digests: (info.RepoDigests ?? []).filter((digest) => digest !== '<none>@<none>'),
      sizeBytes: info.Size,
      user: '',
    }));
  }

  async pull(reference: string, auth: RegistryAuth | undefined, signal?: AbortSignal): Promise<void> {
    const authconfig = auth && {
      username: auth.username,
      password: auth.password,
      auth: auth.auth,
      identitytoken: auth.identityToken,
      serveraddress: auth.serverAddress,
    };
    const progress = await this.call(`pull ${reference}`, () =>
      this.docker.pull(reference, { authconfig, abortSignal: signal } as never),
    );
    await new Promise<void>((resolve, reject) => {
      this.docker.modem.followProgress(progress, (err) => (err ? reject(pullFailure(err)) : resolve()));
    });
  }

  async removeImage(id: string): Promise<void> {
    await this.ifThere(`remove image ${id}`, () => this.docker.getImage(id).remove());
  }

  private async call<T>(doing: string, fn: () => Promise<T>): Promise<T> {
    try {
      return await fn();
    } catch (err) {
      throw translateDockerError(err, doing);
    }
  }

  private async ifThere(doing: string, fn: () => Promise<unknown>): Promise<void> {
    try {
      await this.call(doing, fn);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }

  /** Docker answers 304 when the container already has the requested state. */
  private async unlessUnchanged(request: Promise<unknown>): Promise<void> {
    try {
      await request;
    } catch (err) {
      if ((err as { statusCode?: number }).statusCode !== notModified) throw err;
    }
  }
}

function connection(host: string): Docker.DockerOptions {
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) };
  const match = /^tcp:\/\/([^:/]+):(\d+)$/.exec(host);
  if (!match) throw new BadRequest(`not a docker host: ${host}; expected unix:///path or tcp://host:port`);
  return { protocol: 'http', host: match[1], port: Number(match[2]) };
}

/** Containers run on the machine of the kubelet, in process namespaces below its own. */
function killHere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // The process has ended already.
  }
}

function pullFailure(err: Error): AppError {
  const missing = /not found|manifest unknown|does not exist|no such host/i.test(err.message);
  return missing ? new NotFound(err.message, { cause: err }) : new AppError('Unavailable', err.message, { cause: err });
}
