// The Service contract through iptables-nft.
import t from 'tap';
import { serviceContract } from '../contract/services/contract';

serviceContract(t, 'iptables-nft');
