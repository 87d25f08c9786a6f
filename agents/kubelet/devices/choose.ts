// Which devices a container gets. Pure. Messages are upstream's (pkg/kubelet/cm/devicemanager): they become those of refused pods.

export interface Wanted {
  readonly resource: string;
  readonly podUid: string;
  readonly container: string;
  /** By the container's limit. */
  readonly count: number;
}

export interface Known {
  /** Undefined: no plug-in has registered the resource. */
  readonly healthy: ReadonlySet<string> | undefined;
  /** What the container has already, if it has any. */
  readonly held: readonly string[] | undefined;
  /** Devices of init containers of the pod that have ended or will end. */
  readonly reusable: readonly string[];
  /** Of all pods. */
  readonly inUse: ReadonlySet<string>;
}

export interface Choice {
  /** Devices that are certain. */
  readonly taken: readonly string[];
  /** So many more are taken of `free`. */
  readonly more: number;
  readonly free: readonly string[];
}

/** Undefined when the container needs nothing more. @throws Error that says why the devices cannot be given */
export function choiceFor({ resource, podUid, container, count }: Wanted, known: Known): Choice | undefined {
  const { healthy, held, reusable, inUse } = known;
  if (held && held.length !== count) {
    const who = `pod ${JSON.stringify(podUid)} container ${JSON.stringify(container)}`;
    throw new Error(`${who} changed request for resource ${JSON.stringify(resource)} from ${held.length} to ${count}`);
  }
  if (!healthy) throw new Error(`cannot allocate unregistered device ${resource}`);
  if (healthy.size === 0) {
    throw new Error(`no healthy devices present; cannot allocate unhealthy devices ${resource}`);
  }
  if (held && !held.every((id) => healthy.has(id))) {
    throw new Error(
      `previously allocated devices are no longer healthy; cannot allocate unhealthy devices ${resource}`,
    );
  }
  if (held || count === 0) return undefined;
  const taken = reusable.slice(0, count);
  const more = count - taken.length;
  const free = [...healthy].filter((id) => !inUse.has(id) && !taken.includes(id));
  if (free.length < more) {
    throw new Error(
      `requested number of devices unavailable for ${resource}. Requested: ${more}, Available: ${free.length}`,
    );
  }
  return { taken, more, free };
}

/** The devices of a choice, those that the plug-in prefers first. */
export function decide({ taken, more, free }: Choice, preferred: readonly string[] = []): readonly string[] {
  const first = free.filter((id) => preferred.includes(id));
  const rest = free.filter((id) => !preferred.includes(id));
  return [...taken, ...[...first, ...rest].slice(0, more)];
}
