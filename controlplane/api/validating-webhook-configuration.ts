// admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration: programs that may refuse a request. The write rule
// ValidatingAdmissionWebhook (apiserver/webhooks) calls them.
import type { V1ValidatingWebhookConfiguration } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { webhooksColumn } from './webhooks/columns';
import { setWebhookDefaults } from './webhooks/types';
import { validateWebhooks } from './webhooks/validate';

export type ValidatingWebhookConfiguration = Wire<V1ValidatingWebhookConfiguration>;

export const validatingWebhookConfigurations = defineKind<ValidatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations',
  categories: ['api-extensions'],
  namespaced: false,
  schema: { model: 'V1ValidatingWebhookConfiguration' },
  unconditionalUpdate: false,
  generation: 'spec',
  defaults: ({ webhooks = [] }) => {
    for (const webhook of webhooks) setWebhookDefaults(webhook);
  },
  validate: ({ webhooks }) => validateWebhooks(webhooks),
  columns: [nameColumn, webhooksColumn, ageColumn],
});
