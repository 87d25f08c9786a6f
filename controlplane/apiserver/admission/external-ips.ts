// DenyServiceExternalIPs: whoever may create a Service could otherwise claim any address of the network (CVE-2020-8554).
import { type Service, services } from '../../api/index';
import { type AdmissionPlugin, refusal } from './admission';

export const denyServiceExternalIps: AdmissionPlugin = (write) => {
  const { operation, kind, object, old } = write;
  if (kind.prefix !== services.prefix || (operation !== 'create' && operation !== 'update')) return;
  const before = (old as Service | undefined)?.spec?.externalIPs ?? [];
  const added = ((object as Service | undefined)?.spec?.externalIPs ?? []).filter((ip) => !before.includes(ip));
  if (added.length > 0) throw refusal(write, 'Use of external IPs is denied by admission control.');
};
