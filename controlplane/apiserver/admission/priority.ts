// Priority: a pod's class becomes a number and a preemption policy; without a class it has the cluster's default one. An update keeps both.
import { type Pod, type PriorityClass, pods, priorityClasses } from '../../api/index';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';
import { type OpenRule, refusal, type Write, type WriteRule } from '../write/rule';
import { createsPod } from './pod-creation';

export const priority: OpenRule = async ({ cache, signal }) => {
  const rule = new Priority();
  await rule.start(cache, signal);
  return rule;
};

const updatesPod = ({ operation, kind, subresource }: Write): boolean =>
  operation === 'update' && kind.prefix === pods.prefix && subresource === '';

/** A writer who sends a pod as it was created does not take them away. A change is refused by the field rules. */
function keepPriority({ object, old }: Write): void {
  const pod = object as Pod;
  const { priority, preemptionPolicy } = (old as Pod).spec ?? {};
  // A new spec: a patched pod shares what the patch did not change with the stored pod.
  if (pod.spec) {
    pod.spec = {
      ...(priority === undefined ? {} : { priority }),
      ...(preemptionPolicy === undefined ? {} : { preemptionPolicy }),
      ...pod.spec,
    };
  }
}

class Priority implements WriteRule {
  readonly name = 'Priority';
  private readonly classes = new Map<string, PriorityClass>();
  /** The class with globalDefault. Two servers may have created one each at the same time: then the one with the lower value. */
  private fallback: PriorityClass | undefined;

  /** Resolves when all classes are known; follows them until the signal is aborted. */
  async start(cache: Cache, signal: AbortSignal): Promise<void> {
    const change = (previous: PriorityClass | undefined, current: PriorityClass | undefined) => {
      const name = (current ?? previous)?.metadata?.name ?? '';
      if (current) this.classes.set(name, current);
      else this.classes.delete(name);
      const defaults = [...this.classes.values()].filter(({ globalDefault }) => globalDefault);
      this.fallback = defaults.sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
    };
    await followKind(cache, priorityClasses, change, signal);
  }

  concerns(write: Write): boolean {
    return (
      createsPod(write) ||
      updatesPod(write) ||
      (write.kind.prefix === priorityClasses.prefix && write.operation !== 'delete')
    );
  }

  mutate(write: Write): void {
    if (write.kind.prefix === priorityClasses.prefix) this.admitClass(write);
    else if (updatesPod(write)) keepPriority(write);
    else this.admitPod(write);
  }

  private admitClass(write: Write): void {
    const { globalDefault } = write.object as PriorityClass;
    const other = this.fallback?.metadata?.name;
    if (!globalDefault || other === undefined || other === write.name) return;
    throw refusal(write, `PriorityClass ${other} is already marked as default. Only one default can exist`);
  }

  private admitPod(write: Write): void {
    const { spec } = write.object as Pod;
    if (!spec) return;
    const asked = spec.priorityClassName ?? '';
    const found = asked === '' ? this.fallback : this.classes.get(asked);
    if (asked !== '' && !found) throw refusal(write, `no PriorityClass with name ${asked} was found`);
    const value = found?.value ?? 0;
    if (spec.priority !== undefined && spec.priority !== value) {
      throw refusal(
        write,
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission ` +
          `controller computed ${value} from the given PriorityClass name`,
      );
    }
    const policy = found?.preemptionPolicy ?? 'PreemptLowerPriority';
    if (found && spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
      throw refusal(
        write,
        `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority ` +
          `admission controller computed ${policy} from the given PriorityClass name`,
      );
    }
    if (found?.metadata?.name) spec.priorityClassName = found.metadata.name;
    spec.priority = value;
    spec.preemptionPolicy ??= policy;
  }
}
