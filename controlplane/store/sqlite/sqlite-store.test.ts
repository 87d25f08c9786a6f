import { join } from 'node:path';
import t from 'tap';
import { storeContract } from '../../../test/contract/store';
import { openStore } from '../open';

storeContract(t, (t) => openStore({ kind: 'sqlite', path: join(t.testdir(), 'store.db') }));
