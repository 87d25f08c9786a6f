// Provisioners and plug-ins that were part of Kubernetes, and the CSI drivers that took their place (KEP-625). Claims and volumes of the
// old names are served by these drivers.
const drivers: Readonly<Record<string, string>> = {
  'kubernetes.io/aws-ebs': 'ebs.csi.aws.com',
  'kubernetes.io/azure-disk': 'disk.csi.azure.com',
  'kubernetes.io/azure-file': 'file.csi.azure.com',
  'kubernetes.io/cinder': 'cinder.csi.openstack.org',
  'kubernetes.io/gce-pd': 'pd.csi.storage.gke.io',
  'kubernetes.io/portworx-volume': 'pxd.portworx.com',
  'kubernetes.io/vsphere-volume': 'csi.vsphere.vmware.com',
};

/** Undefined: the provisioner was never replaced. */
export const driverInPlaceOf = (provisioner: string): string | undefined =>
  Object.hasOwn(drivers, provisioner) ? drivers[provisioner] : undefined;
