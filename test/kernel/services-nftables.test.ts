// Services in proxy mode nftables on a real kernel.
import t from 'tap';
import { serviceContract } from '../contract/services/contract';

serviceContract(t, 'nftables');
