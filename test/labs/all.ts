// All labs, in the order in which they run.
import { healthyLabs } from './healthy';
import { ingressLabs } from './ingress-labs';
import { kernelLabs } from './kernel-labs';
import type { Lab } from './lab';
import { nameLabs } from './name-labs';
import { nodeLabs } from './node-labs';
import { podLabs } from './pod-labs';
import { policyLabs } from './policy-labs';
import { probeLabs } from './probe-labs';
import { ruleLabs } from './rule-labs';
import { serviceLabs } from './service-labs';

export const faultLabs: readonly Lab[] = [
  ...serviceLabs,
  ...nameLabs,
  ...policyLabs,
  ...ingressLabs,
  ...ruleLabs,
  ...kernelLabs,
  ...podLabs,
  ...nodeLabs,
  ...probeLabs,
];
export { healthyLabs };
