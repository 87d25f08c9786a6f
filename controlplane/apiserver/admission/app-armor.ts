// The AppArmor profiles of a new pod that the annotations of releases before 1.30 name: the fields get them. Upstream's strategy of pods does
// this and warns of the annotations before it checks the pod; here it is a rule, because the functions of a kind cannot warn of an invalid
// object.
import { isDeepStrictEqual } from 'node:util';
import type { Pod } from '../../api/index';
import { allContainers } from '../../api/pods/facts';
import { appArmorAnnotation, profileOfAnnotation } from '../../api/pods/validate-annotations';
import type { OpenRule } from '../write/rule';
import { createsPod } from './pod-creation';

export const appArmor: OpenRule = () => ({
  name: 'AppArmor',
  concerns: createsPod,
  prepare({ object, warnings }) {
    const { metadata, spec } = object as Pod;
    const annotations = metadata?.annotations;
    if (!spec || !annotations || spec.os?.name === 'windows') return;
    for (const container of allContainers(spec)) {
      const key = appArmorAnnotation + container.name;
      const value = annotations[key];
      if (value === undefined || container.securityContext?.appArmorProfile) continue;
      const profile = profileOfAnnotation(value);
      if (profile && isDeepStrictEqual(profile, spec.securityContext?.appArmorProfile)) continue;
      if (profile) container.securityContext = { ...container.securityContext, appArmorProfile: profile };
      warnings.push(`metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`);
    }
  },
});
