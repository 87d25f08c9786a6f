// What a probe is to try, and what came of it.
import type { HopFault, ProbeAsked, ProbeCame } from '../../controlplane/base/hops';
import type { Leg, LocatedHop } from '../../controlplane/base/path-report';
import type { ClusterReader } from './cluster';
import type { Followed } from './follow';
import type { Sender } from './sender';
import type { ServiceEnd } from './service-check';
import type { Sighted } from './sightings';
import type { Target } from './target';

export interface ProbeDeps {
  readonly cluster: ClusterReader;
  /** Sends from this machine, for senders outside; undefined: another machine is the sender. */
  readonly sendHere?: (request: ProbeAsked) => Promise<ProbeCame>;
}

export interface ProbePlan {
  readonly sender: Sender;
  readonly target: Target;
  /** The way as planned. */
  readonly followed: Followed;
  readonly leg: Leg;
  /** A request of HTTP instead of a connection alone. */
  readonly http?: { readonly scheme: 'http' | 'https'; readonly host: string; readonly path: string };
  /** The Ingress has no route for the request: it answers 404 itself. */
  readonly routeless?: boolean;
  /** The ways of all endpoints that were followed: chance may choose any of them. */
  readonly ways?: readonly { readonly found: Followed }[];
  /** The endpoint itself instead of the Service: when the plan blames one of several. */
  readonly direct?: ServiceEnd;
}

export interface Probed {
  readonly hop: LocatedHop;
  readonly came: ProbeCame;
  readonly sightings: readonly Sighted[];
  /** True: it failed at one of several endpoints, and others answer. */
  readonly isPart?: true;
}

/** A probe that was sent, before it is judged. */
export interface Judging {
  readonly plan: ProbePlan;
  readonly came: readonly ProbeCame[];
  readonly seen: readonly Sighted[];
  /** Nodes that did not watch: what they have not seen says nothing. */
  readonly blind: readonly string[];
  /** Of the sender. */
  readonly label: string;
}

/** `sure`: false for a doubt. */
export interface Found {
  readonly sure: boolean;
  readonly fault: HopFault;
}

/** How long a probe waits for its answer. */
export const timeoutMs = 1_000;
export const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
