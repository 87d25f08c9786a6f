// RuntimeClass: the kind is not served, so no class exists, and a pod that asks for one or for its overhead cannot run here.
import { type Pod, pods } from '../../api/index';
import { type AdmissionPlugin, refusal, type Write } from './admission';

const createsPod = ({ operation, kind, subresource }: Write): boolean =>
  operation === 'create' && kind.prefix === pods.prefix && subresource === '';

export const runtimeClass: AdmissionPlugin = (write) => {
  if (!createsPod(write)) return;
  const name = (write.object as Pod).spec?.runtimeClassName;
  if (name) throw refusal(write, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
};

export const runtimeClassOverhead: AdmissionPlugin = (write) => {
  if (!createsPod(write) || !(write.object as Pod).spec?.overhead) return;
  throw refusal(write, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
};
