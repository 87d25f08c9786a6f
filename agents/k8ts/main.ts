// The one command. Each subcommand's code is loaded only when that subcommand runs, which keeps the agents small.
// This is the composition root: the only place that sees both the server and the agents.

import { exitWhenWritten } from '../../controlplane/process/exit';
import { type Command, runCommand } from '../../controlplane/process/process';
import { openNotifySocket } from '../../dataplane/notify/notify';
import packageJson from '../../package.json';

// biome-ignore lint/suspicious/noExplicitAny: every command has its own option table.
type AnyCommand = Command<any>;

const commands: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<AnyCommand> }>> = {
  server: {
    summary: 'API server, controllers and scheduler',
    load: async () =>
      (await import('../../controlplane/server/main')).serverCommand({
        // Loaded with the first question.
        findPath: async (...asked) => (await import('../path/by-api')).findByApi(...asked),
      }),
  },
  kubelet: {
    summary: 'run the pods of one node in Docker',
    load: async () => (await import('../kubelet/main')).command,
  },
  'kube-proxy': {
    summary: 'make Services reachable from this node by netfilter rules',
    load: async () => (await import('../kube-proxy/main')).command,
  },
  dns: {
    summary: "answer the cluster's names, and ask others for the rest",
    load: async () => (await import('../dns/main')).command,
  },
  ingress: {
    summary: 'route HTTP and HTTPS to pods by the Ingress objects',
    load: async () => (await import('../ingress/main')).command,
  },
  balancer: {
    summary: 'one address for several API servers',
    load: async () => (await import('../balancer/main')).command,
  },
  console: {
    summary: 'print or open a link that logs you in to the console',
    load: async () => (await import('../console/main')).command,
  },
  init: {
    summary: 'make this machine the control machine of a new cluster',
    load: async () => (await import('../setup/init')).command,
  },
  join: {
    summary: 'make this machine a node of a cluster',
    load: async () => (await import('../setup/join')).command,
  },
  token: {
    summary: 'make, list and delete the tokens that machines join with',
    load: async () => (await import('../setup/token')).command,
  },
  reencrypt: {
    summary: 'encrypt all stored objects with the first key; the server must be stopped',
    load: async () => (await import('../../controlplane/server/reencrypt')).command,
  },
  store: {
    summary: 'check, back up, restore, compact or move the store of a server',
    load: async () => (await import('../../controlplane/server/store/command')).command,
  },
  rules: {
    summary: 'explain the netfilter rules of this node, or compare them with what kube-proxy wants',
    load: async () => (await import('../rules/main')).command,
  },
  path: {
    summary: 'show the way of a packet through the cluster, and what stops it',
    load: async () => (await import('../path/main')).command,
  },
  hops: {
    summary: 'say what this node does with a packet, hop by hop (the kubelet runs it)',
    load: async () => (await import('../hops/main')).command,
  },
  probe: {
    summary: 'send packets from this node or a pod of it, and watch them (the kubelet runs it)',
    load: async () => (await import('../hops/probe')).command,
  },
  traffic: {
    summary: 'report connections, counters of pods and stopped packets of this node (the kubelet runs it)',
    load: async () => (await import('../hops/traffic')).command,
  },
  reset: {
    summary: 'take away what init or join made of this machine',
    load: async () => (await import('../setup/reset')).command,
  },
};

async function main(argv: readonly string[]): Promise<number> {
  const [name = '--help', ...rest] = argv;
  if (name === '--version' || name === 'version') {
    process.stdout.write(`k8ts v${packageJson.version}\n`);
    return 0;
  }
  const entry = commands[name];
  if (entry) return runCommand(await entry.load(), rest, openNotifySocket);
  const lines = Object.entries(commands).map(([command, { summary }]) => `  ${command.padEnd(12)} ${summary}\n`);
  const help = `k8ts v${packageJson.version}\n\nusage: k8ts COMMAND [options]\n\n${lines.join('')}\n`;
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(help);
    return 0;
  }
  process.stderr.write(`k8ts: unknown command ${JSON.stringify(name)}\n\n${help}`);
  return 2;
}

void main(process.argv.slice(2)).then(exitWhenWritten);
