// CustomResourceDefinitions in the shape of those of widespread operators, with the real kubectl.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { ensureKubeconfig } from '../../controlplane/pki/kubeconfig';
import { identities } from '../../controlplane/pki/pki';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { openControlPlane } from '../lib/control-plane';
import { skippedWithoutKubectl } from '../lib/kubectl';

t.setTimeout(240_000);
const exec = new SystemExec();
const text = { type: 'string' };

const version = (name: string, spec: object, rest: object = {}) => ({
  name,
  served: true,
  storage: true,
  schema: {
    openAPIV3Schema: {
      type: 'object',
      required: ['spec'],
      properties: { spec, status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    },
  },
  ...rest,
});

const definition = (group: string, names: { readonly plural: string; readonly kind: string }, versions: object[]) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${names.plural}.${group}` },
  spec: { group, scope: 'Namespaced', names, versions },
});

const certs = definition(
  'pki.example.com',
  { plural: 'certs', kind: 'Cert', ...{ shortNames: ['crt'], categories: ['all'] } },
  [
    version(
      'v1',
      {
        type: 'object',
        description: 'The desired certificate.',
        required: ['issuer'],
        properties: {
          issuer: text,
          key: {
            type: 'object',
            default: {},
            properties: { algorithm: { ...text, enum: ['RSA', 'ECDSA'], default: 'RSA' } },
          },
          names: { type: 'array', items: text },
        },
      },
      {
        subresources: { status: {} },
        selectableFields: [{ jsonPath: '.spec.issuer' }],
        additionalPrinterColumns: [
          { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          { name: 'Issuer', type: 'string', jsonPath: '.spec.issuer', priority: 1 },
        ],
      },
    ),
  ],
);
const rule = { rule: 'self.value.startsWith("/")', message: 'value must be an absolute path' };
const routes = definition('net.example.com', { plural: 'routes', kind: 'Route' }, [
  version('v1', {
    type: 'object',
    properties: {
      paths: {
        type: 'array',
        items: { type: 'object', properties: { value: { ...text, default: '/' } }, 'x-kubernetes-validations': [rule] },
      },
    },
  }),
]);
const flows = definition('work.example.com', { plural: 'flows', kind: 'Flow' }, [
  version('v1alpha1', { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }),
]);

const list = (...items: object[]) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
const object = (apiVersion: string, kind: string, spec: object) => ({
  apiVersion,
  kind,
  metadata: { name: 'one', namespace: 'default' },
  spec,
});

t.test('kubectl apply, wait, get, explain, patch and delete', async (t) => {
  if (await skippedWithoutKubectl(t)) return;
  const { url, authority } = await openControlPlane(t, {});
  const dir = t.testdir();
  const kubeconfig = join(dir, 'admin.conf');
  await ensureKubeconfig(kubeconfig, authority, { name: 'k8ts', server: url, identity: identities.admin });
  const kubectl = async (...argv: string[]) =>
    (await exec.run(['kubectl', `--kubeconfig=${kubeconfig}`, `--cache-dir=${dir}/cache`, ...argv])).stdout;
  const definitions = join(dir, 'definitions.json');
  const objects = join(dir, 'objects.json');
  await writeFile(definitions, list(certs, routes, flows));
  await writeFile(
    objects,
    list(
      object('pki.example.com/v1', 'Cert', { issuer: 'ca' }),
      object('net.example.com/v1', 'Route', { paths: [{}, { value: '/x' }] }),
      object('work.example.com/v1alpha1', 'Flow', { steps: [{ image: 'x' }] }),
    ),
  );

  await kubectl('apply', '-f', definitions);
  await kubectl('wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all');
  t.match(await kubectl('apply', '-f', objects), /cert.pki.example.com\/one created/);
  t.match(await kubectl('get', 'crt', '-o', 'wide'), /NAME +READY +ISSUER\none +ca/);
  t.match(await kubectl('get', 'all'), /cert.pki.example.com\/one/, 'a category');
  const selected = await kubectl('get', 'certs', '--field-selector=spec.issuer=other', '-o', 'name');
  t.equal(selected, '', 'a selectable field');
  t.equal(await kubectl('get', 'cert', 'one', '-o', 'jsonpath={.spec.key.algorithm}'), 'RSA');
  t.match(await kubectl('explain', 'cert.spec'), /The desired certificate.*algorithm|issuer/s);
  await t.rejects(
    kubectl('patch', 'route', 'one', '--type=merge', '-p', '{"spec":{"paths":[{"value":"x"}]}}'),
    /spec.paths\[0\]: Invalid value: value must be an absolute path/,
  );
  await kubectl('delete', '-f', objects);
  await kubectl('delete', '-f', definitions);
  await t.rejects(kubectl('get', 'certs'), /the server (could not find the requested|doesn't have a) resource/);
});
