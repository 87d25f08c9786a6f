// Options of `k8ts path`.
import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { BadRequest } from '../../controlplane/base/errors';
import { type OptionTable, parseBoolean, parseList, parseOneOf, parseText } from '../../controlplane/process/options';

export const pathOptions = {
  kubeconfig: {
    flag: 'kubeconfig',
    env: 'KUBECONFIG',
    placeholder: 'FILE',
    default: join(homedir(), '.kube/config'),
    help: 'the user whose rights count',
    parse: parseText,
  },
  namespace: {
    flag: 'namespace',
    placeholder: 'NAME',
    default: '',
    help: "of names without one; default: that of the kubeconfig's context",
    parse: parseText,
  },
  output: {
    flag: 'output',
    placeholder: 'FORMAT',
    default: 'text',
    help: 'text, wide (each rule and fact), json or svg (a picture)',
    parse: parseOneOf('text', 'wide', 'json', 'svg'),
  },
  schema: {
    flag: 'schema',
    default: 'false',
    help: 'prints the JSON Schema of --output json, and asks nothing',
    parse: parseBoolean,
  },
  color: {
    flag: 'color',
    env: 'NO_COLOR',
    placeholder: 'WHEN',
    default: 'auto',
    help: 'auto, always or never; NO_COLOR in the environment means never',
    parse: (text: string) => (text === 'auto' || text === 'always' ? text : 'never'),
  },
  probe: {
    flag: 'probe',
    default: 'true',
    help: 'sends a few packets along the way and watches them at each link; --no-probe only looks',
    parse: parseBoolean,
  },
  whatIf: {
    flag: 'what-if',
    default: 'false',
    help: 'says what the manifests of --filename would change for this path; nothing is applied',
    parse: parseBoolean,
  },
  filename: {
    flag: 'filename',
    placeholder: 'FILE',
    repeat: true,
    default: '',
    help: 'for --what-if: a file of YAML or JSON, a directory of them, or - for standard input; may stand several times',
    parse: parseList,
  },
  without: {
    flag: 'without',
    placeholder: 'KIND/NAME',
    repeat: true,
    default: '',
    help: 'for --what-if: an object that would be deleted; may stand several times',
    parse: parseList,
  },
  connectTo: {
    flag: 'connect-to',
    placeholder: 'ADDRESS',
    default: '',
    help: "the address for the URL's host, which is then not resolved: that of a node",
    parse: (text: string) => {
      if (text !== '' && isIP(text) === 0) throw new BadRequest('expected an address');
      return text;
    },
  },
  clusterDomain: {
    flag: 'cluster-domain',
    placeholder: 'NAME',
    default: 'cluster.local',
    help: 'the zone of the cluster',
    parse: parseText,
  },
} satisfies OptionTable;

const short: Readonly<Record<string, string>> = { '-n': '--namespace', '-o': '--output', '-f': '--filename' };

/** -n, -o and -f, as kubectl has them: `-n shop`, `-n=shop`, `-nshop`. Pure. */
export const shortForms = (argv: readonly string[]): readonly string[] =>
  argv.map((arg) => {
    const flag = short[arg.slice(0, 2)];
    if (flag === undefined) return arg;
    const value = arg.slice(2).replace(/^=/, '');
    return value === '' ? flag : `${flag}=${value}`;
  });
