// A pod that names its node runs on that node only.
import { never, type SchedulerPlugin } from './plugin';

export const nodeName: SchedulerPlugin = {
  name: 'NodeName',
  helpedBy: { 'node-added': ({ pod }, { node }) => pod.spec?.nodeName === node.name },
  filter({ pod }) {
    const wanted = pod.pod.spec?.nodeName;
    if (!wanted) return undefined;
    return ({ name }) => (name === wanted ? undefined : never("node(s) didn't match the requested node name"));
  },
};
