/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`agents/setup/steps.test.ts > TAP > a control machine with etcd > units and options 1`] = `
# Written by k8ts; changes are overwritten. Yours belong into a drop-in: systemctl edit k8ts-etcd.service
[Unit]
Description=k8ts etcd: the objects of the cluster
PartOf=k8ts.target
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
Environment=ETCD_UNSUPPORTED_ARCH=arm64
Environment=K8TS_EXTRA_ARGS=
EnvironmentFile=-/etc/default/k8ts-etcd
EnvironmentFile=/etc/k8ts/etcd.env
ExecStart=etcd $K8TS_ARGS $K8TS_EXTRA_ARGS
User=k8ts-server
StateDirectory=k8ts/etcd
StateDirectoryMode=0700
LimitNOFILE=65536
OOMScoreAdjust=-950
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
UMask=0077
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
CapabilityBoundingSet=
Restart=always
RestartSec=2
TimeoutStopSec=30
StandardOutput=journal
StandardError=journal
SyslogIdentifier=k8ts-etcd

[Install]
WantedBy=k8ts.target
# Written by k8ts; changes are overwritten. Yours belong into a drop-in: systemctl edit k8ts-balancer.service
[Unit]
Description=k8ts balancer: one address for the API servers of the cluster
PartOf=k8ts.target
Wants=network-online.target
After=network-online.target k8ts-server.service
StartLimitIntervalSec=0

[Service]
Type=exec
Environment=K8TS_EXTRA_ARGS=
EnvironmentFile=-/etc/default/k8ts-balancer
EnvironmentFile=/etc/k8ts/balancer.env
Environment=LD_LIBRARY_PATH=/usr/local/lib/k8ts/lib
CacheDirectory=k8ts-balancer
Environment=NODE_COMPILE_CACHE=/var/cache/k8ts-balancer
ExecStart=/usr/local/lib/k8ts/bin/node /usr/local/lib/k8ts/k8ts.js balancer $K8TS_ARGS $K8TS_EXTRA_ARGS
WatchdogSec=90
WatchdogSignal=SIGINT
TimeoutAbortSec=10
User=k8ts-dns
StateDirectory=k8ts/balancer
StateDirectoryMode=0700
LimitNOFILE=65536
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
UMask=0077
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
CapabilityBoundingSet=
OOMScoreAdjust=-950
Restart=always
RestartSec=2
TimeoutStopSec=30
StandardOutput=journal
StandardError=journal
SyslogIdentifier=k8ts-balancer

[Install]
WantedBy=k8ts.target
# Written by k8ts; changes are overwritten. Yours belong into /etc/default/k8ts-NAME as K8TS_EXTRA_ARGS.
K8TS_ARGS="--name=control --data-dir=/var/lib/k8ts/etcd --listen-client-urls=https://127.0.0.1:2379,https://192.168.56.10:2379 --advertise-client-urls=https://192.168.56.10:2379 --listen-peer-urls=https://192.168.56.10:2380 --initial-advertise-peer-urls=https://192.168.56.10:2380 --initial-cluster=control=https://192.168.56.10:2380 --initial-cluster-state=new --initial-cluster-token=k8ts --listen-metrics-urls=http://127.0.0.1:2381 --trusted-ca-file=/var/lib/k8ts/server/pki/etcd/ca.crt --cert-file=/var/lib/k8ts/server/pki/etcd/server.crt --key-file=/var/lib/k8ts/server/pki/etcd/server.key --client-cert-auth --peer-trusted-ca-file=/var/lib/k8ts/server/pki/etcd/ca.crt --peer-cert-file=/var/lib/k8ts/server/pki/etcd/peer.crt --peer-key-file=/var/lib/k8ts/server/pki/etcd/peer.key --peer-client-cert-auth --auto-compaction-retention=0 --max-txn-ops=10000 --max-request-bytes=8388608 --quota-backend-bytes=8589934592 --snapshot-count=10000 --pre-vote --logger=zap --log-outputs=stderr --log-level=warn"
# Written by k8ts; changes are overwritten. Yours belong into /etc/default/k8ts-NAME as K8TS_EXTRA_ARGS.
K8TS_ARGS="--listen=127.0.0.1:6444 --servers=192.168.56.10:6443 --kubeconfig=/etc/k8ts/dns.conf --state-file=/var/lib/k8ts/balancer/servers.json"

`

exports[`agents/setup/steps.test.ts > TAP > the files of a node, as text > control 1`] = `
--- /etc/systemd/system/k8ts-registry.service 0644
# Written by k8ts; changes are overwritten. Yours belong into a drop-in: systemctl edit k8ts-registry.service
[Unit]
Description=k8ts image registry of this cluster
PartOf=k8ts.target
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
Environment=OTEL_TRACES_EXPORTER=none
ExecStart=/usr/local/lib/k8ts/bin/docker-registry serve /etc/k8ts/registry.yml
User=k8ts-registry
StateDirectory=k8ts/registry
StateDirectoryMode=0700
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
UMask=0077
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
CapabilityBoundingSet=
Restart=always
RestartSec=2
TimeoutStopSec=30
StandardOutput=journal
StandardError=journal
SyslogIdentifier=k8ts-registry

[Install]
WantedBy=k8ts.target
--- /etc/systemd/system/k8ts-server.service 0644
# Written by k8ts; changes are overwritten. Yours belong into a drop-in: systemctl edit k8ts-server.service
[Unit]
Description=k8ts API server, controllers and scheduler
PartOf=k8ts.target
Wants=network-online.target
After=network-online.target k8ts-etcd.service
StartLimitIntervalSec=0

[Service]
Type=exec
Environment=K8TS_EXTRA_ARGS=
EnvironmentFile=-/etc/default/k8ts-server
EnvironmentFile=/etc/k8ts/server.env
Environment=LD_LIBRARY_PATH=/usr/local/lib/k8ts/lib
CacheDirectory=k8ts-server
Environment=NODE_COMPILE_CACHE=/var/cache/k8ts-server
ExecStart=/usr/local/lib/k8ts/bin/node --max-semi-space-size=8 /usr/local/lib/k8ts/k8ts.js server $K8TS_ARGS $K8TS_EXTRA_ARGS
WatchdogSec=90
WatchdogSignal=SIGINT
TimeoutAbortSec=10
Environment=MALLOC_ARENA_MAX=2
Environment=MALLOC_MMAP_THRESHOLD_=131072
Environment=MALLOC_TRIM_THRESHOLD_=131072
User=k8ts-server
StateDirectory=k8ts/server
StateDirectoryMode=0700
LimitNOFILE=65536
OOMScoreAdjust=-900
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
UMask=0077
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
CapabilityBoundingSet=
Restart=always
RestartSec=2
TimeoutStopSec=30
StandardOutput=journal
StandardError=journal
SyslogIdentifier=k8ts-server

[Install]
WantedBy=k8ts.target
--- /etc/systemd/system/k8ts-kubelet.service 0644
# Written by k8ts; changes are overwritten. Yours belong into a drop-in: systemctl edit k8ts-kubelet.service
[Unit]
Description=k8ts kubelet: the pods of this node
PartOf=k8ts.target
Wants=network-online.target docker.service
After=network-online.target docker.service k8ts-server.service k8ts-registry.service
StartLimitIntervalSec=0

[Service]
Type=exec
Environment=K8TS_EXTRA_ARGS=
EnvironmentFile=-/etc/default/k8ts-kubelet
EnvironmentFile=/etc/k8ts/kubelet.env
Environment=LD_LIBRARY_PATH=/usr/local/lib/k8ts/lib
CacheDirectory=k8ts-kubelet
Environment=NODE_COMPILE_CACHE=/var/cache/k8ts-kubelet
ExecStart=/usr/local/lib/k8ts/bin/node /usr/local/lib/k8ts/k8ts.js kubelet $K8TS_ARGS $K8TS_EXTRA_ARGS
WatchdogSec=90
WatchdogSignal=SIGINT
TimeoutAbortSec=10
# root, and in the mount namespace of the machine: it enters the network namespaces of pods, makes links, routes and
# sysctls, and mounts volumes that Docker must see. Any of Protect*, Private* or ReadOnlyPaths would hide those mounts.
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
SystemCallArchitectures=native
LimitNOFILE=1048576
OOMScoreAdjust=-999
Restart=always
RestartSec=2
TimeoutStopSec=60
StandardOutput=journal
StandardError=journal
SyslogIdentifier=k8ts-kubelet

[Install]
WantedBy=k8ts.target
--- /etc/systemd/system/k8ts-kube-proxy.service 0644
# Written by k8ts; changes are overwritten. Yours belong into a drop-in: systemctl edit k8ts-kube-proxy.service
[Unit]
Description=k8ts kube-proxy: Services as netfilter rules
PartOf=k8ts.target
Wants=network-online.target docker.service
After=network-online.target docker.service k8ts-server.service
StartLimitIntervalSec=0

[Service]
Type=exec
Environment=K8TS_EXTRA_ARGS=
EnvironmentFile=-/etc/default/k8ts-kube-proxy
EnvironmentFile=/etc/k8ts/kube-proxy.env
Environment=LD_LIBRARY_PATH=/usr/local/lib/k8ts/lib
CacheDirectory=k8ts-kube-proxy
Environment=NODE_COMPILE_CACHE=/var/cache/k8ts-kube-proxy
ExecStart=/usr/local/lib/k8ts/bin/node /usr/local/lib/k8ts/k8ts.js kube-proxy $K8TS_ARGS $K8TS_EXTRA_ARGS
WatchdogSec=90
WatchdogSignal=SIGINT
TimeoutAbortSec=10
# root, because iptables keeps its lock in /run/xtables.lock and its modules are loaded by root alone; of what root may do,
# only the network and that.
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE CAP_SYS_MODULE
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=/run
ProtectHome=yes
PrivateTmp=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectHostname=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
OOMScoreAdjust=-900
Restart=always
RestartSec=2
TimeoutStopSec=30
StandardOutput=journal
StandardError=journal
SyslogIdentifier=k8ts-kube-proxy

[Install]
WantedBy=k8ts.target
--- /etc/systemd/system/k8ts-dns.service 0644
# Written by k8ts; changes are overwritten. Yours belong into a drop-in: systemctl edit k8ts-dns.service
[Unit]
Description=k8ts dns: names of Services for the pods of this node
PartOf=k8ts.target
Wants=network-online.target
After=network-online.target k8ts-server.service
StartLimitIntervalSec=0

[Service]
Type=exec
Environment=K8TS_EXTRA_ARGS=
EnvironmentFile=-/etc/default/k8ts-dns
EnvironmentFile=/etc/k8ts/dns.env
Environment=LD_LIBRARY_PATH=/usr/local/lib/k8ts/lib
CacheDirectory=k8ts-dns
Environment=NODE_COMPILE_CACHE=/var/cache/k8ts-dns
ExecStart=/usr/local/lib/k8ts/bin/node /usr/local/lib/k8ts/k8ts.js dns $K8TS_ARGS $K8TS_EXTRA_ARGS
WatchdogSec=90
WatchdogSignal=SIGINT
TimeoutAbortSec=10
User=k8ts-dns
RuntimeDirectory=k8ts-dns
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=restart
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
UMask=0077
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
AmbientCapabilities=CAP_NET_BIND_SERVICE
OOMScoreAdjust=-900
Restart=always
RestartSec=2
TimeoutStopSec=30
StandardOutput=journal
StandardError=journal
SyslogIdentifier=k8ts-dns

[Install]
WantedBy=k8ts.target
--- /etc/systemd/system/k8ts-ingress.service 0644
# Written by k8ts; changes are overwritten. Yours belong into a drop-in: systemctl edit k8ts-ingress.service
[Unit]
Description=k8ts ingress: HTTP and HTTPS to pods
PartOf=k8ts.target
Wants=network-online.target
After=network-online.target k8ts-server.service
StartLimitIntervalSec=0

[Service]
Type=exec
Environment=K8TS_EXTRA_ARGS=
EnvironmentFile=-/etc/default/k8ts-ingress
EnvironmentFile=/etc/k8ts/ingress.env
Environment=LD_LIBRARY_PATH=/usr/local/lib/k8ts/lib
CacheDirectory=k8ts-ingress
Environment=NODE_COMPILE_CACHE=/var/cache/k8ts-ingress
ExecStart=/usr/local/lib/k8ts/bin/node /usr/local/lib/k8ts/k8ts.js ingress $K8TS_ARGS $K8TS_EXTRA_ARGS
WatchdogSec=90
WatchdogSignal=SIGINT
TimeoutAbortSec=10
User=k8ts-ingress
RuntimeDirectory=k8ts-ingress
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=restart
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
UMask=0077
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
AmbientCapabilities=CAP_NET_BIND_SERVICE
LimitNOFILE=65536
Restart=always
RestartSec=2
TimeoutStopSec=30
StandardOutput=journal
StandardError=journal
SyslogIdentifier=k8ts-ingress

[Install]
WantedBy=k8ts.target
--- /etc/systemd/system/k8ts-registry-push.service 0644
# Written by k8ts; changes are overwritten.
[Unit]
Description=k8ts image registry, open to writers on this machine
PartOf=k8ts.target

[Service]
Type=exec
Environment=OTEL_TRACES_EXPORTER=none
ExecStart=/usr/local/lib/k8ts/bin/docker-registry serve /etc/k8ts/registry-push.yml
User=k8ts-registry
StateDirectory=k8ts/registry
StateDirectoryMode=0700
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
UMask=0077
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
CapabilityBoundingSet=
--- /etc/systemd/system/k8ts.target 0644
# Written by k8ts; changes are overwritten.
[Unit]
Description=k8ts: this machine as a node of Kubernetes
Wants=network-online.target

[Install]
WantedBy=multi-user.target
--- /etc/k8ts/server.env 0600
# Written by k8ts; changes are overwritten. Yours belong into /etc/default/k8ts-NAME as K8TS_EXTRA_ARGS.
K8TS_ARGS="--data-dir=/var/lib/k8ts/server --pki-dir=/var/lib/k8ts/server/pki --bind-address=0.0.0.0 --secure-port=6443 --advertise-address=192.168.56.10 --service-cidr=10.96.0.0/12 --cluster-cidr=10.244.0.0/16 --cluster-domain=cluster.local --load-balancer-pool=192.168.56.240-192.168.56.250 --store=sqlite"
--- /etc/k8ts/kubelet.env 0600
# Written by k8ts; changes are overwritten. Yours belong into /etc/default/k8ts-NAME as K8TS_EXTRA_ARGS.
K8TS_ARGS="--kubeconfig=/etc/k8ts/kubelet.conf --node-name=control --node-ip=192.168.56.10 --docker-host=unix:///var/run/docker.sock --root-dir=/var/lib/k8ts/kubelet --pki-dir=/etc/k8ts/pki --cluster-dns=10.96.0.10 --cluster-domain=cluster.local --resolv-conf=/run/systemd/resolve/resolv.conf --overlay=auto --node-labels="
--- /etc/k8ts/kube-proxy.env 0600
# Written by k8ts; changes are overwritten. Yours belong into /etc/default/k8ts-NAME as K8TS_EXTRA_ARGS.
K8TS_ARGS="--kubeconfig=/etc/k8ts/kube-proxy.conf --node-name=control --node-ip=192.168.56.10 --cluster-cidr=10.244.0.0/16 --service-cidr=10.96.0.0/12"
--- /etc/k8ts/dns.env 0600
# Written by k8ts; changes are overwritten. Yours belong into /etc/default/k8ts-NAME as K8TS_EXTRA_ARGS.
K8TS_ARGS="--kubeconfig=/etc/k8ts/dns.conf --node-name=control --node-ip=192.168.56.10 --state-dir=/run/k8ts-dns --cluster-domain=cluster.local --resolv-conf=/run/systemd/resolve/resolv.conf"
--- /etc/k8ts/ingress.env 0600
# Written by k8ts; changes are overwritten. Yours belong into /etc/default/k8ts-NAME as K8TS_EXTRA_ARGS.
K8TS_ARGS="--kubeconfig=/etc/k8ts/ingress.conf --node-name=control --node-ip=192.168.56.10 --state-dir=/run/k8ts-ingress --cluster-domain=cluster.local --resolv-conf=/run/systemd/resolve/resolv.conf"
--- /etc/k8ts/registry.yml 0644
# Written by k8ts; changes are overwritten.
version: 0.1
log:
  level: error
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: /var/lib/k8ts/registry
  maintenance:
    readonly:
      enabled: true
http:
  addr: 192.168.56.10:5000
--- /etc/k8ts/registry-push.yml 0644
# Written by k8ts; changes are overwritten.
version: 0.1
log:
  level: error
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: /var/lib/k8ts/registry
  maintenance:
    readonly:
      enabled: false
http:
  addr: 127.0.0.1:5001
--- /etc/sysusers.d/k8ts.conf 0644
# Written by k8ts: each process that is not root has a user. See sysusers.d(5).
u k8ts-server - "k8ts server" /var/lib/k8ts
u k8ts-registry - "k8ts registry" /var/lib/k8ts
u k8ts-dns - "k8ts dns" /var/lib/k8ts
u k8ts-ingress - "k8ts ingress" /var/lib/k8ts
--- /etc/sysctl.d/90-k8ts.conf 0644
# Written by k8ts: pods are reached through their gateway, and many programs watch files. Undone by k8ts reset.
net.ipv4.ip_forward = 1
--- /usr/local/bin/k8ts 0755
#!/bin/sh
exec /usr/local/lib/k8ts/k8ts "$@"
--- /usr/local/bin/kubectl-k8ts 0755
#!/bin/sh
exec /usr/local/lib/k8ts/k8ts "$@"

`

exports[`agents/setup/steps.test.ts > TAP > the files of a node, as text > worker 1`] = `
--- /etc/systemd/system/k8ts-kubelet.service 0644
# Written by k8ts; changes are overwritten. Yours belong into a drop-in: systemctl edit k8ts-kubelet.service
[Unit]
Description=k8ts kubelet: the pods of this node
PartOf=k8ts.target
Wants=network-online.target docker.service
After=network-online.target docker.service k8ts-server.service k8ts-registry.service
StartLimitIntervalSec=0

[Service]
Type=exec
Environment=K8TS_EXTRA_ARGS=
EnvironmentFile=-/etc/default/k8ts-kubelet
EnvironmentFile=/etc/k8ts/kubelet.env
Environment=LD_LIBRARY_PATH=/usr/local/lib/k8ts/lib
CacheDirectory=k8ts-kubelet
Environment=NODE_COMPILE_CACHE=/var/cache/k8ts-kubelet
ExecStart=/usr/local/lib/k8ts/bin/node /usr/local/lib/k8ts/k8ts.js kubelet $K8TS_ARGS $K8TS_EXTRA_ARGS
WatchdogSec=90
WatchdogSignal=SIGINT
TimeoutAbortSec=10
# root, and in the mount namespace of the machine: it enters the network namespaces of pods, makes links, routes and
# sysctls, and mounts volumes that Docker must see. Any of Protect*, Private* or ReadOnlyPaths would hide those mounts.
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
SystemCallArchitectures=native
LimitNOFILE=1048576
OOMScoreAdjust=-999
Restart=always
RestartSec=2
TimeoutStopSec=60
StandardOutput=journal
StandardError=journal
SyslogIdentifier=k8ts-kubelet

[Install]
WantedBy=k8ts.target
--- /etc/systemd/system/k8ts-kube-proxy.service 0644
# Written by k8ts; changes are overwritten. Yours belong into a drop-in: systemctl edit k8ts-kube-proxy.service
[Unit]
Description=k8ts kube-proxy: Services as netfilter rules
PartOf=k8ts.target
Wants=network-online.target docker.service
After=network-online.target docker.service k8ts-server.service
StartLimitIntervalSec=0

[Service]
Type=exec
Environment=K8TS_EXTRA_ARGS=
EnvironmentFile=-/etc/default/k8ts-kube-proxy
EnvironmentFile=/etc/k8ts/kube-proxy.env
Environment=LD_LIBRARY_PATH=/usr/local/lib/k8ts/lib
CacheDirectory=k8ts-kube-proxy
Environment=NODE_COMPILE_CACHE=/var/cache/k8ts-kube-proxy
ExecStart=/usr/local/lib/k8ts/bin/node /usr/local/lib/k8ts/k8ts.js kube-proxy $K8TS_ARGS $K8TS_EXTRA_ARGS
WatchdogSec=90
WatchdogSignal=SIGINT
TimeoutAbortSec=10
# root, because iptables keeps its lock in /run/xtables.lock and its modules are loaded by root alone; of what root may do,
# only the network and that.
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE CAP_SYS_MODULE
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=/run
ProtectHome=yes
PrivateTmp=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectHostname=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
OOMScoreAdjust=-900
Restart=always
RestartSec=2
TimeoutStopSec=30
StandardOutput=journal
StandardError=journal
SyslogIdentifier=k8ts-kube-proxy

[Install]
WantedBy=k8ts.target
--- /etc/systemd/system/k8ts-dns.service 0644
# Written by k8ts; changes are overwritten. Yours belong into a drop-in: systemctl edit k8ts-dns.service
[Unit]
Description=k8ts dns: names of Services for the pods of this node
PartOf=k8ts.target
Wants=network-online.target
After=network-online.target k8ts-server.service
StartLimitIntervalSec=0

[Service]
Type=exec
Environment=K8TS_EXTRA_ARGS=
EnvironmentFile=-/etc/default/k8ts-dns
EnvironmentFile=/etc/k8ts/dns.env
Environment=LD_LIBRARY_PATH=/usr/local/lib/k8ts/lib
CacheDirectory=k8ts-dns
Environment=NODE_COMPILE_CACHE=/var/cache/k8ts-dns
ExecStart=/usr/local/lib/k8ts/bin/node /usr/local/lib/k8ts/k8ts.js dns $K8TS_ARGS $K8TS_EXTRA_ARGS
WatchdogSec=90
WatchdogSignal=SIGINT
TimeoutAbortSec=10
User=k8ts-dns
RuntimeDirectory=k8ts-dns
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=restart
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
UMask=0077
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
AmbientCapabilities=CAP_NET_BIND_SERVICE
OOMScoreAdjust=-900
Restart=always
RestartSec=2
TimeoutStopSec=30
StandardOutput=journal
StandardError=journal
SyslogIdentifier=k8ts-dns

[Install]
WantedBy=k8ts.target
--- /etc/systemd/system/k8ts-ingress.service 0644
# Written by k8ts; changes are overwritten. Yours belong into a drop-in: systemctl edit k8ts-ingress.service
[Unit]
Description=k8ts ingress: HTTP and HTTPS to pods
PartOf=k8ts.target
Wants=network-online.target
After=network-online.target k8ts-server.service
StartLimitIntervalSec=0

[Service]
Type=exec
Environment=K8TS_EXTRA_ARGS=
EnvironmentFile=-/etc/default/k8ts-ingress
EnvironmentFile=/etc/k8ts/ingress.env
Environment=LD_LIBRARY_PATH=/usr/local/lib/k8ts/lib
CacheDirectory=k8ts-ingress
Environment=NODE_COMPILE_CACHE=/var/cache/k8ts-ingress
ExecStart=/usr/local/lib/k8ts/bin/node /usr/local/lib/k8ts/k8ts.js ingress $K8TS_ARGS $K8TS_EXTRA_ARGS
WatchdogSec=90
WatchdogSignal=SIGINT
TimeoutAbortSec=10
User=k8ts-ingress
RuntimeDirectory=k8ts-ingress
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=restart
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
UMask=0077
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
AmbientCapabilities=CAP_NET_BIND_SERVICE
LimitNOFILE=65536
Restart=always
RestartSec=2
TimeoutStopSec=30
StandardOutput=journal
StandardError=journal
SyslogIdentifier=k8ts-ingress

[Install]
WantedBy=k8ts.target
--- /etc/systemd/system/k8ts.target 0644
# Written by k8ts; changes are overwritten.
[Unit]
Description=k8ts: this machine as a node of Kubernetes
Wants=network-online.target

[Install]
WantedBy=multi-user.target
--- /etc/k8ts/kubelet.env 0600
# Written by k8ts; changes are overwritten. Yours belong into /etc/default/k8ts-NAME as K8TS_EXTRA_ARGS.
K8TS_ARGS="--kubeconfig=/etc/k8ts/kubelet.conf --node-name=worker-1 --node-ip=192.168.56.11 --docker-host=unix:///var/run/docker.sock --root-dir=/var/lib/k8ts/kubelet --pki-dir=/etc/k8ts/pki --cluster-dns=10.96.0.10 --cluster-domain=cluster.local --resolv-conf=/run/systemd/resolve/resolv.conf --overlay=auto --node-labels="
--- /etc/k8ts/kube-proxy.env 0600
# Written by k8ts; changes are overwritten. Yours belong into /etc/default/k8ts-NAME as K8TS_EXTRA_ARGS.
K8TS_ARGS="--kubeconfig=/etc/k8ts/kube-proxy.conf --node-name=worker-1 --node-ip=192.168.56.11 --cluster-cidr=10.244.0.0/16 --service-cidr=10.96.0.0/12"
--- /etc/k8ts/dns.env 0600
# Written by k8ts; changes are overwritten. Yours belong into /etc/default/k8ts-NAME as K8TS_EXTRA_ARGS.
K8TS_ARGS="--kubeconfig=/etc/k8ts/dns.conf --node-name=worker-1 --node-ip=192.168.56.11 --state-dir=/run/k8ts-dns --cluster-domain=cluster.local --resolv-conf=/run/systemd/resolve/resolv.conf"
--- /etc/k8ts/ingress.env 0600
# Written by k8ts; changes are overwritten. Yours belong into /etc/default/k8ts-NAME as K8TS_EXTRA_ARGS.
K8TS_ARGS="--kubeconfig=/etc/k8ts/ingress.conf --node-name=worker-1 --node-ip=192.168.56.11 --state-dir=/run/k8ts-ingress --cluster-domain=cluster.local --resolv-conf=/run/systemd/resolve/resolv.conf"
--- /etc/sysusers.d/k8ts.conf 0644
# Written by k8ts: each process that is not root has a user. See sysusers.d(5).
u k8ts-dns - "k8ts dns" /var/lib/k8ts
u k8ts-ingress - "k8ts ingress" /var/lib/k8ts
--- /etc/sysctl.d/90-k8ts.conf 0644
# Written by k8ts: pods are reached through their gateway, and many programs watch files. Undone by k8ts reset.
net.ipv4.ip_forward = 1
--- /usr/local/bin/k8ts 0755
#!/bin/sh
exec /usr/local/lib/k8ts/k8ts "$@"
--- /usr/local/bin/kubectl-k8ts 0755
#!/bin/sh
exec /usr/local/lib/k8ts/k8ts "$@"

`
