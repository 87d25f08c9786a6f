// The program of hack/up, hack/down, hack/status, hack/console, hack/store, hack/path, hack/rules and hack/logs, which prepare Node.js and the build and then run it.

import { shortForms } from '../../agents/path/options';
import { AppError, describeError } from '../../controlplane/base/errors';
import { exitWhenWritten } from '../../controlplane/process/exit';
import { type OptionTable, type Parsed, parseOptions, renderOptions } from '../../controlplane/process/options';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { console } from './console';
import { down } from './down';
import { logs } from './logs';
import {
  consoleOptions,
  downOptions,
  logsOptions,
  pathOptions,
  rulesOptions,
  statusOptions,
  storeCommandOptions,
  upOptions,
} from './options';
import { path } from './path';
import { rules } from './rules';
import { status } from './status';
import { store } from './store';
import { up } from './up';

interface Script<O extends OptionTable> {
  readonly summary: string;
  readonly usage: string;
  readonly options: O;
  readonly maxPositional: number;
  readonly run: (options: Parsed<O>, positional: readonly string[]) => Promise<number>;
}
const script = <O extends OptionTable>(value: Script<O>): Script<O> => value;

const env = process.env;
const exec = new SystemExec();
const tty = process.stdout.isTTY === true;
const write = (text: string): void => void process.stdout.write(text);

const scripts = {
  up: script({
    summary:
      'Starts a cluster on this machine: one network namespace and one Docker engine per node. A second run repairs the cluster.',
    usage: 'hack/up [options]',
    options: upOptions,
    maxPositional: 0,
    run: async (options) => {
      await up({ exec, options, env, write, tty });
      return options.console ? console({ name: options.name, as: '', open: false, env }) : 0;
    },
  }),
  down: script({
    summary: 'Stops a cluster, removes everything of it, and compares the host with the record taken before hack/up.',
    usage: 'hack/down [options]',
    options: downOptions,
    maxPositional: 0,
    run: ({ name, quiet }) => down({ exec, name, quiet, env, write, tty }),
  }),
  status: script({
    summary: 'Shows nodes, processes and ports, which of them are unhealthy, and the next command to run.',
    usage: 'hack/status [options]',
    options: statusOptions,
    maxPositional: 0,
    run: ({ name }) => status(name, write),
  }),
  console: script({
    summary: 'Prints a link that logs the administrator of a cluster in to its console; it can be used for one minute.',
    usage: 'hack/console [options]',
    options: consoleOptions,
    maxPositional: 0,
    run: ({ name, as, open }) => console({ name, as, open, env }),
  }),
  store: script({
    summary:
      'Checks, backs up, restores or compacts the store of a cluster. A restore stops API servers and kubelets for some seconds; containers run on.',
    usage: 'hack/store [options] check [FILE]|backup FILE|restore FILE|compact',
    options: storeCommandOptions,
    maxPositional: 2,
    run: ({ name, force }, words) =>
      store({ name, words, force, dir: env['K8TS_CALLED_IN'] ?? process.cwd(), env, write }),
  }),
  path: script({
    summary:
      'Shows the way of a packet through a cluster, hop by hop, and what stops it. FROM: pod/NAME, deploy/NAME, node/NAME, an address, outside. TO: svc/NAME[:PORT], pod/NAME:PORT, ADDRESS:PORT, a DNS name, a URL; with /udp if it is not TCP.',
    usage: 'hack/path [options] FROM TO',
    options: pathOptions,
    maxPositional: 2,
    run: (options, words) => path({ options, words, env }),
  }),
  rules: script({
    summary:
      'Explains the netfilter rules of a node: whose rule is this, and what do the rules do to a packet? RULE is a line of iptables-save, iptables -S or nft list ruleset, in quotes. diff compares the rules with what kube-proxy of the node wants, and names those of other programs; its status is 0 if they are equal, 1 if not.',
    usage:
      "hack/rules [options] NODE explain 'RULE'|ADDRESS[:PORT][/PROTOCOL]|-\n       hack/rules [options] NODE diff",
    options: rulesOptions,
    maxPositional: 3,
    run: ({ name, from, json, proxyMetrics }, words) => rules({ name, words, from, json, proxyMetrics, env }),
  }),
  logs: script({
    summary: 'Shows the log of one process (server, registry, worker-1/kubelet, ...); without a name, lists them.',
    usage: 'hack/logs [options] [PROCESS]',
    options: logsOptions,
    maxPositional: 1,
    run: async ({ name, follow, lines }, [wanted]) => {
      const abort = new AbortController();
      process.once('SIGINT', () => abort.abort());
      await logs({ name, process: wanted, follow, lines, write, signal: abort.signal });
      return 0;
    },
  }),
};

async function runScript<O extends OptionTable>(
  name: string,
  chosen: Script<O>,
  argv: readonly string[],
): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    write(`${chosen.summary}\n\nusage: ${chosen.usage}\n\n${renderOptions(chosen.options)}`);
    return 0;
  }
  const args = argv.map((arg) => (arg === '-f' ? '--follow' : arg));
  try {
    const { options, positional } = parseOptions(chosen.options, args, {});
    if (positional.length > chosen.maxPositional) {
      throw new AppError('BadRequest', `unexpected argument ${JSON.stringify(positional.at(-1))}; see --help`);
    }
    return await chosen.run(options, positional);
  } catch (err) {
    process.stderr.write(`hack/${name}: ${describeError(err)}\n`);
    if (env['K8TS_DEBUG'] && err instanceof Error) process.stderr.write(`${err.stack}\n`);
    return err instanceof AppError && err.code === 'BadRequest' ? 2 : 1;
  }
}

async function main([name = '', ...argv]: readonly string[]): Promise<number> {
  if (name === 'up') return runScript(name, scripts.up, argv);
  if (name === 'down') return runScript(name, scripts.down, argv);
  if (name === 'status') return runScript(name, scripts.status, argv);
  if (name === 'console') return runScript(name, scripts.console, argv);
  if (name === 'store') return runScript(name, scripts.store, argv);
  if (name === 'path') return runScript(name, scripts.path, shortForms(argv));
  if (name === 'rules') return runScript(name, scripts.rules, argv);
  if (name === 'logs') return runScript(name, scripts.logs, argv);
  process.stderr.write('usage: node dist/dev.js up|down|status|console|store|path|rules|logs [options]\n');
  return 2;
}

void main(process.argv.slice(2)).then(exitWhenWritten);
