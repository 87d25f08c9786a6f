// PersistentVolumeClaimResize: a claim may grow only when it is bound, and when its class allows that.
import { type PersistentVolumeClaim, persistentVolumeClaims, storageClasses } from '../../api/index';
import { compareQuantities, parseQuantity } from '../../api/quantity';
import { classOf } from '../../api/volumes/class-name';
import { type OpenRule, refusal } from '../write/rule';

const sizeOf = ({ spec }: PersistentVolumeClaim) => parseQuantity(spec?.resources?.requests?.['storage'] ?? '0');

export const claimResize: OpenRule = ({ cache }) => ({
  name: 'PersistentVolumeClaimResize',
  concerns: ({ operation, kind, subresource }) =>
    operation === 'update' && kind.prefix === persistentVolumeClaims.prefix && subresource === '',
  validate(write) {
    const [claim, old] = [write.object, write.old] as [PersistentVolumeClaim, PersistentVolumeClaim];
    if (compareQuantities(sizeOf(claim), sizeOf(old)) <= 0) return;
    if (old.status?.phase !== 'Bound') throw refusal(write, 'Only bound persistent volume claims can be expanded');
    const name = classOf(claim);
    const allowed =
      name && name === classOf(old) && cache.kind(storageClasses).get(name)?.object.allowVolumeExpansion === true;
    if (allowed) return;
    const why =
      'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize';
    throw refusal(write, why);
  },
});
