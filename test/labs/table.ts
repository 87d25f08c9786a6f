// The results as a table in Markdown. Pure.
import type { LabResult } from './run';

export function renderTable(results: readonly LabResult[]): string {
  const faults = results.filter(({ lab }) => lab.codes !== undefined);
  const healthy = results.filter(({ lab }) => lab.codes === undefined);
  const named = faults.filter(({ ok }) => ok).length;
  const alarms = healthy.filter(({ ok }) => !ok);
  return [
    `${named} of ${faults.length} faults named, ${alarms.length} false alarms on ${healthy.length} healthy ways.`,
    '',
    '| lab | fault | says |',
    '|---|---|---|',
    ...faults.map(({ lab, ok, said }) => `| ${lab.name} | ${lab.fault} | ${ok ? said : `**wrong: ${said}**`} |`),
    ...alarms.map(({ lab, said }) => `| ${lab.name} | none | **false alarm: ${said}** |`),
    '',
  ].join('\n');
}
