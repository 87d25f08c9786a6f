// apiextensions.k8s.io/v1 CustomResourceDefinition: a kind as an object. The API server serves the kinds that these objects
// define (apiserver/crd).
import { definitionClaims } from './claims';
import { defaultDefinition, prepareDefinition } from './crd/defaults';
import type { CustomResourceDefinition } from './crd/types';
import { validateDefinition } from './crd/validate';
import { definitionWarnings } from './crd/warnings';
import { defineKind } from './kind';
import { nameColumn } from './table';

/** The finalizer with which a deleted definition waits until its objects are deleted. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

/** Schemas with descriptions of all fields of a pod have about 20,000 values, twice as many as any other object. */
const maxDefinitionValues = 40_000;

export const customResourceDefinitions = defineKind<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  schema: { model: 'V1CustomResourceDefinition' },
  hasStatus: true,
  unconditionalUpdate: false,
  maxValues: maxDefinitionValues,
  defaults: defaultDefinition,
  prepare: prepareDefinition,
  validate: validateDefinition,
  warnings: definitionWarnings,
  claims: definitionClaims,
  columns: [
    nameColumn,
    {
      name: 'Created At',
      type: 'date',
      description: 'When the object was created, as the server saw it.',
      cell: ({ metadata }) => metadata?.creationTimestamp ?? null,
    },
  ],
  deletion: {
    // Every definition waits once, so that its objects are deleted before it.
    isHeld: ({ metadata }) => !metadata?.deletionTimestamp,
    markDeleted: (definition) => {
      const { metadata } = definition;
      const finalizers = metadata?.finalizers ?? [];
      return {
        ...definition,
        metadata: { ...metadata, finalizers: [...new Set([...finalizers, cleanupFinalizer])] },
      };
    },
  },
});
