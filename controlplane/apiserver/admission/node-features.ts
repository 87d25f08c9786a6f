// NodeDeclaredFeatureValidator: a pod on a node changes only in ways that the kubelet of that node says it can carry out
// (status.declaredFeatures, KEP-5328).
import { type Node, nodes, type Pod, pods } from '../../api/index';
import { isSidecar } from '../../api/pods/facts';
import { isSame } from '../../api/validation/difference';
import { equalJson } from '../rest/equal';
import { type OpenRule, refusal } from '../write/rule';

export const nodeFeatures: OpenRule = ({ cache }) => ({
  name: 'NodeDeclaredFeatureValidator',
  concerns: ({ operation, kind, subresource }) =>
    operation === 'update' && kind.prefix === pods.prefix && (subresource === '' || subresource === 'resize'),
  validate(write) {
    const [pod, old] = [write.object as Pod, write.old as Pod];
    const name = pod.spec?.nodeName;
    if (!name || equalJson(pod.spec, old.spec)) return;
    const required = requiredFeatures(pod, old);
    if (required.length === 0) return;
    const node = cache.kind(nodes).get(name)?.object;
    if (!node) throw refusal(write, `node ${JSON.stringify(name)} not found`);
    const missing = required.filter((feature) => !declared(node).includes(feature));
    if (missing.length === 0) return;
    const shown = JSON.stringify(name);
    throw refusal(write, `pod update requires features ${missing.join(', ')} which are not available on node ${shown}`);
  },
});

const declared = ({ status }: Node): readonly string[] => status?.declaredFeatures ?? [];

/** In the order of their names, as upstream lists them. */
function requiredFeatures({ spec }: Pod, { spec: old }: Pod): string[] {
  const ofPod = !spec?.resources !== !old?.resources || !isSame(spec?.resources, old?.resources);
  const ofInit = (old?.initContainers ?? []).some(
    (container, i) => !isSidecar(container) && !isSame(container.resources, spec?.initContainers?.[i]?.resources),
  );
  return [
    ...(ofPod ? ['InPlacePodLevelResourcesVerticalScaling'] : []),
    ...(ofInit ? ['InPlacePodVerticalScalingInitContainers'] : []),
  ];
}
