import t from 'tap';
import { VolumeCounts } from './volume-counts';

t.test('volumes that pods want, and those that are set up', async (t) => {
  const counts = new VolumeCounts();
  const values = () => counts.render().filter((line) => !line.startsWith('#'));
  counts.isDesired('u1', ['config', 'data']);
  counts.isDesired('u2', ['config']);
  counts.isSetUp('u1', 'config', 'configmap');
  counts.isSetUp('u2', 'config', 'configmap');
  const name = 'volume_manager_total_volumes';
  t.same(values().sort(), [
    `${name}{plugin_name="N/A",state="desired_state_of_world"} 1`,
    `${name}{plugin_name="kubernetes.io/configmap",state="actual_state_of_world"} 2`,
    `${name}{plugin_name="kubernetes.io/configmap",state="desired_state_of_world"} 2`,
  ]);
  counts.isDesired('u1', ['config']);
  t.same(
    values()[0],
    `${name}{plugin_name="kubernetes.io/configmap",state="desired_state_of_world"} 2`,
    'no longer used',
  );
  counts.forget('u1');
  counts.forget('u2');
  t.same(values(), []);
});
