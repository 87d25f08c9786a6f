import t from 'tap';
import type { CertificateSigningRequest, Node } from '../../api/index';
import { createRequest, parseRequest } from '../../pki/certificate-request';
import { clientUsages, servingUsages, signers } from '../../pki/signers';
import { aliveGraceMs, nodeNameOf, planApproval, type Verdict } from './plan';

const created = Date.parse('2026-01-01T00:00:00Z');
const node = (ready: 'True' | 'False' | 'Unknown' | undefined, name = 'w1'): Node => ({
  metadata: { name },
  status: {
    addresses: [
      { type: 'InternalIP', address: '192.168.56.11' },
      { type: 'InternalIP', address: 'fd00::b' },
      { type: 'Hostname', address: 'w1' },
    ],
    ...(ready ? { conditions: [{ type: 'Ready', status: ready }] } : {}),
  },
});
const token = { username: 'system:bootstrap:abcdef', groups: ['system:bootstrappers', 'system:authenticated'] };
const self = { username: 'system:node:w1', groups: ['system:nodes', 'system:authenticated'] };
const other = { username: 'system:node:w2', groups: ['system:nodes', 'system:authenticated'] };

interface Case {
  readonly name: string;
  readonly by: { username: string; groups: string[] };
  readonly signer: string;
  readonly commonName?: string;
  readonly organizations?: string[];
  readonly hosts?: string[];
  readonly usages?: readonly string[];
  readonly node?: Node;
  readonly ageMs?: number;
  readonly conditions?: { type: string; status: string }[];
  readonly expected: object;
}

async function plan(test: Case): Promise<Verdict> {
  const { commonName = 'system:node:w1', organizations = ['system:nodes'], hosts = [] } = test;
  const { request } = await createRequest({ commonName, organizations, hosts });
  const object: CertificateSigningRequest = {
    metadata: { name: 'r', creationTimestamp: new Date(created).toISOString() },
    spec: {
      ...test.by,
      request: Buffer.from(request).toString('base64'),
      signerName: test.signer,
      usages: [...(test.usages ?? (test.signer === signers.kubeletServing ? servingUsages : clientUsages))],
    },
    ...(test.conditions ? { status: { conditions: test.conditions } } : {}),
  };
  return planApproval({ object, request: parseRequest(request), node: test.node, nowMs: created + (test.ageMs ?? 0) });
}

const leave = { action: 'leave' };
const approve = (permission: string) => ({ action: 'approve', permission });
const client = signers.kubeletClient;
const serving = signers.kubeletServing;
const agent = { commonName: 'system:dns', organizations: [] as string[], signer: signers.nodeAgent };
const nodeAlive = /^node w1 is alive/;

const cases: Case[] = [
  { name: 'a new machine', by: token, signer: client, expected: approve('nodeclient') },
  { name: 'one that was here', by: token, signer: client, node: node('Unknown'), expected: approve('nodeclient') },
  { name: 'one that never ran', by: token, signer: client, node: node(undefined), expected: approve('nodeclient') },
  {
    name: 'the name of a living node waits',
    by: token,
    signer: client,
    node: node('True'),
    ageMs: 1000,
    expected: { action: 'wait', reason: nodeAlive, againInMs: aliveGraceMs - 1000 },
  },
  {
    name: 'and is denied in the end',
    by: token,
    signer: client,
    node: node('True'),
    ageMs: aliveGraceMs,
    expected: { action: 'deny', reason: 'NodeAlive', message: nodeAlive },
  },
  {
    name: 'another node gets no name of a living one',
    by: other,
    signer: client,
    node: node('True'),
    expected: { action: 'wait', reason: nodeAlive },
  },
  { name: 'a node renews', by: self, signer: client, node: node('True'), expected: approve('selfnodeclient') },
  {
    name: 'a group is needed to be a node',
    by: { ...self, groups: [] },
    signer: serving,
    hosts: ['w1'],
    expected: leave,
  },
  { name: 'decided', by: self, signer: client, conditions: [{ type: 'Denied', status: 'True' }], expected: leave },
  { name: 'wrong usages', by: self, signer: client, usages: servingUsages, expected: leave },
  { name: 'wrong organization', by: token, signer: client, organizations: ['system:masters'], expected: leave },
  { name: 'clients of people', by: self, signer: signers.apiserverClient, usages: ['client auth'], expected: leave },
  { name: 'a signer of someone else', by: self, signer: 'example.com/x', expected: leave },
  {
    name: 'serving under its own names',
    by: self,
    signer: serving,
    hosts: ['w1', '192.168.56.11', 'fd00:0:0::b'],
    node: node('True'),
    expected: approve('selfnodeserver'),
  },
  {
    name: 'serving before it is registered',
    by: self,
    signer: serving,
    hosts: ['w1'],
    expected: { action: 'wait', reason: /not registered/ },
  },
  {
    name: 'serving under a foreign address',
    by: self,
    signer: serving,
    hosts: ['w1', '192.168.56.12'],
    node: node('True'),
    expected: { action: 'wait', reason: '192.168.56.12 is no name or address of node w1' },
  },
  {
    name: 'serving under an address that every machine has',
    by: self,
    signer: serving,
    hosts: ['127.0.0.1'],
    node: {
      metadata: { name: 'w1' },
      status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }] },
    },
    expected: { action: 'wait', reason: '127.0.0.1 is no name or address of node w1' },
  },
  {
    name: 'serving under a foreign name',
    by: self,
    signer: serving,
    hosts: ['kubernetes', '192.168.56.11'],
    node: node('True'),
    expected: { action: 'wait', reason: 'kubernetes is no name or address of node w1' },
  },
  { name: 'serving for someone else', by: other, signer: serving, hosts: ['w1'], node: node('True'), expected: leave },
  { name: 'serving asked for with a token', by: token, signer: serving, hosts: ['w1'], expected: leave },
  { name: 'an agent', by: self, ...agent, node: node('True'), expected: approve('nodeagent') },
  { name: 'an agent of no node', by: self, ...agent, expected: { action: 'wait', reason: /not registered/ } },
  { name: 'an agent asked for with a token', by: token, ...agent, node: node('True'), expected: leave },
  { name: 'no agent of ours', by: self, ...agent, commonName: 'admin', node: node('True'), expected: leave },
];

for (const test of cases) t.test(test.name, async (t) => t.match(await plan(test), test.expected));

t.test('the node a request is about', async (t) => {
  const { request } = await createRequest({ commonName: 'system:dns' });
  const object = { spec: { username: 'system:node:w1', request: '', signerName: '' } };
  t.equal(nodeNameOf(object, parseRequest(request)), 'w1', 'the one that asks');
  const own = await createRequest({ commonName: 'system:node:w2' });
  t.equal(nodeNameOf(object, parseRequest(own.request)), 'w2', 'the one that it is for');
  t.equal(nodeNameOf({ spec: { username: 'jane', request: '', signerName: '' } }, parseRequest(request)), undefined);
});
