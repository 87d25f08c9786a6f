import t from 'tap';
import { reasonOf } from './reason';

const alert = (name: string) =>
  `No connection established. Last error: 4023C547487F0000:error:0A000412:SSL routines:ssl3_read_bytes:ssl/tls alert ${name}:../deps/openssl/openssl/ssl/record/rec_layer_s3.c:918:SSL alert number 42\n (2026-11-30T17:26:47.969Z). Resolution note: `;

t.test('what OpenSSL says becomes the option to look at', async (t) => {
  t.match(reasonOf(alert('bad certificate')), /^it refuses the client certificate: --etcd-certfile /);
  t.match(reasonOf(alert('certificate required')), /--etcd-certfile/);
  t.match(
    reasonOf('unable to verify the first certificate; if the root CA is installed locally, try another option'),
    /^its certificate is not signed by an authority of --etcd-cafile$/,
  );
  t.match(reasonOf(alert('no application protocol')), /not the client port of etcd/);
});

t.test('other reasons stay, in one line and without what the library adds', async (t) => {
  t.equal(
    reasonOf('No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: '),
    'connect ECONNREFUSED 127.0.0.1:1',
  );
  t.equal(
    reasonOf('No connection established. Last error: Failed to connect (2026-11-30T17:27:52.881Z). Resolution note: '),
    'Failed to connect',
  );
  t.equal(reasonOf('etcdserver: no leader'), 'etcdserver: no leader');
});
