// The requests of the set-up to Docker, by its HTTP API on the socket. Only the kubelet handles pods.
import { request } from 'node:http';
import type { Readable } from 'node:stream';
import { AppError, Unavailable } from '../../controlplane/base/errors';
import type { DockerEngine } from './preflight';

export interface EngineInfo extends DockerEngine {
  readonly liveRestore: boolean;
  readonly mirrors: readonly string[];
}
interface InfoAnswer {
  readonly ServerVersion: string;
  readonly LiveRestoreEnabled?: boolean;
  readonly SecurityOptions?: readonly string[];
  readonly Swarm?: { readonly LocalNodeState?: string };
  readonly RegistryConfig?: { readonly Mirrors?: readonly string[] | null };
}

const answerTimeoutMs = 60_000;
/** Label of the containers of pods; dockershim and our kubelet use the same name. */
const podLabel = 'io.kubernetes.pod.uid';

export class Engine {
  constructor(private readonly socketPath: string) {}

  /** Undefined when Docker does not answer. */
  async info(): Promise<EngineInfo | undefined> {
    try {
      const info = JSON.parse(await this.call('GET', '/info')) as InfoAnswer;
      return {
        version: info.ServerVersion,
        swarm: !['', 'inactive', undefined].includes(info.Swarm?.LocalNodeState),
        rootless: (info.SecurityOptions ?? []).includes('name=rootless'),
        liveRestore: info.LiveRestoreEnabled ?? false,
        mirrors: (info.RegistryConfig?.Mirrors ?? []).map((mirror) => mirror.replace(/\/$/, '')),
      };
    } catch (err) {
      if (err instanceof Unavailable) return undefined;
      throw err;
    }
  }

  async podContainers(): Promise<readonly string[]> {
    const filters = encodeURIComponent(JSON.stringify({ label: [podLabel] }));
    const list = JSON.parse(await this.call('GET', `/containers/json?all=true&filters=${filters}`)) as { Id: string }[];
    return list.map(({ Id }) => Id);
  }

  async removeContainer(id: string): Promise<void> {
    await this.call('DELETE', `/containers/${id}?force=true&v=true`, { notFound: true });
  }

  /** Reads an archive as `docker save` writes it; returns the names of its images. */
  async load(archive: Readable): Promise<readonly string[]> {
    const answer = await this.call('POST', '/images/load?quiet=true', { body: archive, type: 'application/x-tar' });
    return [...answer.matchAll(/Loaded image: ([^\s"\\]+)/g)].map((match) => match[1]!);
  }

  async tag(image: string, repository: string, tag: string): Promise<void> {
    const query = `repo=${encodeURIComponent(repository)}&tag=${encodeURIComponent(tag)}`;
    await this.call('POST', `/images/${encodeURI(image)}/tag?${query}`);
  }

  /** Sends `repository`:`tag` to the registry that its name begins with. @throws AppError with the registry's words */
  async push(repository: string, tag: string): Promise<void> {
    const answer = await this.call('POST', `/images/${encodeURI(repository)}/push?tag=${encodeURIComponent(tag)}`, {
      // Docker requires the header even where no credentials are needed: {} in base64.
      headers: { 'x-registry-auth': 'e30=' },
    });
    const failed = answer.split('\n').find((line) => line.includes('"error"'));
    if (failed) throw new AppError('Internal', `push of ${repository}:${tag}: ${failed.trim()}`);
  }

  async untag(image: string): Promise<void> {
    await this.call('DELETE', `/images/${encodeURI(image)}`, { notFound: true });
  }

  private call(
    method: string,
    path: string,
    options: { body?: Readable; type?: string; headers?: Record<string, string>; notFound?: boolean } = {},
  ): Promise<string> {
    const { body, type, headers = {}, notFound = false } = options;
    return new Promise((resolve, reject) => {
      const onError = (cause: Error) =>
        reject(new Unavailable(`Docker does not answer at ${this.socketPath}`, { cause }));
      const call = request(
        {
          socketPath: this.socketPath,
          method,
          path,
          headers: { ...headers, ...(type ? { 'content-type': type } : {}) },
          timeout: answerTimeoutMs,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.once('error', onError);
          response.once('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            const status = response.statusCode ?? 0;
            if (status < 400 || (status === 404 && notFound)) resolve(text);
            else reject(new AppError('Internal', `Docker: ${method} ${path.split('?')[0]}: ${status} ${text.trim()}`));
          });
        },
      );
      call.once('timeout', () => call.destroy(new Error(`no answer within ${answerTimeoutMs} ms`)));
      call.once('error', onError);
      if (body) body.once('error', (err) => call.destroy(err)).pipe(call);
      else call.end();
    });
  }
}
