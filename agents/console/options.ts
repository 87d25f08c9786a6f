// The options of `k8ts console` that hack/console has, too.
import { type OptionTable, parseBoolean, parseText } from '../../controlplane/process/options';

export const commandOptions = {
  as: {
    flag: 'as',
    placeholder: 'USER',
    default: '',
    help: 'log in as this user, whom the user of the kubeconfig may impersonate',
    parse: parseText,
  },
  open: {
    flag: 'open',
    default: 'false',
    help: 'open the link in a browser by xdg-open; other users of this machine can read it meanwhile, as every command line',
    parse: parseBoolean,
  },
} satisfies OptionTable;
