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
  json: { flag: 'json', default: 'false', help: 'prints values instead of text', parse: parseBoolean },
} satisfies OptionTable;
