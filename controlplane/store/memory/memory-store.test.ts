import t from 'tap';
import { storeContract } from '../../../test/contract/store';
import { openStore } from '../open';

storeContract(t, () => openStore({ kind: 'memory' }));
