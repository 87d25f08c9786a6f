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
const nodeAlive = /^node w1 is Ready/;

const cases: Case[] = [
  { name: 'a new machine', by: token, signer: client, expected: approve('nodeclient') },
  {
    name: 'a node that was registered before',
    by: token,
    signer: client,
    node: node('Unknown'),
    expected: approve('nodeclient'),
  },
  { name: 'a node that never ran', by: token, signer: client, node: node(undefined), expected: approve('nodeclient') },
  {
    name: 'a request for the name of a running node waits',
    by: token,
    signer: client,
    node: node('True'),
    ageMs: 1000,
    expected: { action: 'wait', reason: nodeAlive, againInMs: aliveGraceMs - 1000 },
  },
  {
    name: 'and is denied after the time limit',
    by: token,
    signer: client,
    node: node('True'),
    ageMs: aliveGraceMs,
    expected: { action: 'deny', reason: 'NodeAlive', message: nodeAlive },
  },
  {
    name: 'a node may not request the name of another running node',
    by: other,
    signer: client,
    node: node('True'),
    expected: { action: 'wait', reason: nodeAlive },
  },
  {
    name: 'a node renews its certificate',
    by: self,
    signer: client,
    node: node('True'),
    expected: approve('selfnodeclient'),
  },
  {
    name: 'a node needs the group of nodes',
    by: { ...self, groups: [] },
    signer: serving,
    hosts: ['w1'],
    expected: leave,
  },
  { name: 'decided', by: self, signer: client, conditions: [{ type: 'Denied', status: 'True' }], expected: leave },
  { name: 'wrong usages', by: self, signer: client, usages: servingUsages, expected: leave },
  { name: 'wrong organization', by: token, signer: client, organizations: ['system:masters'], expected: leave },
  {
    name: 'the signer of other clients',
    by: self,
    signer: signers.apiserverClient,
    usages: ['client auth'],
    expected: leave,
  },
  { name: 'an unknown signer', by: self, signer: 'example.com/x', expected: leave },
  {
    name: 'serving with its own names',
    by: self,
    signer: serving,
    hosts: ['w1', '192.168.56.11', 'fd00:0:0::b'],
    node: node('True'),
    expected: approve('selfnodeserver'),
  },
  {
    name: 'serving before the node is registered',
    by: self,
    signer: serving,
    hosts: ['w1'],
    expected: { action: 'wait', reason: /not registered/ },
  },
  {
    name: 'serving with an address of another machine',
    by: self,
    signer: serving,
    hosts: ['w1', '192.168.56.12'],
    node: node('True'),
    expected: { action: 'wait', reason: '192.168.56.12 is neither a name nor an address of node w1' },
  },
  {
    name: 'serving with a loopback address',
    by: self,
    signer: serving,
    hosts: ['127.0.0.1'],
    node: {
      metadata: { name: 'w1' },
      status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }] },
    },
    expected: { action: 'wait', reason: '127.0.0.1 is neither a name nor an address of node w1' },
  },
  {
    name: 'serving with the name of another machine',
    by: self,
    signer: serving,
    hosts: ['kubernetes', '192.168.56.11'],
    node: node('True'),
    expected: { action: 'wait', reason: 'kubernetes is neither a name nor an address of node w1' },
  },
  { name: 'serving for another node', by: other, signer: serving, hosts: ['w1'], node: node('True'), expected: leave },
  { name: 'serving requested with a token', by: token, signer: serving, hosts: ['w1'], expected: leave },
  { name: 'an agent', by: self, ...agent, node: node('True'), expected: approve('nodeagent') },
  { name: 'an agent of an unknown node', by: self, ...agent, expected: { action: 'wait', reason: /not registered/ } },
  { name: 'an agent requested with a token', by: token, ...agent, node: node('True'), expected: leave },
  { name: 'an unknown agent', by: self, ...agent, commonName: 'admin', node: node('True'), expected: leave },
];

for (const test of cases) t.test(test.name, async (t) => t.match(await plan(test), test.expected));

t.test('the node that a request concerns', async (t) => {
  const { request } = await createRequest({ commonName: 'system:dns' });
  const object = { spec: { username: 'system:node:w1', request: '', signerName: '' } };
  t.equal(nodeNameOf(object, parseRequest(request)), 'w1', 'the node that asks');
  const own = await createRequest({ commonName: 'system:node:w2' });
  t.equal(nodeNameOf(object, parseRequest(own.request)), 'w2', 'the node that the certificate is for');
  t.equal(nodeNameOf({ spec: { username: 'jane', request: '', signerName: '' } }, parseRequest(request)), undefined);
});
