import t from 'tap';
import { createSealKey, dataKeyOf, seal, unseal } from './sealed-files';

t.test('only the key opens a sealed file', async (t) => {
  const key = createSealKey();
  t.match(key, /^[0-9a-f]{64}$/);
  const sealed = seal('secret', key);
  t.notMatch(Buffer.from(sealed, 'base64').toString('latin1'), /secret/);
  t.equal(unseal(sealed, key), 'secret');
  t.equal(unseal(sealed, key.toUpperCase()), 'secret');
  t.not(seal('secret', key), sealed, 'the same text looks different each time');
  t.throws(() => unseal(sealed, createSealKey()), { code: 'BadRequest', message: /belongs to another upload/ });
  const changed = Buffer.from(sealed, 'base64');
  changed[14]! ^= 1;
  t.throws(() => unseal(changed.toString('base64'), key), { code: 'BadRequest' });
  for (const short of ['', 'AAAA']) t.throws(() => unseal(short, key), { code: 'BadRequest' });
  for (const wrong of ['', 'abc', `${key}00`]) t.throws(() => unseal(sealed, wrong), /64 hex digits/);
});

t.test("a file that kubeadm's library has sealed", async (t) => {
  // AES-256-GCM of Go: twelve bytes of nonce, then the text, then sixteen of tag.
  const key = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
  t.equal(unseal('AAECAwQFBgcICQoLLDqiaFNyigpy+2QlLPPWCR/lnug=', key), 'k8ts');
  t.equal(dataKeyOf('etcd/ca.crt'), 'etcd-ca.crt');
  t.equal(dataKeyOf('sa.key'), 'sa.key');
});
