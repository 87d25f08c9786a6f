// Options of `k8ts hops`.
import { type OptionTable, parseText } from '../../controlplane/process/options';

export const hopsOptions = {
  kubeProxy: {
    flag: 'kube-proxy',
    placeholder: 'ADDRESS',
    default: '127.0.0.1:10249',
    help: "kube-proxy's metrics address, which also says what it compiles rules from; for what-if",
    parse: parseText,
  },
} satisfies OptionTable;
