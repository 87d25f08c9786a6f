// DenyServiceExternalIPs: otherwise any user who may create a Service could claim any address of the network (CVE-2020-8554).
import { type Service, services } from '../../api/index';
import { type OpenRule, refusal } from '../write/rule';

export const denyServiceExternalIps: OpenRule = ({ allowServiceExternalIps }) => {
  if (allowServiceExternalIps) return undefined;
  return {
    name: 'DenyServiceExternalIPs',
    concerns: ({ operation, kind }) =>
      kind.prefix === services.prefix && (operation === 'create' || operation === 'update'),
    validate(write) {
      const { object, old } = write;
      const before = (old as Service | undefined)?.spec?.externalIPs ?? [];
      const added = ((object as Service | undefined)?.spec?.externalIPs ?? []).filter((ip) => !before.includes(ip));
      if (added.length > 0) throw refusal(write, 'Use of external IPs is denied by admission control.');
    },
  };
};
