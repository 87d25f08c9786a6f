// Converts YAML bodies to JSON before any other step, and JSON answers to YAML after all other steps. Small bodies are
// converted at once; a large one would block the event loop for hundreds of milliseconds, so a thread converts it. The
// thread starts at its first use.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { isJson } from '../../api/json-text';
import { AppError, BadRequest, Unavailable } from '../../base/errors';
import { type ApiRequest, type FullReply, header, jsonType, type Reply } from '../request';
import { keepDuplicateKeys } from './duplicate-keys';
import { jsonToYaml } from './from-json';
import { convertYaml } from './to-json';
import type { Answer, Direction, Question } from './worker';

/** This much is converted in about ten milliseconds. */
const smallBytes = 16 * 1024;
/** A bound: each waiting body may have 3 MB, an answer more. */
const maxWaiting = 50;
/** 3 MB take less than two seconds on a busy machine. */
const timeoutMs = 30_000;
/** A body of 3 MB or an answer of 30 MB needs up to 400 MB; with more the thread ends, not the server. */
const maxHeapMb = 1_024;
const types: ReadonlySet<string> = new Set(['application/yaml', 'application/apply-patch+yaml']);

interface Job extends Question {
  readonly resolve: (converted: Buffer) => void;
  readonly reject: (reason: Error) => void;
}

/** Keeps the bytes, since an error message shows their beginning. */
export class UnreadableYaml extends BadRequest {
  constructor(
    message: string,
    readonly yaml: Buffer,
  ) {
    super(message);
  }
}

export class YamlConverter {
  private readonly waiting: Job[] = [];
  private running: Job | undefined;
  private worker: Worker | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  /** Returns the request with its YAML body converted to JSON at the first read. */
  accept(request: ApiRequest): ApiRequest {
    const type = header(request.headers, 'content-type').split(';', 1)[0]!.trim().toLowerCase();
    if (!types.has(type)) return request;
    // Only the media type marks an apply, so the header stays although the body becomes JSON.
    const headers =
      type === 'application/yaml' ? { ...request.headers, 'content-type': 'application/json' } : request.headers;
    const body = async () => {
      const yaml = await request.body();
      try {
        return await this.toJson(yaml);
      } catch (err) {
        throw err instanceof BadRequest ? new UnreadableYaml(err.message, yaml) : err;
      }
    };
    return { ...request, headers, body };
  }

  /** @throws BadRequest for invalid YAML, TooManyRequests, Unavailable when the thread fails */
  async toJson(yaml: Buffer): Promise<Buffer> {
    // Nearly every apply sends JSON, which is valid YAML. But `{a: 1,}` is YAML alone.
    if (yaml[0] === openingBrace && isJson(yaml)) return yaml;
    if (yaml.length <= smallBytes) {
      const { json, duplicateKeys } = convertYaml(yaml.toString());
      return keepDuplicateKeys(Buffer.from(json), duplicateKeys);
    }
    return this.ask('toJson', yaml);
  }

  /** A JSON answer as YAML; any other answer as it is. @throws TooManyRequests, Unavailable when the thread fails */
  async toYaml<T extends Reply>(reply: T): Promise<T | FullReply> {
    if (!('body' in reply) || reply.type !== jsonType) return reply;
    const { status, headers, body: json } = reply;
    const body = json.length <= smallBytes ? Buffer.from(jsonToYaml(json.toString())) : await this.ask('toYaml', json);
    return { status, type: 'application/yaml', body, ...(headers ? { headers } : {}) };
  }

  private ask(direction: Direction, text: Buffer): Promise<Buffer> {
    if (this.waiting.length >= maxWaiting)
      throw new AppError('TooManyRequests', 'too many large bodies and answers of YAML at once');
    return new Promise((resolve, reject) => {
      this.waiting.push({ direction, text, resolve, reject });
      this.next();
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.worker?.terminate();
  }

  private next(): void {
    if (this.running) return;
    const job = this.waiting.shift();
    if (!job) return;
    if (this.closed) {
      job.reject(new Unavailable('the server is shutting down'));
      return;
    }
    this.running = job;
    this.worker ??= this.start();
    this.timer = setTimeout(() => void this.worker?.terminate(), timeoutMs);
    this.worker.ref();
    const { direction, text } = job;
    this.worker.postMessage({ direction, text } satisfies Question);
  }

  private settle(settle: (job: Job) => void): void {
    const { running } = this;
    clearTimeout(this.timer);
    this.running = undefined;
    // An idle thread keeps no process alive.
    this.worker?.unref();
    if (running) settle(running);
    this.next();
  }

  private start(): Worker {
    const source = join(__dirname, 'worker.ts');
    const options = { resourceLimits: { maxOldGenerationSizeMb: maxHeapMb } };
    const worker = existsSync(source)
      ? new Worker(source, { ...options, execArgv: ['-r', 'ts-node/register'] })
      : new Worker(join(__dirname, 'yaml-worker.js'), options);
    worker.on('message', (answer: Answer) => {
      this.settle(({ resolve, reject }) => {
        if ('refusal' in answer) reject(new BadRequest(answer.refusal));
        else resolve(keepDuplicateKeys(Buffer.from(answer.text.buffer), answer.duplicateKeys));
      });
    });
    let failure: unknown;
    worker.on('error', (cause) => {
      failure = cause;
    });
    worker.on('exit', () => {
      if (this.worker === worker) this.worker = undefined;
      this.settle(({ reject }) => reject(new Unavailable('the thread that converts YAML ended', { cause: failure })));
    });
    return worker;
  }
}

const openingBrace = 0x7b;
