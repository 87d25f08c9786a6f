// A report of `k8ts path` as a reader follows it: sections of hops on the same machine, each hop with the words of the kernel.
import type { Leg, LocatedHop, PathReport } from '../../../base/path-report';

export interface Step extends LocatedHop {
  /** In the report; the verdict names it. */
  readonly index: number;
  /** Of the fault that the verdict names. */
  readonly isGuilty: boolean;
}

export interface Section {
  readonly leg: Leg;
  /** absent: on no node. */
  readonly node?: string;
  readonly steps: readonly Step[];
}

/** Consecutive hops of the same leg on the same node. */
export function sectionsOf({ hops, verdict }: PathReport): readonly Section[] {
  const sections: { leg: Leg; node?: string; steps: Step[] }[] = [];
  for (const [index, hop] of hops.entries()) {
    const step: Step = { ...hop, index, isGuilty: verdict.works !== 'yes' && verdict.hop === index };
    const last = sections.at(-1);
    if (last && last.leg === hop.leg && last.node === hop.node) last.steps.push(step);
    else sections.push({ leg: hop.leg, ...(hop.node === undefined ? {} : { node: hop.node }), steps: [step] });
  }
  return sections;
}

/** `tcp 10.244.0.3:27182 → 10.244.0.2:8080` */
export function packetText({ protocol, source, sourcePort, destination, destinationPort }: Packet): string {
  return `${protocol} ${withPort(source, sourcePort)} → ${withPort(destination, destinationPort)}`;
}
type Packet = NonNullable<LocatedHop['becomes']>;

/** `10.0.0.1:80`; an address of IPv6 in brackets. */
export const withPort = (address: string, port: number | undefined): string => {
  const text = address.includes(':') && port !== undefined ? `[${address}]` : address;
  return port === undefined ? text : `${text}:${port}`;
};

/** The hops that teach something: the tour leaves out those that only repeat where the packet is. */
export const lessonsOf = ({ hops, verdict }: PathReport): readonly Step[] =>
  hops.flatMap((hop, index) => {
    const isGuilty = verdict.works !== 'yes' && verdict.hop === index;
    const isPlain = hop.kind === 'interface' && hop.state === 'passes' && hop.facts.length === 0;
    return isPlain ? [] : [{ ...hop, index, isGuilty }];
  });
