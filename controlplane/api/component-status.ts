// v1 ComponentStatus: whether scheduler, controllers and store are healthy, as the server finds it when it is asked. Nothing is stored.
// Deprecated upstream since 1.19.
import type { V1ComponentStatus } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { nameColumn } from './table';
import type { Wire } from './types';

export type ComponentStatus = Wire<V1ComponentStatus>;

const healthOf = ({ conditions }: ComponentStatus) => conditions?.find(({ type }) => type === 'Healthy');

function verdict(status: ComponentStatus): string {
  const health = healthOf(status);
  if (!health) return 'Unknown';
  return health.status === 'True' ? 'Healthy' : 'Unhealthy';
}

export const componentStatuses = defineKind<ComponentStatus>({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  plural: 'componentstatuses',
  shortNames: ['cs'],
  namespaced: false,
  schema: { model: 'V1ComponentStatus' },
  computed: true,
  verbs: ['get', 'list'],
  deprecation: 'v1 ComponentStatus is deprecated in v1.19+',
  columns: [
    nameColumn,
    { name: 'Status', type: 'string', description: 'Status of the component conditions', cell: verdict },
    {
      name: 'Message',
      type: 'string',
      description: 'Message of the component conditions',
      cell: (status) => healthOf(status)?.message ?? '',
    },
    {
      name: 'Error',
      type: 'string',
      description: 'Error of the component conditions',
      cell: (status) => healthOf(status)?.error ?? '',
    },
  ],
});
