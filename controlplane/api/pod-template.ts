// v1 PodTemplate: a template that stands alone, for programs that create pods from it. Nothing in Kubernetes itself does.
import type { V1PodTemplate } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { defaultTemplate, validateLoneTemplate } from './pods/template';
import { warnOfTemplate } from './pods/warnings';
import { formatLabels, nameColumn } from './table';
import type { Wire } from './types';

export type PodTemplate = Wire<V1PodTemplate>;

export const podTemplates = defineKind<PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  namespaced: true,
  deletion: { answersWithObject: true },
  schema: { model: 'V1PodTemplate' },
  generation: 'spec',
  defaults: defaultTemplate,
  validate: ({ template }, { old }) => validateLoneTemplate(template, old?.template, 'template'),
  podTemplate: { path: 'template', of: ({ template }) => template },
  // The names of the pods are up to the program that creates them, so its own name needs no warning.
  warnings: ({ template }, { old }) => warnOfTemplate(undefined, template, old?.template, 'template'),
  // As upstream: no age.
  columns: [
    nameColumn,
    {
      name: 'Containers',
      type: 'string',
      description: 'Names of each container in the template.',
      cell: ({ template }) => (template?.spec?.containers ?? []).map(({ name }) => name).join(','),
    },
    {
      name: 'Images',
      type: 'string',
      description: 'Images referenced by each container in the template.',
      cell: ({ template }) => (template?.spec?.containers ?? []).map(({ image = '' }) => image).join(','),
    },
    {
      name: 'Pod Labels',
      type: 'string',
      description: 'The labels for the pod template.',
      cell: ({ template }) => formatLabels(template?.metadata?.labels),
    },
  ],
});
