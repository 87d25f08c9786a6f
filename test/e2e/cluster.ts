// The cluster of the end-to-end tests: started and stopped by the scripts users call, with a name and a kubeconfig of its own.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandFailed } from '../../controlplane/base/errors';
import type { RunOptions } from '../../dataplane/exec/exec';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { type ClusterPlan, planCluster } from '../../hack/dev/plan';
import { readState } from '../../hack/dev/state';

export const root = join(__dirname, '..', '..');
const exec = new SystemExec();

/** Standard output and error of a program together with its exit status; never throws for a status. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  try {
    return { code: 0, ...(await exec.run(argv, { timeoutMs: 120_000, ...options })) };
  } catch (err) {
    if (err instanceof CommandFailed) return { code: err.exitCode ?? -1, stdout: '', stderr: err.stderr };
    throw err;
  }
}

/** Standard output of a program that must succeed. @throws CommandFailed */
export async function output(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  return (await exec.run(argv, { timeoutMs: 120_000, ...options })).stdout;
}

export class Cluster {
  constructor(
    readonly name: string,
    readonly kubeconfig: string,
  ) {}

  get env(): Record<string, string> {
    return { KUBECONFIG: this.kubeconfig, NO_COLOR: '1' };
  }

  get plan(): ClusterPlan {
    const state = readState(this.name);
    if (!state) throw new Error(`cluster ${this.name} is not recorded`);
    return planCluster(state);
  }

  get nodeIps(): readonly string[] {
    return this.plan.nodes.map(({ ip }) => ip);
  }

  /** Runs hack/SCRIPT --name NAME. */
  script(name: string, ...args: readonly string[]): Promise<Outcome> {
    return run([join(root, 'hack', name), '--name', this.name, ...args], { env: this.env, timeoutMs: 300_000 });
  }

  /** kubectl of the machine. */
  kubectl(...args: readonly string[]): Promise<string> {
    return output(['kubectl', ...args], { env: this.env });
  }

  async json<T>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await this.kubectl(...args, '-o', 'json')) as T;
  }

  /** Creates or changes objects from YAML text. */
  apply(yaml: string): Promise<string> {
    return output(['kubectl', 'apply', '-f', '-'], { env: this.env, input: yaml });
  }

  /** A command in the demo's toolbox pod. */
  toolbox(...argv: readonly string[]): Promise<string> {
    return this.kubectl('-n', 'codereview', 'exec', 'toolbox', '--', ...argv);
  }

  /** Runs a program in a node's network namespace. */
  inNode(node: string, ...argv: readonly string[]): Promise<string> {
    const { netns } = this.plan.nodes.find(({ name }) => name === node)!;
    return output(['nsenter', `--net=/run/netns/${netns}`, '--', ...argv]);
  }
}

/** The kubectl of this machine, and Debian's kubectl, which hack/test fetches. */
export const debianKubectl = join(root, '.runtime/debs/kubernetes-client/usr/bin/kubectl');

export function kubectls(): readonly { readonly label: string; readonly path: string }[] {
  const list = [{ label: 'the kubectl of this machine', path: 'kubectl' }];
  if (existsSync(debianKubectl)) list.push({ label: "the distribution's kubernetes-client", path: debianKubectl });
  return list;
}

/**
 * Calls `probe` until it returns a value other than undefined or false; after an error it calls `probe` again.
 * @throws Error that names the condition, with the last failure
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
    } catch (err) {
      last = err;
    }
    if (Date.now() > deadline)
      throw new Error(`gave up waiting until ${what}`, last === undefined ? {} : { cause: last });
    await sleep(100);
  }
}

export interface Answer {
  readonly pod: string;
  readonly node: string;
  readonly namespace: string;
  readonly address: string;
  readonly client: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** One request to the demo's server, on a connection of its own. */
export async function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const lines = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  return JSON.parse(
    await output(['curl', '-sS', '--fail', '--max-time', '5', '--noproxy', '*', ...lines, url]),
  ) as Answer;
}

export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly nodeName: string; readonly hostname?: string };
  readonly status: {
    readonly podIP?: string;
    readonly phase?: string;
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly containerID?: string;
      readonly restartCount: number;
      readonly ready: boolean;
      readonly state: { readonly running?: { readonly startedAt: string } };
    }[];
  };
}

export async function podsOf(cluster: Cluster, namespace: string, selector = ''): Promise<readonly Pod[]> {
  const args = ['-n', namespace, 'get', 'pods', ...(selector === '' ? [] : ['-l', selector])];
  return (await cluster.json<{ items: readonly Pod[] }>(...args)).items;
}

export const readme = (): string => readFileSync(join(root, 'README.md'), 'utf8');
