// admissionregistration.k8s.io/v1 MutatingWebhookConfiguration: programs that may change an object before it is stored. The write
// rule MutatingAdmissionWebhook (apiserver/webhooks) calls them.
import type { V1MutatingWebhookConfiguration } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { webhooksColumn } from './webhooks/columns';
import { setWebhookDefaults } from './webhooks/types';
import { validateWebhooks } from './webhooks/validate';

export type MutatingWebhookConfiguration = Wire<V1MutatingWebhookConfiguration>;

export const mutatingWebhookConfigurations = defineKind<MutatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingWebhookConfiguration',
  plural: 'mutatingwebhookconfigurations',
  categories: ['api-extensions'],
  namespaced: false,
  schema: { model: 'V1MutatingWebhookConfiguration' },
  unconditionalUpdate: false,
  generation: 'spec',
  defaults: ({ webhooks = [] }) => {
    for (const webhook of webhooks) {
      setWebhookDefaults(webhook);
      webhook.reinvocationPolicy ??= 'Never';
    }
  },
  validate: ({ webhooks }) => validateWebhooks(webhooks),
  columns: [nameColumn, webhooksColumn, ageColumn],
});
