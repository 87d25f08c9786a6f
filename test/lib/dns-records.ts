// DNS records as text, so that tests of answers read like zone files.
import type { DnsRecord } from '../../dataplane/dns/records';

/** One record as a line of a zone file. */
export function formatRecord(record: DnsRecord): string {
  return `${record.name}. ${record.ttl} IN ${record.type} ${formatData(record)}`;
}

function formatData(record: DnsRecord): string {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.address;
    case 'CNAME':
    case 'PTR':
    case 'NS':
      return `${record.target}.`;
    case 'SRV':
      return `${record.priority} ${record.weight} ${record.port} ${record.target}.`;
    case 'TXT':
      return JSON.stringify(record.text);
    case 'HINFO':
      return `${JSON.stringify(record.cpu)} ${JSON.stringify(record.os)}`;
    case 'SOA': {
      const { primary, admin, serial, refresh, retry, expire, minimum } = record;
      return `${primary}. ${admin}. ${serial} ${refresh} ${retry} ${expire} ${minimum}`;
    }
  }
}
