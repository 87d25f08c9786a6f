// The Events that this agent writes about its node and about Services.
import type { Node, Service } from '../../controlplane/api';
import type { Logger } from '../../controlplane/base/logger';
import type { Client } from '../../controlplane/client/client';
import { createEventRecorder } from '../../controlplane/client/event-recorder';
import type { Lister } from '../../controlplane/client/informer';
import type { Drift } from '../../dataplane/netfilter/writer';

export interface EventsDeps {
  readonly client: Client;
  readonly nodeName: string;
  readonly nodes: Lister<Node>;
  readonly services: Lister<Service>;
  readonly log: Logger;
}

export class Events {
  private readonly recorder;

  constructor(private readonly deps: EventsDeps) {
    const { client, nodeName: host, log } = deps;
    this.recorder = createEventRecorder({ client, component: 'kube-proxy', host, log });
  }

  aboutNode(reason: string, message: string): void {
    const node = this.deps.nodes.get(this.deps.nodeName);
    if (node) this.recorder.record({ apiVersion: 'v1', kind: 'Node', ...node }, 'Warning', reason, message);
  }

  aboutService(key: string, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const service = this.deps.services.get(key);
    if (service) this.recorder.record(service, type, reason, message);
  }

  /** `of`: the owner of the rules, Services or NetworkPolicies. */
  rulesRestored(of: string, drift: Drift): void {
    this.aboutNode('RulesRestored', describeDrift(drift, of));
  }
}

/** One line that names the first few chains that were missing or changed. */
function describeDrift(drift: Drift, of: string): string {
  const named = drift.slice(0, 8).map(({ table, chain, kind }) => `${table}/${chain} (${kind})`);
  const more = drift.length > named.length ? ` and ${drift.length - named.length} more` : '';
  return `Another process removed or changed netfilter rules of ${of}; they are written again: ${named.join(', ')}${more}`;
}
