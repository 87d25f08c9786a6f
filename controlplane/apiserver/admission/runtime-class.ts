// RuntimeClass: the kind is not served, so no class exists, and a pod that asks for one or for its overhead cannot run here.
import type { Pod } from '../../api/index';
import { type OpenRule, refusal } from '../write/rule';
import { createsPod } from './pod-creation';

export const runtimeClass: OpenRule = () => ({
  name: 'RuntimeClass',
  concerns: createsPod,
  mutate(write) {
    const name = (write.object as Pod).spec?.runtimeClassName;
    if (name) throw refusal(write, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
  },
  validate(write) {
    if (!(write.object as Pod).spec?.overhead) return;
    throw refusal(write, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
  },
});
