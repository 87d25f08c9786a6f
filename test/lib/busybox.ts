// The static busybox that hack/test has unpacked: tests do not depend on one of the machine.

export const busybox = process.env['K8TS_BUSYBOX'] ?? '/usr/bin/busybox';
