import t from 'tap';
import { runtimeContract } from '../../../test/contract/runtime';
import { FakeRuntime } from './fake';

const runtime = new FakeRuntime();
runtime.addImage('test/image:1');
runtime.onExec = (argv) =>
  argv[0] === '/bin/sleep' ? { output: '', code: 0, runsMs: Number(argv[1]) * 1000 } : { output: 'out\n', code: 7 };
runtimeContract(t, () => ({
  runtime,
  image: 'test/image:1',
  write: (id, line) => runtime.write(id, line),
  end: (id, code) => runtime.end(id, code),
}));
