// Approves the requests that plan.ts selects, if the requester has the permission for it.
import { isReady } from '../../api/conditions';
import { type CertificateSigningRequest, certificateSigningRequests, type Node, nodes } from '../../api/index';
import type { KubeObject } from '../../api/types';
import { subjectAccessReviews } from '../../api/virtual';
import { formatTime } from '../../base/clock';
import type { EventRecorder } from '../../client/event-recorder';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import { parsedRequest } from '../shared/certificates';
import type { Controller, Deps } from '../shared/deps';
import { controllerQueue, runWorkers } from '../shared/worker';
import { isPending, nodeNameOf, type Permission, planApproval } from './plan';

export class CsrApprovingController implements Controller {
  private readonly requests: TrackedInformer<CertificateSigningRequest>;
  private readonly nodes: TrackedInformer<Node>;
  private readonly queue: WorkQueue;
  private readonly recorder: EventRecorder;

  constructor(private readonly deps: Deps) {
    this.requests = deps.informers.of(certificateSigningRequests);
    this.nodes = deps.informers.of(nodes);
    this.queue = controllerQueue(deps);
    this.recorder = deps.recorder('csrapproving');
  }

  async run(signal: AbortSignal): Promise<void> {
    this.requests.onChange(({ key }) => this.queue.add(key));
    this.nodes.onChange((change) => {
      if (change.type === 'updated' && facts(change.object) === facts(change.previous)) return;
      for (const request of this.requests.list()) if (isPending(request)) this.queue.add(request.metadata?.name ?? '');
    });
    await Promise.all([this.requests.synced(signal), this.nodes.synced(signal)]);
    await runWorkers({ queue: this.queue, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const object = this.requests.get(key);
    const request = object && isPending(object) ? parsedRequest(object) : undefined;
    if (!object || !request) return;
    const node = this.nodes.get(nodeNameOf(object, request) ?? '');
    const verdict = planApproval({ object, request, node, nowMs: this.deps.clock.now() });
    switch (verdict.action) {
      case 'leave':
        return;
      case 'wait':
        this.recorder.record(object, 'Warning', 'NotApproved', `waiting: ${verdict.reason}`);
        if (verdict.againInMs !== undefined) this.queue.addAfter(key, verdict.againInMs);
        return;
      case 'deny':
        await this.decide(object, { type: 'Denied', reason: verdict.reason, message: verdict.message }, signal);
        return;
      case 'approve': {
        const { permission, message } = verdict;
        if (await this.mayHave(object, permission, signal)) {
          await this.decide(object, { type: 'Approved', reason: 'AutoApproved', message }, signal);
        } else {
          this.recorder.record(
            object,
            'Warning',
            'NotApproved',
            `the requester may not create ${subresource(permission)}`,
          );
        }
      }
    }
  }

  private async decide(
    object: CertificateSigningRequest,
    decision: { type: string; reason: string; message: string },
    signal: AbortSignal,
  ): Promise<void> {
    const lastUpdateTime = formatTime(this.deps.clock.now());
    const conditions = [...(object.status?.conditions ?? []), { ...decision, status: 'True', lastUpdateTime }];
    const decided = { ...object, status: { ...object.status, conditions } };
    await this.deps.client.update(certificateSigningRequests, decided, { subresource: 'approval', signal });
    this.deps.log.info(`certificate request ${decision.type.toLowerCase()}`, {
      name: object.metadata?.name,
      requester: object.spec.username,
      reason: decision.reason,
    });
  }

  private async mayHave(
    { spec }: CertificateSigningRequest,
    permission: Permission,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { username, uid, groups, extra } = spec;
    const resourceAttributes = {
      group: certificateSigningRequests.group,
      resource: certificateSigningRequests.plural,
      subresource: permission,
      verb: 'create',
      version: '*',
    };
    const review = { spec: { user: username, uid, groups, extra, resourceAttributes } } as KubeObject;
    const answer = await this.deps.client.create(subjectAccessReviews, review, { signal });
    return (answer as { status?: { allowed?: boolean } }).status?.allowed === true;
  }
}

const subresource = (permission: Permission): string => `${certificateSigningRequests.plural}/${permission}`;

/** The fields of a node that decisions depend on. */
const facts = (node: Node): string => JSON.stringify([node.status?.addresses, isReady(node)]);
