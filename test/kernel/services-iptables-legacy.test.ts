// The Service contract through iptables-legacy.
import t from 'tap';
import { serviceContract } from '../contract/services/contract';

serviceContract(t, 'iptables-legacy');
