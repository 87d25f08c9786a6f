// The column of `kubectl get` that both kinds of webhook configurations have.
import type { Column } from '../kind';
import type { KubeObject } from '../types';
import type { Webhook } from './types';

interface Configuration extends KubeObject {
  readonly webhooks?: readonly Webhook[];
}

export const webhooksColumn: Column<Configuration> = {
  name: 'Webhooks',
  type: 'integer',
  description: 'How many webhooks the configuration has.',
  cell: ({ webhooks }) => webhooks?.length ?? 0,
};
