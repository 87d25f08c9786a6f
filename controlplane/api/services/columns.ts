// The table of Services.
import type { Column } from '../kind';
import type { Service } from '../service';
import { ageColumn, formatLabels, nameColumn, none } from '../table';
import type { ServicePort } from './types';

interface Ingress {
  readonly ip?: string;
  readonly hostname?: string;
}

/** Addresses of a load balancer, sorted and without repetition. */
export function loadBalancerAddresses(ingress: readonly Ingress[] | undefined): string {
  const addresses = (ingress ?? []).map(({ ip, hostname }) => ip || hostname || '').filter((address) => address !== '');
  return [...new Set(addresses)].sort().join(',');
}

function externalAddresses({ spec, status }: Service): string {
  const external = spec?.externalIPs ?? [];
  switch (spec?.type) {
    case 'ClusterIP':
    case 'NodePort':
      return external.join(',') || none;
    case 'LoadBalancer': {
      const balancer = loadBalancerAddresses(status?.loadBalancer?.ingress);
      return [...(balancer === '' ? [] : [balancer]), ...external].join(',') || '<pending>';
    }
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}

const formatPort = ({ port, nodePort, protocol }: ServicePort): string =>
  nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;

export const serviceColumns: readonly Column<Service>[] = [
  nameColumn,
  { name: 'Type', type: 'string', description: 'How the Service is exposed.', cell: ({ spec }) => spec?.type ?? '' },
  {
    name: 'Cluster-IP',
    type: 'string',
    description: 'The address of the Service inside the cluster.',
    cell: ({ spec }) => spec?.clusterIP || none,
  },
  { name: 'External-IP', type: 'string', description: 'Addresses outside the cluster.', cell: externalAddresses },
  {
    name: 'Port(s)',
    type: 'string',
    description: 'The ports the Service serves: port[:nodePort]/protocol.',
    cell: ({ spec }) => (spec?.ports ?? []).map(formatPort).join(',') || none,
  },
  ageColumn,
  {
    name: 'Selector',
    type: 'string',
    priority: 1,
    description: 'Labels of the pods behind the Service.',
    cell: ({ spec }) => formatLabels(spec?.selector),
  },
];
