// ContainerRuntime in memory: a test decides what its containers do. It passes the same contract suite as Docker's.
import {
  AlreadyExists,
  AppError,
  BadRequest,
  Conflict,
  NotFound,
  Unavailable,
} from '../../../controlplane/base/errors';
import { resourcesOf } from '../spec/container-resources';
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

interface Held {
  record: ContainerRecord;
  readonly spec: ContainerSpec;
  readonly log: Array<LogChunk & { readonly timeMs: number }>;
  ended: PromiseWithResolvers<void>;
}

/** The behaviour of a command inside a container. */
export interface FakeCommand {
  readonly output: string;
  readonly code: number;
  /** How long the command takes; only time-outs use this. */
  readonly runsMs?: number;
}

/** No process of this machine: the kernel gives at most 2^22. */
const firstPid = 2 ** 22 + 1;

export class FakeRuntime implements ContainerRuntime {
  private readonly held = new Map<string, Held>();
  private readonly stored = new Map<string, ImageRecord>();
  /** Images that pull() can bring, by reference. */
  readonly registry = new Map<string, ImageRecord>();
  private readonly queues = new Set<(event: RuntimeEvent) => void>();
  private counter = 0;
  /** While set, every call fails with Unavailable. */
  down = false;
  /** The calls that had an effect: `create NAME`, `start NAME`, `stop NAME GRACE`, `remove NAME`, `pull REF`. */
  readonly calls: string[] = [];
  /** The runtimes that a container may name. */
  readonly runtimes = new Set(['runc']);
  /** Names of containers whose start is refused. */
  readonly refuseStart = new Map<string, string>();
  /** What usage() says of each container. */
  memoryInUse = 2;
  /** Names of containers whose resources cannot be changed. */
  readonly refuseUpdate = new Map<string, string>();
  /** True: containers ignore the stop signal, so that only the kill at the end of the grace ends them. */
  deaf = false;
  /** Answers exec: output on stdout and the exit code. */
  onExec: (argv: readonly string[], id: string) => FakeCommand = () => ({ output: '', code: 0 });

  constructor(private readonly now: () => number = Date.now) {}

  async info(): Promise<RuntimeInfo> {
    this.reach();
    return {
      name: 'docker',
      version: '0.0-fake',
      operatingSystem: 'fake',
      kernelVersion: '0',
      rootDir: '/',
      cgroupDriver: 'none',
    };
  }

  async list(): Promise<readonly ContainerSummary[]> {
    this.reach();
    return [...this.held.values()]
      .filter(({ record }) => record.labels[labels.podUid] !== undefined)
      .map(({ record: { id, labels: own, state } }) => ({ id, labels: own, state }));
  }

  async inspect(id: string): Promise<ContainerRecord> {
    this.reach();
    return this.find(id).record;
  }

  async create(spec: ContainerSpec): Promise<string> {
    this.reach();
    const image = this.stored.get(spec.image);
    if (!image) throw new NotFound(`No such image: ${spec.image}`);
    if ([...this.held.values()].some(({ record }) => record.name === spec.name)) {
      throw new AlreadyExists(`The container name "/${spec.name}" is already in use`);
    }
    if (spec.runtime && !this.runtimes.has(spec.runtime)) {
      throw new BadRequest(`unknown or invalid runtime name: ${spec.runtime}`);
    }
    const id = `fake${String(++this.counter).padStart(8, '0')}`;
    const { name, labels: own } = spec;
    const record: ContainerRecord = {
      id,
      name,
      labels: own,
      image: spec.image,
      imageId: image.id,
      state: 'created',
      createdAtMs: this.now(),
      resources: resourcesOf(spec),
    };
    this.held.set(id, { record, spec, log: [], ended: Promise.withResolvers() });
    this.calls.push(`create ${name}`);
    this.emit('created', record);
    return id;
  }

  async start(id: string): Promise<void> {
    this.reach();
    const held = this.find(id);
    if (held.record.state === 'running') return;
    const refusal = this.refuseStart.get(held.record.labels[labels.containerName] ?? '');
    if (refusal !== undefined) throw new BadRequest(refusal);
    held.ended = Promise.withResolvers();
    const { exitCode: _, finishedAtMs: __, ...rest } = held.record;
    held.record = { ...rest, state: 'running', startedAtMs: this.now(), pid: firstPid + this.counter };
    this.calls.push(`start ${held.record.name}`);
    this.emit('started', held.record);
  }

  async update(id: string, resources: ContainerResources): Promise<void> {
    this.reach();
    const held = this.find(id);
    const { name } = held.record;
    const refusal = this.refuseUpdate.get(held.record.labels[labels.containerName] ?? '');
    if (refusal !== undefined) throw new BadRequest(refusal);
    held.record = { ...held.record, resources: { ...held.record.resources, ...resources } };
    this.calls.push(`update ${name}`);
  }

  async stop(id: string, graceSeconds: number): Promise<void> {
    this.reach();
    const held = this.held.get(id);
    if (held?.record.state !== 'running') return;
    this.calls.push(`stop ${held.record.name} ${graceSeconds}`);
    if (graceSeconds > 0 && this.deaf) await held.ended.promise;
    else this.end(id, graceSeconds > 0 ? 143 : 137);
  }

  async remove(id: string): Promise<void> {
    this.reach();
    const held = this.held.get(id);
    if (!held) return;
    if (held.record.state === 'running') this.end(id, 137);
    this.held.delete(id);
    this.calls.push(`remove ${held.record.name}`);
    this.emit('removed', held.record);
  }

  async *events(signal: AbortSignal): AsyncGenerator<RuntimeEvent> {
    const waiting: RuntimeEvent[] = [{ type: 'connected' }];
    let wake = Promise.withResolvers<void>();
    const push = (event: RuntimeEvent) => {
      waiting.push(event);
      wake.resolve();
    };
    const onAbort = () => wake.resolve();
    this.queues.add(push);
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        const event = waiting.shift();
        if (event) yield event;
        else {
          wake = Promise.withResolvers();
          await wake.promise;
        }
      }
    } finally {
      this.queues.delete(push);
      signal.removeEventListener('abort', onAbort);
    }
  }

  async *logs(id: string, { follow, tailLines, sinceMs, timestamps, signal }: LogOptions): AsyncGenerator<LogChunk> {
    this.reach();
    const held = this.find(id);
    let seen = held.log.length;
    const old = held.log.filter(({ timeMs }) => timeMs >= (sinceMs ?? 0));
    const show = ({ stream, data, timeMs }: (typeof old)[number]): LogChunk => ({
      stream,
      data: timestamps ? Buffer.concat([Buffer.from(`${new Date(timeMs).toISOString()} `), data]) : data,
    });
    yield* (tailLines === undefined ? old : old.slice(old.length - Math.min(old.length, tailLines))).map(show);
    while (follow && !signal?.aborted) {
      if (seen < held.log.length) yield show(held.log[seen++]!);
      else if (held.record.state !== 'running') return;
      else await Promise.race([held.ended.promise, new Promise((resolve) => setImmediate(resolve))]);
    }
  }

  async exec(id: string, { argv, stdout, signal, timeoutMs }: ExecOptions): Promise<number> {
    this.reach();
    if (this.find(id).record.state !== 'running') throw new Conflict(`Container ${id} is not running`);
    signal?.throwIfAborted();
    const { output, code, runsMs = 0 } = this.onExec(argv, id);
    if (timeoutMs !== undefined && runsMs >= timeoutMs) throw new AppError('Timeout', `has run for ${timeoutMs} ms`);
    stdout?.write(Buffer.from(output));
    return code;
  }

  async attach(id: string, _options: AttachOptions): Promise<void> {
    this.reach();
    const { record, ended } = this.find(id);
    if (record.state !== 'running') throw new Conflict(`container ${id} is not running`);
    await ended.promise;
  }

  async usage(id: string): Promise<ContainerUsage> {
    this.find(id);
    return { cpuNanoseconds: 1, memoryBytes: this.memoryInUse, workingSetBytes: 1 };
  }

  async image(reference: string): Promise<ImageRecord | undefined> {
    this.reach();
    return this.stored.get(reference);
  }

  async images(): Promise<readonly ImageRecord[]> {
    this.reach();
    return [...new Set(this.stored.values())];
  }

  async pull(reference: string, _auth: RegistryAuth | undefined): Promise<void> {
    this.reach();
    this.calls.push(`pull ${reference}`);
    const image = this.registry.get(reference);
    if (!image) throw new NotFound(`manifest for ${reference} not found: manifest unknown`);
    this.addImage(reference, image);
  }

  async removeImage(id: string): Promise<void> {
    for (const [key, image] of this.stored) if (image.id === id) this.stored.delete(key);
  }

  // Calls for tests.

  addImage(reference: string, image: Partial<ImageRecord> = {}): void {
    const id = image.id ?? `sha256:${reference}`;
    const record = { tags: [reference], digests: [], sizeBytes: 1, user: '', ...image, id };
    this.stored.set(reference, record);
    this.stored.set(id, record);
    for (const push of this.queues) push({ type: 'images-changed' });
  }

  /** The process of a running container ends by itself. */
  end(id: string, exitCode: number): void {
    const held = this.find(id);
    held.record = { ...held.record, state: 'exited', finishedAtMs: this.now(), exitCode, pid: undefined };
    held.ended.resolve();
    this.emit('died', held.record, exitCode);
  }

  /** A container's process writes one line. */
  write(id: string, line: string, stream: LogChunk['stream'] = 'stdout'): void {
    this.find(id).log.push({ stream, data: Buffer.from(`${line}\n`), timeMs: this.now() });
  }

  /** The container of a pod, newest first, by its name in the pod. */
  byName(podUid: string, container: string): Held | undefined {
    return [...this.held.values()]
      .reverse()
      .find(
        ({ record }) => record.labels[labels.podUid] === podUid && record.labels[labels.containerName] === container,
      );
  }

  /** As after a restart of the daemon: event readers must list again. */
  reconnect(): void {
    for (const push of this.queues) push({ type: 'connected' });
  }

  /** The daemon does not answer until reconnect(). */
  disconnect(): void {
    for (const push of this.queues) push({ type: 'disconnected', error: new Unavailable('docker does not answer') });
  }

  private reach(): void {
    if (this.down) throw new Unavailable('docker does not answer');
  }

  private find(id: string): Held {
    const held = this.held.get(id);
    if (!held) throw new NotFound(`No such container: ${id}`);
    return held;
  }

  private emit(type: 'created' | 'started' | 'died' | 'removed', record: ContainerRecord, exitCode?: number): void {
    const event = {
      type,
      id: record.id,
      labels: record.labels,
      timeMs: this.now(),
      ...(exitCode === undefined ? {} : { exitCode }),
    };
    for (const push of this.queues) push(event);
  }
}
