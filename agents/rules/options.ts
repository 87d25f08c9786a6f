// The options of `k8ts rules`, and of hack/rules.
import { BadRequest } from '../../controlplane/base/errors';
import { type OptionTable, parseBoolean } from '../../controlplane/process/options';
import { isAddress } from './question';

export const commandOptions = {
  from: {
    flag: 'from',
    placeholder: 'ADDRESS',
    default: '',
    help: 'with an address: who sends the packet, a pod of this node or anyone else; absent: a process of this node',
    parse: (text: string) => {
      if (text !== '' && !isAddress(text)) throw new BadRequest('expected an address');
      return text;
    },
  },
  proxyMetrics: {
    flag: 'proxy-metrics',
    placeholder: 'HOST:PORT',
    default: '127.0.0.1:10249',
    help: 'with diff: where kube-proxy of this node says what it wants',
    parse: (text: string) => {
      if (!/^[\w.:[\]-]+:\d{1,5}$/.test(text)) throw new BadRequest('expected HOST:PORT');
      return text;
    },
  },
  json: { flag: 'json', default: 'false', help: 'prints values instead of text', parse: parseBoolean },
} satisfies OptionTable;
