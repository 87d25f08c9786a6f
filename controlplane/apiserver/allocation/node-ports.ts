// The node ports of Services, those of health checks among them. What is here proposes; the store decides, with the write of the Service.
import { nodePortClaim } from '../../api/claims';
import type { Service } from '../../api/index';
import { allocatesNodePorts, hasNodePorts, needsHealthCheckPort } from '../../api/services/types';
import type { FieldCause } from '../../base/errors';
import { type Attempt, invalidValue } from './attempt';
import { NumberPool } from './number-pool';

type Spec = NonNullable<Service['spec']>;

export const nodePortFirst = 30_000;
export const nodePortLast = 32_767;

export class NodePorts {
  private readonly numbers = new NumberPool(nodePortLast - nodePortFirst + 1);

  /** A Service was created, changed or deleted. */
  change(previous: Spec | undefined, current: Spec | undefined): void {
    const before = portsOf(previous);
    const after = portsOf(current);
    for (const port of after) this.numbers.hold(port);
    for (const port of before) if (!after.has(port)) this.numbers.release(port);
  }

  /** Chooses missing ports and takes requested ones. `own` are those of the stored Service. Returns the reasons of a refusal. */
  reserve(spec: Spec, own: ReadonlySet<number>, attempt: Attempt): FieldCause[] {
    const { isRefused, dryRun, random, taken } = attempt;
    // A dry run does not ask the store.
    const strict = attempt.strict || dryRun;
    const causes: FieldCause[] = [];
    // One number may serve TCP and UDP of the same Service.
    const mine = new Set(own);
    const isRefusedPort = (index: number) => isRefused(nodePortClaim(nodePortFirst + index));
    const takePort = (field: string, port: number): void => {
      const index = port - nodePortFirst;
      if (index < 0 || index >= this.numbers.size) {
        causes.push(
          invalidValue(
            field,
            port,
            `provided port is not in the valid range. The range of valid ports is ${nodePortFirst}-${nodePortLast}`,
          ),
        );
        return;
      }
      if (mine.has(index)) return;
      if (isRefusedPort(index) || (strict && this.numbers.has(index))) {
        causes.push(invalidValue(field, port, 'provided port is already allocated'));
        return;
      }
      mine.add(index);
      if (this.numbers.take(index)) taken.push(() => this.numbers.free(index));
    };
    const anyPort = (field: string, give: (port: number | undefined) => void): void => {
      const index = this.numbers.takeAny(0, this.numbers.size, random, isRefusedPort);
      if (index === undefined) {
        causes.push(invalidValue(field, 0, 'failed to allocate a nodePort: range is full'));
        return;
      }
      mine.add(index);
      give(nodePortFirst + index);
      taken.push(() => {
        this.numbers.free(index);
        give(undefined);
      });
    };
    if (hasNodePorts(spec)) {
      const ports = spec.ports ?? [];
      // Requested ports come first, so that no random choice takes them.
      ports.forEach((port, i) => {
        if (port.nodePort) takePort(`spec.ports[${i}].nodePort`, port.nodePort);
      });
      if (causes.length > 0) return causes;
      if (needsHealthCheckPort(spec) && spec.healthCheckNodePort) {
        takePort('spec.healthCheckNodePort', spec.healthCheckNodePort);
      }
      ports.forEach((port, i) => {
        if (port.nodePort || !allocatesNodePorts(spec)) return;
        const twin = ports.find(
          (other) => other.nodePort && other.port === port.port && other.protocol !== port.protocol,
        );
        if (twin?.nodePort) {
          port.nodePort = twin.nodePort;
          taken.push(() => setNumber(port, 'nodePort', undefined));
        } else anyPort(`spec.ports[${i}].nodePort`, (number) => setNumber(port, 'nodePort', number));
      });
    }
    if (needsHealthCheckPort(spec) && !spec.healthCheckNodePort) {
      anyPort('spec.healthCheckNodePort', (number) => setNumber(spec, 'healthCheckNodePort', number));
    }
    return causes;
  }
}

/** As offsets in the range; without ports outside of it. */
export function portsOf(spec: Spec | undefined): ReadonlySet<number> {
  const numbers = [...(spec?.ports ?? []).map(({ nodePort }) => nodePort), spec?.healthCheckNodePort];
  const inRange = numbers.filter((number) => number && number >= nodePortFirst && number <= nodePortLast) as number[];
  return new Set(inRange.map((number) => number - nodePortFirst));
}

function setNumber<K extends string>(target: { [key in K]?: number }, key: K, value: number | undefined): void {
  if (value === undefined) delete target[key];
  else target[key] = value as (typeof target)[K];
}
