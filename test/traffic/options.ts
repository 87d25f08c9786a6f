// The options of hack/traffic.
import { BadRequest } from '../../controlplane/base/errors';
import { type OptionTable, parseBoolean, parseInteger, parseText } from '../../controlplane/process/options';
import { checkName } from '../../hack/dev/plan';
import { type FaultKind, faultKinds } from './accounts';

function parseFaults(text: string): readonly FaultKind[] {
  if (text === 'all') return faultKinds;
  if (text === 'none') return [];
  const names = text.split(',');
  const unknown = names.find((name) => !faultKinds.includes(name as FaultKind));
  if (unknown !== undefined) throw new BadRequest(`no fault ${unknown}; there are: ${faultKinds.join(', ')}`);
  return names as FaultKind[];
}

export const trafficOptions = {
  name: {
    flag: 'name',
    placeholder: 'NAME',
    default: 'traffic',
    help: 'the cluster; a missing cluster is started and removed at the end, an existing one stays',
    parse: checkName,
  },
  nodes: {
    flag: 'nodes',
    placeholder: 'N',
    default: '3',
    help: 'nodes of a cluster that this command starts; drain and node-loss need at least 3',
    parse: parseInteger(1, 10),
  },
  seed: {
    flag: 'seed',
    placeholder: 'N',
    default: '1',
    help: 'selects faults, nodes and times',
    parse: parseInteger(0, 999_999_999),
  },
  timeSeconds: {
    flag: 'time',
    placeholder: 'SECONDS',
    default: '120',
    help: 'no fault begins after this time, but processes are killed until the last other fault is over',
    parse: parseInteger(5, 86_400),
  },
  faults: {
    flag: 'faults',
    placeholder: 'LIST',
    default: 'all',
    help: `all, none, or some of ${faultKinds.join(',')}`,
    parse: parseFaults,
  },
  rate: {
    flag: 'rate',
    placeholder: 'N',
    default: '4',
    help: 'requests per second of each lane (a way, the node it goes through, new or kept connections); three nodes have 18 lanes',
    parse: parseInteger(1, 100),
  },
  downSeconds: {
    flag: 'down',
    placeholder: 'SECONDS',
    default: '20',
    help: 'how long the API servers stay down in a fault api-down',
    parse: parseInteger(1, 3600),
  },
  lossSeconds: {
    flag: 'loss',
    placeholder: 'SECONDS',
    default: '60',
    help: 'how long a node stays lost in a fault node-loss',
    parse: parseInteger(1, 3600),
  },
  servers: {
    flag: 'servers',
    placeholder: 'NAME,..',
    default: 'server',
    help: 'processes, as hack/status names them, that api-down kills together; of three control planes: control/server,..',
    parse: (text: string) => text.split(',').filter((part) => part !== ''),
  },
  output: {
    flag: 'output',
    placeholder: 'FILE',
    default: '.k8ts/traffic.json',
    help: 'receives faults, losses and counts',
    parse: parseText,
  },
  quiet: { flag: 'quiet', default: 'false', help: 'prints no fault while it happens', parse: parseBoolean },
} satisfies OptionTable;
