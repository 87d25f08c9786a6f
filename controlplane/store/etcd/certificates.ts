// The certificates of a connection to etcd. Their files may be replaced while it lasts: new TLS connections use the newest, open ones stay.
import type { experimental } from '../../grpc/library';
import type { EtcdTls } from './connection';

type Provider = experimental.CertificateProvider;
type CaListener = experimental.CaCertificateUpdateListener;
type IdentityListener = experimental.IdentityCertificateUpdateListener;

/** What the gRPC library asks for certificates. It must hear of the first ones at once, or connections wait. */
export class Certificates implements Provider {
  private readonly caListeners = new Set<CaListener>();
  private readonly identityListeners = new Set<IdentityListener>();

  constructor(private tls: EtcdTls) {}

  replace(tls: EtcdTls): void {
    this.tls = tls;
    for (const listener of this.caListeners) this.showCa(listener);
    for (const listener of this.identityListeners) this.showIdentity(listener);
  }

  addCaCertificateListener(listener: CaListener): void {
    this.caListeners.add(listener);
    this.showCa(listener);
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.caListeners.delete(listener);
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.identityListeners.add(listener);
    this.showIdentity(listener);
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.identityListeners.delete(listener);
  }

  private showCa(listener: CaListener): void {
    listener({ caCertificate: this.tls.ca });
  }

  private showIdentity(listener: IdentityListener): void {
    const { cert, key } = this.tls;
    listener(cert && key ? { certificate: cert, privateKey: key } : null);
  }
}
