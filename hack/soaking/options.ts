// The options of hack/soak.
import { type OptionTable, parseInteger, parseText } from '../../controlplane/process/options';
import { checkName } from '../dev/plan';

export const soakOptions = {
  name: {
    flag: 'name',
    placeholder: 'NAME',
    default: 'soak',
    help: 'the cluster; a missing cluster is started and removed at the end, an existing one stays',
    parse: checkName,
  },
  nodes: {
    flag: 'nodes',
    placeholder: 'N',
    default: '2',
    help: 'nodes of a cluster that this command starts',
    parse: parseInteger(1, 5),
  },
  timeSeconds: {
    flag: 'time',
    placeholder: 'SECONDS',
    default: '7200',
    help: 'how long the load lasts; Ctrl-C ends it earlier, with the same report',
    parse: parseInteger(20, 7 * 86_400),
  },
  rate: {
    flag: 'rate',
    placeholder: 'N',
    default: '12',
    help: 'operations per second; the default keeps about a fifth of one core busy',
    parse: parseInteger(1, 200),
  },
  scaleSeconds: {
    flag: 'scale-every',
    placeholder: 'SECONDS',
    default: '30',
    help: 'a Deployment gets or loses a pod this often; 0: never',
    parse: parseInteger(0, 3600),
  },
  intervalSeconds: {
    flag: 'interval',
    placeholder: 'SECONDS',
    default: '10',
    help: 'time between two samples of all processes',
    parse: parseInteger(1, 600),
  },
  seed: {
    flag: 'seed',
    placeholder: 'N',
    default: '1',
    help: 'selects the order of the operations',
    parse: parseInteger(0, 999_999_999),
  },
  stores: {
    flag: 'stores',
    placeholder: 'DIR,..',
    default: 'server,etcd',
    help: "folders below the cluster's state directory whose size is the size of the store; missing ones count as empty",
    parse: (text: string) => text.split(',').filter((part) => part !== ''),
  },
  output: {
    flag: 'output',
    placeholder: 'DIR',
    default: '.k8ts/soak',
    help: 'receives samples.csv, summary.json and memory.svg',
    parse: parseText,
  },
  from: {
    flag: 'from',
    placeholder: 'FILE',
    default: '',
    help: 'judges and plots the samples of an earlier run (samples.csv), and starts nothing',
    parse: parseText,
  },
} satisfies OptionTable;
