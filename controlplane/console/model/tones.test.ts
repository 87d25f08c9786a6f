import t from 'tap';
import { toneOfCell, toneOfCondition } from './tones';

t.test('cells', async (t) => {
  for (const [column, cell, tone] of [
    ['Status', 'Running', 'good'],
    ['Status', 'Completed', 'good'],
    ['Status', 'ContainerCreating', 'wait'],
    ['Status', 'Init:0/2', 'wait'],
    ['Status', 'CrashLoopBackOff', 'bad'],
    ['Status', 'NotReady', 'bad'],
    ['Status', '', 'none'],
    ['Phase', 'Bound', 'good'],
    ['Ready', '1/2', 'wait'],
    ['Ready', '2/2', 'none'],
    ['Ready', 'True', 'none'],
    ['Type', 'Warning', 'wait'],
    ['Type', 'ClusterIP', 'none'],
    ['Name', 'Error', 'none'],
  ] as const) {
    t.equal(toneOfCell(column, cell), tone, `${column} ${cell}`);
  }
});

t.test('a pod that has done its work is well, though it is not ready', async (t) => {
  t.equal(toneOfCell('Ready', '0/1', 'Completed'), 'none');
  t.equal(toneOfCell('Ready', '0/1', 'Error'), 'wait');
  t.equal(toneOfCondition('Ready', 'False', 'PodCompleted'), 'none');
  t.equal(toneOfCondition('Ready', 'False', 'ContainersNotReady'), 'wait');
});

t.test('conditions', async (t) => {
  t.equal(toneOfCondition('Ready', 'True'), 'good');
  t.equal(toneOfCondition('Ready', 'False'), 'wait');
  t.equal(toneOfCondition('MemoryPressure', 'False'), 'none');
  t.equal(toneOfCondition('MemoryPressure', 'True'), 'bad');
  t.equal(toneOfCondition('Ready', 'Unknown'), 'none');
});
