import t from 'tap';
import { classesOfClaim, classesOfVolume } from './plan';

t.test('the classes that a claim or a volume names', async (t) => {
  const accessModes = ['ReadWriteOnce'];
  const modifyVolumeStatus = { status: 'Pending', targetVolumeAttributesClassName: 'c' };
  t.same(classesOfClaim({}), []);
  t.same(classesOfClaim({ spec: { volumeAttributesClassName: '' } }), []);
  t.same(
    classesOfClaim({
      spec: { volumeAttributesClassName: 'a', accessModes },
      status: { currentVolumeAttributesClassName: 'b', modifyVolumeStatus },
    }),
    ['a', 'b', 'c'],
  );
  const status = { currentVolumeAttributesClassName: 'a' };
  t.same(classesOfClaim({ spec: { volumeAttributesClassName: 'a' }, status }), ['a'], 'each once');
  t.same(classesOfVolume({ spec: { volumeAttributesClassName: 'v' } }), ['v']);
  t.same(classesOfVolume({}), []);
});
