// CertificateSigningRequests with the real kubectl: created, shown, approved, denied, used.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { certificateSigningRequests } from '../../controlplane/api';
import { connect } from '../../controlplane/client/connect';
import { dayMs } from '../../controlplane/pki/certificate';
import { createRequest } from '../../controlplane/pki/certificate-request';
import { ensureKubeconfig, renderKubeconfig } from '../../controlplane/pki/kubeconfig';
import { identities } from '../../controlplane/pki/pki';
import { signers } from '../../controlplane/pki/signers';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';
import { skippedWithoutKubectl } from '../lib/kubectl';

t.setTimeout(240_000);
const exec = new SystemExec();

// kubectl has `auth whoami` since 1.28.
t.test('kubectl certificate approve and deny', async (t) => {
  if (await skippedWithoutKubectl(t, 28)) return;
  const { server, url, authority } = await openControlPlane(t, { signsForMs: 10 * dayMs });
  const dir = t.testdir();
  const kubeconfig = join(dir, 'admin.conf');
  await ensureKubeconfig(kubeconfig, authority, { name: 'k8ts', server: url, identity: identities.admin });
  const kubectl = async (...argv: string[]) =>
    (await exec.run(['kubectl', `--kubeconfig=${kubeconfig}`, `--cache-dir=${dir}/cache`, ...argv])).stdout;
  const ask = async (name: string) => {
    const { request, key } = await createRequest({ commonName: 'jane', organizations: ['dev'] });
    const spec = {
      request: Buffer.from(request).toString('base64'),
      signerName: signers.apiserverClient,
      usages: ['client auth'],
      expirationSeconds: 86_400,
    };
    const object = {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name },
      spec,
    };
    await writeFile(join(dir, `${name}.json`), JSON.stringify(object));
    t.match(await kubectl('apply', '-f', join(dir, `${name}.json`)), `${name} created`);
    return key;
  };
  const key = await ask('jane');
  t.match(
    await kubectl('get', 'csr'),
    /^NAME +AGE +SIGNERNAME +REQUESTOR +REQUESTEDDURATION +CONDITION\njane +\S+ +kubernetes.io\/kube-apiserver-client +kubernetes-admin +24h +Pending\n$/,
  );
  t.match(
    await kubectl('certificate', 'approve', 'jane'),
    'certificatesigningrequest.certificates.k8s.io/jane approved',
  );
  await eventually(server.client(), certificateSigningRequests, ([one]) => one?.status?.certificate !== undefined);
  t.match(await kubectl('get', 'csr', 'jane'), / Approved,Issued\n$/);
  const described = await kubectl('describe', 'csr', 'jane');
  t.match(described, /Requesting User: +kubernetes-admin/);
  t.match(described, /Status: +Approved,Issued/);
  t.match(described, /Common Name: +jane/);
  const cert = Buffer.from(await kubectl('get', 'csr', 'jane', '-o', 'jsonpath={.status.certificate}'), 'base64');
  const client = { cert: cert.toString(), key };
  await writeFile(join(dir, 'jane.conf'), renderKubeconfig({ name: 'k8ts', server: url, ca: authority.cert, client }));
  t.match(
    await exec
      .run(['kubectl', `--kubeconfig=${dir}/jane.conf`, 'auth', 'whoami', '-o', 'json'])
      .then(({ stdout }) => stdout),
    /"username": "jane"/,
  );
  await t.rejects((await connect(join(dir, 'jane.conf'))).list(certificateSigningRequests), { code: 'Forbidden' });
  await ask('joe');
  t.match(await kubectl('certificate', 'deny', 'joe'), 'joe denied');
  t.match(await kubectl('get', 'csr', 'joe'), / Denied\n$/);
  await t.rejects(kubectl('certificate', 'approve', 'joe'), { code: 'CommandFailed' });
  t.match(await kubectl('explain', 'csr.spec.signerName'), /signerName/);
});
