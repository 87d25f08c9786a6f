// Which pods need which attachments, kept up to date by the controller. No I/O.
import type { Pod } from '../../api/pod';
import { type Attachment, attachmentsOf, claimKeysOf, type Lookup } from './plan';

/** A map from one text to several. */
class Many {
  private readonly values = new Map<string, Set<string>>();
  add(key: string, value: string): void {
    const set = this.values.get(key) ?? new Set();
    this.values.set(key, set.add(value));
  }
  delete(key: string, value: string): void {
    const set = this.values.get(key);
    set?.delete(value);
    if (set?.size === 0) this.values.delete(key);
  }
  of(key: string): readonly string[] {
    return [...(this.values.get(key) ?? [])];
  }
}

interface Known {
  readonly claims: readonly string[];
  readonly node: string;
  attachments: readonly Attachment[];
}

export class AttachmentNeeds {
  /** Key of a pod → what it needs. Only pods with claims and a node are in it. */
  private readonly pods = new Map<string, Known>();
  private readonly byClaim = new Many();
  private readonly byNode = new Many();
  /** Name of an attachment → keys of pods. */
  private readonly byAttachment = new Many();
  /** Unique name of a volume → names of needed attachments. */
  private readonly byVolume = new Many();
  private readonly attachments = new Map<string, Attachment>();

  constructor(private readonly lookup: Lookup) {}

  /** Takes the pod's current object; undefined when it is gone. Returns the names of attachments whose need may have changed. */
  update(key: string, pod: Pod | undefined): readonly string[] {
    const before = this.pods.get(key);
    const claims = pod?.spec?.nodeName ? claimKeysOf(pod) : [];
    if (!before && claims.length === 0) return [];
    this.forget(key, before);
    const attachments = pod ? attachmentsOf(pod, this.lookup) : [];
    if (pod && claims.length > 0) this.remember(key, { claims, node: pod.spec?.nodeName ?? '', attachments });
    return [...new Set([...(before?.attachments ?? []), ...attachments].map(({ name }) => name))];
  }

  private remember(key: string, known: Known): void {
    this.pods.set(key, known);
    for (const claim of known.claims) this.byClaim.add(claim, key);
    this.byNode.add(known.node, key);
    for (const attachment of known.attachments) {
      this.byAttachment.add(attachment.name, key);
      this.byVolume.add(attachment.volumeName, attachment.name);
      this.attachments.set(attachment.name, attachment);
    }
  }

  private forget(key: string, known: Known | undefined): void {
    if (!known) return;
    this.pods.delete(key);
    for (const claim of known.claims) this.byClaim.delete(claim, key);
    this.byNode.delete(known.node, key);
    for (const { name, volumeName } of known.attachments) {
      this.byAttachment.delete(name, key);
      if (this.byAttachment.of(name).length > 0) continue;
      this.byVolume.delete(volumeName, name);
      this.attachments.delete(name);
    }
  }

  /** Undefined when no pod needs it. */
  get(name: string): Attachment | undefined {
    return this.attachments.get(name);
  }

  podsOf(name: string): readonly string[] {
    return this.byAttachment.of(name);
  }

  ofVolume(volumeName: string): readonly string[] {
    return this.byVolume.of(volumeName);
  }

  podsWithClaim(claim: string): readonly string[] {
    return this.byClaim.of(claim);
  }

  podsOn(node: string): readonly string[] {
    return this.byNode.of(node);
  }

  allPods(): readonly string[] {
    return [...this.pods.keys()];
  }
}
