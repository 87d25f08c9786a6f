// DefaultStorageClass: a new claim that names no class gets the cluster's default one. An empty name is a choice: no class.

import { defaultClassOf } from '../../api/default-class';
import { type PersistentVolumeClaim, persistentVolumeClaims, storageClasses } from '../../api/index';
import { isDefaultClass } from '../../api/storage-class';
import { classOf } from '../../api/volumes/class-name';
import { followKind } from '../follow';
import type { OpenRule } from '../write/rule';

export const defaultStorageClass: OpenRule = async ({ cache, signal }) => {
  const classes = await followKind(cache, storageClasses, () => {}, signal);
  return {
    name: 'DefaultStorageClass',
    concerns: ({ operation, kind, subresource }) =>
      operation === 'create' && kind.prefix === persistentVolumeClaims.prefix && subresource === '',
    mutate({ object }) {
      const claim = object as PersistentVolumeClaim;
      if (!claim.spec || classOf(claim) !== undefined) return;
      const name = defaultClassOf([...classes.values()], isDefaultClass);
      if (name !== undefined) claim.spec.storageClassName = name;
    },
  };
};
