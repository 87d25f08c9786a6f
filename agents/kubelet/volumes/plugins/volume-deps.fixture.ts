// The dependencies of a volume plug-in, with mounts and programs that only a test sees.
import { FakeClock } from '../../../../test/lib/fake-clock';
import { FakeMounts } from '../../../../test/lib/fake-mounts';
import { FakeQuotas } from '../../../../test/lib/fake-quotas';
import { ScriptedExec } from '../../../../test/lib/scripted-exec';
import { KeyedTurns } from '../keyed-turns';
import type { VolumeDeps } from './plugin';

/** A kubelet without CSI drivers. */
export const noCsi = {
  onChange: () => {},
  setUp: async () => undefined,
  release: async () => {},
  forget: () => {},
  usage: async () => undefined,
};

export function volumeDeps(more: Partial<VolumeDeps> = {}) {
  const mounts = new FakeMounts();
  const exec = new ScriptedExec();
  const deps: VolumeDeps = {
    mounts,
    exec,
    quotas: new FakeQuotas(),
    turns: new KeyedTurns(),
    clock: new FakeClock(),
    warn: () => {},
    rootDir: '/var/lib/kubelet',
    tokens: { fetch: async (_, { expirationSeconds }) => expirationSeconds * 1000, peek: () => 'token-text' },
    configMap: () => undefined,
    secret: () => undefined,
    csi: noCsi,
    ensureAnswers: async () => {},
    ...more,
  };
  return { deps, mounts, exec };
}
