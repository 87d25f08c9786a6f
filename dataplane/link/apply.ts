// Executes the steps of plan.ts. Every step can be repeated after a crash.

import { parseAddress } from '../../controlplane/base/cidr';
import { NotFound } from '../../controlplane/base/errors';
import type { Step } from './plan';
import type { Rtnetlink } from './rtnetlink';

type Executors = { [A in Step['action']]: (rt: Rtnetlink, step: Extract<Step, { action: A }>) => Promise<void> };

const executors: Executors = {
  'create-bridge': (rt, { name, change }) => rt.createBridge(name, change),
  'create-vxlan': (rt, { name, vxlan, change }) => rt.createVxlan(name, vxlan, change),
  'set-link': (rt, { name, change }) => rt.setLink(name, change),
  'remove-link': (rt, { name }) => rt.removeLink(name),
  'ensure-address': async (rt, { linkName, address, prefix }) => {
    const link = await rt.link(linkName);
    if (link === undefined) throw new NotFound(`no link ${linkName} for address ${address}/${prefix}`);
    await rt.ensureAddress({ link: link.index, family: parseAddress(address).family, address, prefix });
  },
  'remove-address': (rt, { address }) => rt.removeAddress(address),
  'replace-route': (rt, { route }) => rt.replaceRoute(route),
  'remove-route': (rt, { route }) => rt.removeRoute(route),
  'ensure-neighbour': (rt, { entry }) => rt.ensureNeighbour(entry),
  'remove-neighbour': (rt, { entry }) => rt.removeNeighbour(entry),
  'ensure-forwarding': (rt, { entry }) => rt.ensureForwarding(entry),
  'remove-forwarding': (rt, { entry }) => rt.removeForwarding(entry),
};

/** Runs the steps in order and stops at the first failure. */
export async function applySteps(rt: Rtnetlink, steps: readonly Step[]): Promise<void> {
  for (const step of steps) await applyStep(rt, step);
}

export const applyStep = (rt: Rtnetlink, step: Step): Promise<void> =>
  (executors[step.action] as (rt: Rtnetlink, step: Step) => Promise<void>)(rt, step);
