// The answers of a second as bytes, made once for all who read them: an object is as long as a thousand edges, and consoles read every two
// seconds.
import type { Node } from '../../api/node';
import { type NodeTraffic, nodeTraffics } from '../../api/node-traffic';
import type { Clock } from '../../base/clock';
import type { CachedObject } from '../cache/cache';
import type { FullReply } from '../request';
import { computed } from '../rest/computed';
import { keptMs, type TrafficAnswer } from './kubelet-traffic';

interface Rendered {
  /** As JSON: the cache may have another object with the same labels. */
  readonly labels: string;
  readonly item: CachedObject;
}
interface SharedList {
  readonly items: readonly CachedObject[];
  readonly reply: FullReply;
}

export class SharedAnswers {
  private readonly rendered = new WeakMap<TrafficAnswer, Rendered>();
  private last: SharedList | undefined;

  constructor(private readonly clock: Pick<Clock, 'after'>) {}

  /** The same object as long as the answer and the labels of the node are the same. */
  item(node: Node, said: TrafficAnswer): CachedObject {
    const { name = '', labels } = node.metadata ?? {};
    const labelText = JSON.stringify(labels ?? {});
    const known = this.rendered.get(said);
    if (known?.labels === labelText) return known.item;
    const { kind, apiVersion } = nodeTraffics;
    const object: NodeTraffic = { kind, apiVersion, metadata: { name, ...(labels ? { labels } : {}) }, ...said };
    const item = computed(object);
    this.rendered.set(said, { labels: labelText, item });
    return item;
  }

  /** The reply of the last list, if it had the same objects. */
  async list(items: readonly CachedObject[], render: () => FullReply | Promise<FullReply>): Promise<FullReply> {
    const { last } = this;
    if (last && areSame(last.items, items)) return last.reply;
    const reply = await render();
    const list = { items, reply };
    this.last = list;
    // It may be long, and the next readers have newer answers.
    this.clock.after(keptMs, () => {
      if (this.last === list) this.last = undefined;
    });
    return reply;
  }
}

/** Errors of nodes that are not asked are made again each time, and short. */
const areSame = (before: readonly CachedObject[], now: readonly CachedObject[]): boolean =>
  before.length === now.length &&
  now.every((item, i) => {
    const other = before[i]!;
    return item === other || item.json.equals(other.json);
  });
