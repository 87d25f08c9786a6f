// Options of `k8ts ingress`.
import { type OptionTable, parseInteger, parseText } from '../bootstrap/options';

const port = parseInteger(0, 65535);

export const options = {
  kubeconfig: { flag: 'kubeconfig', placeholder: 'FILE', help: 'how to reach the API server', parse: parseText },
  nodeName: { flag: 'node-name', placeholder: 'NAME', help: 'the node this process serves', parse: parseText },
  nodeIp: { flag: 'node-ip', placeholder: 'ADDRESS', help: "the node's address", parse: parseText },
  bindAddress: {
    flag: 'bind-address',
    placeholder: 'ADDRESS',
    default: '0.0.0.0',
    help: 'address the HTTP and HTTPS ports listen on',
    parse: parseText,
  },
  httpPort: { flag: 'http-port', placeholder: 'PORT', default: '80', help: 'port for HTTP', parse: port },
  httpsPort: { flag: 'https-port', placeholder: 'PORT', default: '443', help: 'port for HTTPS', parse: port },
  healthzPort: {
    flag: 'healthz-port',
    placeholder: 'PORT',
    default: '10259',
    help: 'port for /healthz and /metrics',
    parse: port,
  },
  ingressClass: {
    flag: 'ingress-class',
    placeholder: 'NAME',
    default: 'k8ts',
    help: 'the IngressClass this controller serves',
    parse: parseText,
  },
} satisfies OptionTable;
