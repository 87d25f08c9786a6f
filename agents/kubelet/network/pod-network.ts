// The pod network of one node as the kubelet sees it: addresses, and wires from the pod's namespace to the node's bridge.
// Remembers nothing on disk: after a restart the caller reserves what the container labels say.

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
   * Makes bridge, gateway addresses and sysctls of the node ready for the pods of these ranges, one or one of each
   * family. Idempotent; call it before everything else, and reserve() all known addresses before the first allocate().
   * @throws BadRequest for a range without room for pods, Unsupported when the kernel lacks a feature, Conflict when it is
   * open with other ranges.
   */
  open(podCidrs: readonly string[]): Promise<void>;
  /** A free address of each range. An address given back is not handed out again soon. @throws Unavailable when all are taken. */
  allocate(): readonly string[];
  /** Marks addresses as taken: a container found running has them. Repeating it is harmless. @throws BadRequest outside the ranges. */
  reserve(ips: readonly string[]): void;
  /** Gives addresses back; unknown ones are ignored. Call it after detach(). */
  release(ips: readonly string[]): void;
  /**
   * Wires the pod: veth pair with its peer in the pod's namespace, bridge port with hairpin, loopback up, address and
   * default route. Idempotent: a complete wire is left alone, a broken one is mended or replaced. Resolves to what was wrong
   * with a wire that was there, or undefined.
   * @throws NotFound when the process is gone, Conflict when it shares the node's namespace.
   */
  attach(wire: PodWire): Promise<string | undefined>;
  /** Removes the wire of these addresses; nothing happens when there is none (the namespace took it along). */
  detach(pod: { readonly ips: readonly string[] }): Promise<void>;
  /** Repairs bridge, gateway address and sysctls; true when something was missing. @throws Unavailable before open() */
  repair(): Promise<boolean>;
  /**
   * Reports that another program has removed or changed the link of a pod on this node, by its first address, or the bridge (undefined).
   * The link of a pod that ends by itself is reported too. One listener.
   */
  onDamage(listener: (ip: string | undefined) => void): void;
  /** Closes sockets; the wires stay, as pods outlive the kubelet. */
  close(): Promise<void>;
}
