// The pod network of one node as the kubelet sees it: addresses, and wires from the pod's namespace to the node's bridge.
// Remembers nothing on disk: after a restart the caller reserves the addresses in the containers' labels.

export interface PodWire {
  /** A process that lives in the pod's network namespace: the pause container's pid. */
  readonly pid: number;
  /** The pod's addresses, from allocate() or reserve(); the first names the wire. */
  readonly ips: readonly string[];
  /** Name of the interface inside the pod, e.g. eth0. */
  readonly interfaceName: string;
}

export interface PodNetwork {
  /**
   * Sets up bridge, gateway addresses and sysctls of the node for these ranges: one, or one of each family. Idempotent.
   * Call it before everything else, and reserve() all known addresses before the first allocate().
   * @throws BadRequest for a range without room for pods, Unsupported when the kernel lacks a feature, Conflict when it is
   * open with other ranges.
   */
  open(podCidrs: readonly string[]): Promise<void>;
  /** Takes a free address of each range. A released address is not used again soon. @throws Unavailable when all are taken. */
  allocate(): readonly string[];
  /** Marks addresses as taken, because a running container has them. Repeatable. @throws BadRequest outside the ranges. */
  reserve(ips: readonly string[]): void;
  /** Makes the addresses free again; unknown ones are ignored. Call it after detach(). */
  release(ips: readonly string[]): void;
  /**
   * Wires the pod: veth pair with its peer in the pod's namespace, bridge port with hairpin, loopback up, address and
   * default route. Idempotent: a complete wire stays as it is, a broken one is repaired or replaced. Resolves to the fault of
   * an existing wire, or undefined.
   * @throws NotFound when the process has ended, Conflict when it shares the node's namespace.
   */
  attach(wire: PodWire): Promise<string | undefined>;
  /** Removes the wire of these addresses. Does nothing when there is none: the kernel removes it together with its namespace. */
  detach(pod: { readonly ips: readonly string[] }): Promise<void>;
  /** Repairs bridge, gateway address and sysctls; true when something was missing. @throws Unavailable before open() */
  repair(): Promise<boolean>;
  /**
   * Reports that a pod's link on this node was removed or changed (by the pod's first address), or the bridge (undefined). The link of
   * a pod that ends by itself is reported too. One listener.
   */
  onDamage(listener: (ip: string | undefined) => void): void;
  /** Closes the sockets. The wires stay, because pods run longer than the kubelet. */
  close(): Promise<void>;
}
