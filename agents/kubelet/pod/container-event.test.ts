import t from 'tap';
import { container, pod } from '../spec/pod.fixture';
import { aboutContainer } from './container-event';

t.test('an Event names the list and the name of its container', (t) => {
  const ephemeralContainers = [container('debug')];
  const it = pod({ initContainers: [container('setup')], containers: [container('app')], ephemeralContainers });
  t.same(aboutContainer(it, 'app'), { fieldPath: 'spec.containers{app}' });
  t.same(aboutContainer(it, 'setup'), { fieldPath: 'spec.initContainers{setup}' });
  t.same(aboutContainer(it, 'debug'), { fieldPath: 'spec.ephemeralContainers{debug}' });
  t.same(aboutContainer(it, 'gone'), {}, 'a container that the spec does not have');
  t.end();
});
