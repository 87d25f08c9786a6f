// POST /path/hops and /path/probe: what this node does with packets, and probes that it sends. A child process does the work
// (agents/hops): the text of all rules stays out of this process, and cannot hold its event loop.
import type { IncomingMessage } from 'node:http';
import { AppError, BadRequest, CommandFailed, Unavailable } from '../../../controlplane/base/errors';
import type { Exec } from '../../../dataplane/exec/exec';
import type { PodRecords } from '../pod/pod-records';
import { networkPods } from './network-pods';

export interface PacketPathDeps {
  /** The command that starts `k8ts`: the interpreter and the bundle. */
  readonly program: readonly string[];
  readonly nodeName: string;
  readonly records: Pick<PodRecords, 'all'>;
  /** The file of a pod's resolv.conf, by the pod's uid. */
  readonly resolvConf: (podUid: string) => string;
  /** Its hosts file, likewise. */
  readonly hosts: (podUid: string) => string;
  readonly exec: Exec;
}

/** Questions about rules as they would be bring objects along: a manifest, and the endpoints of its Services. */
const maxBodyBytes: Readonly<Record<string, number>> = { hops: 1024 * 1024, probe: 64 * 1024 };
/** Of each kind: a child reads all rules of the node, and more at once would only delay one another. Watches do not keep others from asking. */
const atOnce = 4;
const timeoutMs = 30_000;

export class PacketPath {
  private readonly running = new Map<string, number>();

  constructor(private readonly deps: PacketPathDeps) {}

  /**
   * The text of the answer, as JSON. The body has what the child's command reads, without the node's own facts.
   * The child ends with the signal. @throws BadRequest, Unavailable while too many requests run, Timeout
   */
  async answer(what: string, request: IncomingMessage, signal?: AbortSignal): Promise<string> {
    const body = await readBody(request, maxBodyBytes[what] ?? 0);
    const before = this.running.get(what) ?? 0;
    if (before >= atOnce)
      throw new Unavailable(`this kubelet answers ${atOnce} questions about packets already; ask again`);
    this.running.set(what, before + 1);
    try {
      const { program, nodeName, exec } = this.deps;
      const input = JSON.stringify({ ...body, nodeName, pods: this.pods() });
      return (await exec.run([...program, what], { input, timeoutMs, ...(signal ? { signal } : {}) })).stdout;
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      throw new AppError('BadRequest', error.stderr.trim() || error.message, { cause: error });
    } finally {
      this.running.set(what, this.running.get(what)! - 1);
    }
  }

  private pods() {
    const { records, resolvConf, hosts } = this.deps;
    return networkPods(records).map(({ uid, ...pod }) => ({ ...pod, resolvConf: resolvConf(uid), hosts: hosts(uid) }));
  }
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<object> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new BadRequest(`a question has at most ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    if (body !== null && typeof body === 'object' && !Array.isArray(body)) return body;
  } catch {
    // The same error as for JSON that is no object.
  }
  throw new BadRequest('the body is no JSON object');
}
