// The defaults of a HorizontalPodAutoscaler's behavior: how fast it scales when its author does not say.
import type { HorizontalPodAutoscaler } from '../horizontal-pod-autoscaler';

type Behavior = NonNullable<NonNullable<HorizontalPodAutoscaler['spec']>['behavior']>;
type Rules = NonNullable<Behavior['scaleUp']>;

/** Doubles, or four pods, whichever is more, every 15 s. */
const upwards = (): Rules => ({
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
});
/** The window has no default here: the controller has one. */
const downwards = (): Rules => ({
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
});

/** A behavior that says something has both directions. */
export function defaultBehavior(behavior: Behavior): void {
  behavior.scaleUp = withDefaults(behavior.scaleUp, upwards());
  behavior.scaleDown = withDefaults(behavior.scaleDown, downwards());
}

function withDefaults(rules: Rules | undefined, defaults: Rules): Rules {
  const policies = rules?.policies?.length ? rules.policies : defaults.policies;
  return { ...defaults, ...rules, policies };
}
