/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`dataplane/service/nft/compiler.test.ts > TAP > an empty node, and chosen ranges > IPv4 1`] = `
add table ip k8ts
add map ip k8ts services { type ipv4_addr . inet_proto . inet_service : verdict; }
add map ip k8ts node-ports { type inet_proto . inet_service : verdict; }
add map ip k8ts tcp-endpoints { typeof ip daddr . tcp dport . numgen random mod 2 : ip daddr . tcp dport; }
add map ip k8ts node-tcp-endpoints { typeof tcp dport . numgen random mod 2 : ip daddr . tcp dport; }
add map ip k8ts udp-endpoints { typeof ip daddr . udp dport . numgen random mod 2 : ip daddr . udp dport; }
add map ip k8ts node-udp-endpoints { typeof udp dport . numgen random mod 2 : ip daddr . udp dport; }
add map ip k8ts sctp-endpoints { typeof ip daddr . sctp dport . numgen random mod 2 : ip daddr . sctp dport; }
add map ip k8ts node-sctp-endpoints { typeof sctp dport . numgen random mod 2 : ip daddr . sctp dport; }
add set ip k8ts cluster-ips { type ipv4_addr; }
add set ip k8ts hairpin { type ipv4_addr . ipv4_addr; }
add chain ip k8ts nat-prerouting { type nat hook prerouting priority -100; policy accept; }
add chain ip k8ts nat-output { type nat hook output priority -100; policy accept; }
add chain ip k8ts services
add chain ip k8ts nat-postrouting { type nat hook postrouting priority 100; policy accept; }
add chain ip k8ts hide-source
add chain ip k8ts filter-input { type filter hook input priority -1; policy accept; }
add chain ip k8ts filter-forward { type filter hook forward priority -1; policy accept; }
add chain ip k8ts filter-output { type filter hook output priority -1; policy accept; }
add chain ip k8ts refused
add chain ip k8ts mark-for-reject
add chain ip k8ts mark-for-drop
add chain ip k8ts host-ports
add rule ip k8ts nat-prerouting jump services
add rule ip k8ts nat-output jump services
add rule ip k8ts services ip daddr . meta l4proto . th dport vmap @services
add rule ip k8ts services ip daddr @cluster-ips counter goto mark-for-reject comment "a ClusterIP without such a port"
add rule ip k8ts services ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto . th dport vmap @node-ports
add rule ip k8ts services ip daddr != 127.0.0.0/8 fib daddr type local jump host-ports
add rule ip k8ts services ip saddr != 127.0.0.0/8 ip daddr 127.0.0.0/8 fib saddr type local jump host-ports
add rule ip k8ts nat-postrouting meta mark & 0x00004000 == 0x00004000 goto hide-source
add rule ip k8ts nat-postrouting ip saddr 10.244.1.0/24 ip daddr 10.244.1.0/24 ct status dnat ip saddr . ip daddr @hairpin masquerade fully-random comment "through a Service to itself"
add rule ip k8ts nat-postrouting ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16 fib daddr type != local masquerade fully-random comment "pods leaving the cluster"
add rule ip k8ts hide-source meta mark set meta mark & 0xffffbfff
add rule ip k8ts hide-source masquerade fully-random comment "answers must come back here"
add rule ip k8ts filter-input meta mark & 0x0000a000 != 0 goto refused
add rule ip k8ts filter-forward meta mark & 0x0000a000 != 0 goto refused
add rule ip k8ts filter-forward ip saddr 10.244.0.0/16 tcp flags & (rst | ack) == ack ct state invalid counter drop comment "not translated back"
add rule ip k8ts filter-forward ip saddr 10.244.0.0/16 meta l4proto sctp ct state invalid counter drop comment "not translated back"
add rule ip k8ts filter-output meta mark & 0x0000a000 != 0 goto refused
add rule ip k8ts refused meta mark & 0x00008000 == 0x00008000 counter drop comment "no local endpoints, or source not allowed"
add rule ip k8ts refused meta l4proto tcp counter reject with tcp reset comment "no endpoints, or no such port"
add rule ip k8ts refused counter reject with icmp port-unreachable comment "no endpoints, or no such port"
add rule ip k8ts mark-for-reject meta mark set meta mark | 0x00002000 accept
add rule ip k8ts mark-for-drop meta mark set meta mark | 0x00008000 accept

`

exports[`dataplane/service/nft/compiler.test.ts > TAP > an empty node, and chosen ranges > IPv6 1`] = `
add table ip6 k8ts
add map ip6 k8ts services { type ipv6_addr . inet_proto . inet_service : verdict; }
add map ip6 k8ts node-ports { type inet_proto . inet_service : verdict; }
add map ip6 k8ts tcp-endpoints { typeof ip6 daddr . tcp dport . numgen random mod 2 : ip6 daddr . tcp dport; }
add map ip6 k8ts node-tcp-endpoints { typeof tcp dport . numgen random mod 2 : ip6 daddr . tcp dport; }
add map ip6 k8ts udp-endpoints { typeof ip6 daddr . udp dport . numgen random mod 2 : ip6 daddr . udp dport; }
add map ip6 k8ts node-udp-endpoints { typeof udp dport . numgen random mod 2 : ip6 daddr . udp dport; }
add map ip6 k8ts sctp-endpoints { typeof ip6 daddr . sctp dport . numgen random mod 2 : ip6 daddr . sctp dport; }
add map ip6 k8ts node-sctp-endpoints { typeof sctp dport . numgen random mod 2 : ip6 daddr . sctp dport; }
add set ip6 k8ts cluster-ips { type ipv6_addr; }
add set ip6 k8ts hairpin { type ipv6_addr . ipv6_addr; }
add chain ip6 k8ts nat-prerouting { type nat hook prerouting priority -100; policy accept; }
add chain ip6 k8ts nat-output { type nat hook output priority -100; policy accept; }
add chain ip6 k8ts services
add chain ip6 k8ts nat-postrouting { type nat hook postrouting priority 100; policy accept; }
add chain ip6 k8ts hide-source
add chain ip6 k8ts filter-input { type filter hook input priority -1; policy accept; }
add chain ip6 k8ts filter-forward { type filter hook forward priority -1; policy accept; }
add chain ip6 k8ts filter-output { type filter hook output priority -1; policy accept; }
add chain ip6 k8ts refused
add chain ip6 k8ts mark-for-reject
add chain ip6 k8ts mark-for-drop
add chain ip6 k8ts host-ports
add rule ip6 k8ts nat-prerouting jump services
add rule ip6 k8ts nat-output jump services
add rule ip6 k8ts services ip6 daddr . meta l4proto . th dport vmap @services
add rule ip6 k8ts services ip6 daddr @cluster-ips counter goto mark-for-reject comment "a ClusterIP without such a port"
add rule ip6 k8ts services ip6 daddr fd00:1::/64 fib daddr type local meta l4proto . th dport vmap @node-ports
add rule ip6 k8ts services ip6 daddr != ::1 fib daddr type local jump host-ports
add rule ip6 k8ts services ip6 saddr != ::1 ip6 daddr ::1 fib saddr type local jump host-ports
add rule ip6 k8ts nat-postrouting meta mark & 0x00004000 == 0x00004000 goto hide-source
add rule ip6 k8ts nat-postrouting ip6 saddr fd00:244:1::/64 ip6 daddr fd00:244:1::/64 ct status dnat ip6 saddr . ip6 daddr @hairpin masquerade fully-random comment "through a Service to itself"
add rule ip6 k8ts nat-postrouting ip6 saddr fd00:244::/32 ip6 daddr != fd00:244::/32 fib daddr type != local masquerade fully-random comment "pods leaving the cluster"
add rule ip6 k8ts hide-source meta mark set meta mark & 0xffffbfff
add rule ip6 k8ts hide-source masquerade fully-random comment "answers must come back here"
add rule ip6 k8ts filter-input meta mark & 0x0000a000 != 0 goto refused
add rule ip6 k8ts filter-forward meta mark & 0x0000a000 != 0 goto refused
add rule ip6 k8ts filter-forward ip6 daddr fd00:96::/108 counter drop comment "no Service has this address"
add rule ip6 k8ts filter-forward ip6 saddr fd00:244::/32 tcp flags & (rst | ack) == ack ct state invalid counter drop comment "not translated back"
add rule ip6 k8ts filter-forward ip6 saddr fd00:244::/32 meta l4proto sctp ct state invalid counter drop comment "not translated back"
add rule ip6 k8ts filter-output meta mark & 0x0000a000 != 0 goto refused
add rule ip6 k8ts filter-output ip6 daddr fd00:96::/108 counter drop comment "no Service has this address"
add rule ip6 k8ts refused meta mark & 0x00008000 == 0x00008000 counter drop comment "no local endpoints, or source not allowed"
add rule ip6 k8ts refused meta l4proto tcp counter reject with tcp reset comment "no endpoints, or no such port"
add rule ip6 k8ts refused counter reject with icmpv6 port-unreachable comment "no endpoints, or no such port"
add rule ip6 k8ts mark-for-reject meta mark set meta mark | 0x00002000 accept
add rule ip6 k8ts mark-for-drop meta mark set meta mark | 0x00008000 accept

`

exports[`dataplane/service/nft/compiler.test.ts > TAP > ClusterIP > transaction 1`] = `
add table ip k8ts
add chain ip k8ts tcp-cluster-2
add rule ip k8ts tcp-cluster-2 ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x00004000 comment "from outside the pod network"
add rule ip k8ts tcp-cluster-2 dnat ip addr . port to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints
add rule ip k8ts tcp-cluster-2 drop comment "the endpoint has just been removed"
add element ip k8ts services { 10.96.3.7 . 6 . 80 comment "shop/web:http" : goto tcp-cluster-2 }
add element ip k8ts tcp-endpoints { 10.96.3.7 . 80 . 0 : 10.244.1.5 . 8080, 10.96.3.7 . 80 . 1 : 10.244.2.9 . 8080 }
add element ip k8ts cluster-ips { 10.96.3.7 comment "shop/web" }
add element ip k8ts hairpin { 10.244.1.5 . 10.244.1.5 }

`

exports[`dataplane/service/nft/compiler.test.ts > TAP > host ports > transaction 1`] = `
add table ip k8ts
flush chain ip k8ts host-ports
add rule ip k8ts host-ports meta l4proto udp th dport 8002 dnat to 10.244.1.102:8081 comment "pod/ns2/p2"
add rule ip k8ts host-ports ip daddr 192.168.57.11 meta l4proto tcp th dport 8009 dnat to 10.244.1.101:8081 comment "pod/ns1/p1"
add rule ip k8ts host-ports meta l4proto tcp th dport 8014 dnat to 10.244.1.100:8080 comment "pod/ns0/p0"
add element ip k8ts hairpin { 10.244.1.100 . 10.244.1.100, 10.244.1.101 . 10.244.1.101, 10.244.1.102 . 10.244.1.102 }

`

exports[`dataplane/service/nft/compiler.test.ts > TAP > internal policy Local > transaction 1`] = `
add table ip k8ts
add chain ip k8ts tcp-local-1
add rule ip k8ts tcp-local-1 dnat ip addr . port to ip daddr . tcp dport . numgen random mod 1 offset 65536 map @tcp-endpoints
add rule ip k8ts tcp-local-1 drop comment "the endpoint has just been removed"
add element ip k8ts services { 10.96.3.7 . 6 . 80 comment "shop/web:http" : goto tcp-local-1 }
add element ip k8ts tcp-endpoints { 10.96.3.7 . 80 . 65536 : 10.244.1.5 . 8080 }
add element ip k8ts cluster-ips { 10.96.3.7 comment "shop/web" }
add element ip k8ts hairpin { 10.244.1.5 . 10.244.1.5 }

`

exports[`dataplane/service/nft/compiler.test.ts > TAP > IPv6: addresses as the kernel prints them > transaction 1`] = `
add table ip6 k8ts
add set ip6 k8ts clients-4HZFIZXSGNTL3TIZ { type ipv6_addr; flags dynamic,timeout; timeout 600s; size 65535; }
add chain ip6 k8ts to-4HZFIZXSGNTL3TIZ
add chain ip6 k8ts affinity-RWBFHQHXDQP5PV3C
add rule ip6 k8ts to-4HZFIZXSGNTL3TIZ update @clients-4HZFIZXSGNTL3TIZ { ip6 saddr } comment "shop/web:http -> [fd00:244:1::5]:8080"
add rule ip6 k8ts to-4HZFIZXSGNTL3TIZ meta l4proto tcp dnat to [fd00:244:1::5]:8080
add rule ip6 k8ts affinity-RWBFHQHXDQP5PV3C ip6 saddr != fd00:244::/32 meta mark set meta mark | 0x00004000 comment "from outside the pod network"
add rule ip6 k8ts affinity-RWBFHQHXDQP5PV3C ip6 saddr @clients-4HZFIZXSGNTL3TIZ goto to-4HZFIZXSGNTL3TIZ comment "shop/web:http -> [fd00:244:1::5]:8080"
add rule ip6 k8ts affinity-RWBFHQHXDQP5PV3C numgen random mod 1 vmap { 0 : goto to-4HZFIZXSGNTL3TIZ }
add element ip6 k8ts services { fd00:96::7 . 6 . 80 comment "shop/web:http" : goto affinity-RWBFHQHXDQP5PV3C }
add element ip6 k8ts cluster-ips { fd00:96::7 comment "shop/web" }
add element ip6 k8ts hairpin { fd00:244:1::5 . fd00:244:1::5 }

`

exports[`dataplane/service/nft/compiler.test.ts > TAP > LoadBalancer with source ranges and external address > transaction 1`] = `
add table ip k8ts
add chain ip k8ts udp-cluster-2
add chain ip k8ts udp-outside-2
add chain ip k8ts allowed-HTZLPZSBYXHDKOOC
add rule ip k8ts udp-cluster-2 ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x00004000 comment "from outside the pod network"
add rule ip k8ts udp-cluster-2 dnat ip addr . port to ip daddr . udp dport . numgen random mod 2 map @udp-endpoints
add rule ip k8ts udp-cluster-2 drop comment "the endpoint has just been removed"
add rule ip k8ts udp-outside-2 ip saddr != 10.244.1.0/24 meta mark set meta mark | 0x00004000 comment "from outside"
add rule ip k8ts udp-outside-2 goto udp-cluster-2
add rule ip k8ts allowed-HTZLPZSBYXHDKOOC goto udp-outside-2 comment "shop/web:http: source range"
add rule ip k8ts allowed-HTZLPZSBYXHDKOOC ip saddr 203.0.113.0/24 goto udp-outside-2 comment "shop/web:http: source range"
add rule ip k8ts allowed-HTZLPZSBYXHDKOOC goto mark-for-drop comment "shop/web:http: not in a source range"
add element ip k8ts services { 10.96.3.7 . 17 . 80 comment "shop/web:http" : goto udp-cluster-2, 203.0.113.9 . 17 . 80 comment "shop/web:http" : goto udp-outside-2, 192.168.57.240 . 17 . 80 comment "shop/web:http" : goto allowed-HTZLPZSBYXHDKOOC }
add element ip k8ts udp-endpoints { 10.96.3.7 . 80 . 0 : 10.244.1.5 . 8080, 10.96.3.7 . 80 . 1 : 10.244.2.9 . 8080, 203.0.113.9 . 80 . 0 : 10.244.1.5 . 8080, 203.0.113.9 . 80 . 1 : 10.244.2.9 . 8080, 192.168.57.240 . 80 . 0 : 10.244.1.5 . 8080, 192.168.57.240 . 80 . 1 : 10.244.2.9 . 8080 }
add element ip k8ts cluster-ips { 10.96.3.7 comment "shop/web" }
add element ip k8ts hairpin { 10.244.1.5 . 10.244.1.5 }

`

exports[`dataplane/service/nft/compiler.test.ts > TAP > no endpoints > transaction 1`] = `
add table ip k8ts
add element ip k8ts services { 10.96.3.7 . 6 . 80 comment "shop/web:http has no endpoints" : goto mark-for-reject }
add element ip k8ts cluster-ips { 10.96.3.7 comment "shop/web" }

`

exports[`dataplane/service/nft/compiler.test.ts > TAP > NodePort > transaction 1`] = `
add table ip k8ts
add chain ip k8ts tcp-cluster-2
add chain ip k8ts node-tcp-cluster-2
add chain ip k8ts node-tcp-outside-2
add rule ip k8ts tcp-cluster-2 ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x00004000 comment "from outside the pod network"
add rule ip k8ts tcp-cluster-2 dnat ip addr . port to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints
add rule ip k8ts tcp-cluster-2 drop comment "the endpoint has just been removed"
add rule ip k8ts node-tcp-cluster-2 ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x00004000 comment "from outside the pod network"
add rule ip k8ts node-tcp-cluster-2 dnat ip addr . port to tcp dport . numgen random mod 2 map @node-tcp-endpoints
add rule ip k8ts node-tcp-cluster-2 drop comment "the endpoint has just been removed"
add rule ip k8ts node-tcp-outside-2 ip saddr != 10.244.1.0/24 meta mark set meta mark | 0x00004000 comment "from outside"
add rule ip k8ts node-tcp-outside-2 goto node-tcp-cluster-2
add element ip k8ts services { 10.96.3.7 . 6 . 80 comment "shop/web:http" : goto tcp-cluster-2 }
add element ip k8ts node-ports { 6 . 30080 comment "shop/web:http" : goto node-tcp-outside-2 }
add element ip k8ts tcp-endpoints { 10.96.3.7 . 80 . 0 : 10.244.1.5 . 8080, 10.96.3.7 . 80 . 1 : 10.244.2.9 . 8080 }
add element ip k8ts node-tcp-endpoints { 30080 . 0 : 10.244.1.5 . 8080, 30080 . 1 : 10.244.2.9 . 8080 }
add element ip k8ts cluster-ips { 10.96.3.7 comment "shop/web" }
add element ip k8ts hairpin { 10.244.1.5 . 10.244.1.5 }

`

exports[`dataplane/service/nft/compiler.test.ts > TAP > NodePort, pod range of the node not known > transaction 1`] = `
add table ip k8ts
add chain ip k8ts tcp-cluster-2
add chain ip k8ts node-tcp-cluster-2
add chain ip k8ts node-tcp-outside-2
add rule ip k8ts tcp-cluster-2 ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x00004000 comment "from outside the pod network"
add rule ip k8ts tcp-cluster-2 dnat ip addr . port to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints
add rule ip k8ts tcp-cluster-2 drop comment "the endpoint has just been removed"
add rule ip k8ts node-tcp-cluster-2 ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x00004000 comment "from outside the pod network"
add rule ip k8ts node-tcp-cluster-2 dnat ip addr . port to tcp dport . numgen random mod 2 map @node-tcp-endpoints
add rule ip k8ts node-tcp-cluster-2 drop comment "the endpoint has just been removed"
add rule ip k8ts node-tcp-outside-2 meta mark set meta mark | 0x00004000 comment "from outside"
add rule ip k8ts node-tcp-outside-2 goto node-tcp-cluster-2
add element ip k8ts services { 10.96.3.7 . 6 . 80 comment "shop/web:http" : goto tcp-cluster-2 }
add element ip k8ts node-ports { 6 . 30080 comment "shop/web:http" : goto node-tcp-outside-2 }
add element ip k8ts tcp-endpoints { 10.96.3.7 . 80 . 0 : 10.244.1.5 . 8080, 10.96.3.7 . 80 . 1 : 10.244.2.9 . 8080 }
add element ip k8ts node-tcp-endpoints { 30080 . 0 : 10.244.1.5 . 8080, 30080 . 1 : 10.244.2.9 . 8080 }
add element ip k8ts cluster-ips { 10.96.3.7 comment "shop/web" }
add element ip k8ts hairpin { 10.244.1.5 . 10.244.1.5 }

`

exports[`dataplane/service/nft/compiler.test.ts > TAP > NodePort, policy Local > transaction 1`] = `
add table ip k8ts
add chain ip k8ts tcp-cluster-2
add chain ip k8ts node-tcp-cluster-2
add chain ip k8ts node-tcp-local-1
add chain ip k8ts node-tcp-outside-2-1
add rule ip k8ts tcp-cluster-2 ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x00004000 comment "from outside the pod network"
add rule ip k8ts tcp-cluster-2 dnat ip addr . port to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints
add rule ip k8ts tcp-cluster-2 drop comment "the endpoint has just been removed"
add rule ip k8ts node-tcp-cluster-2 ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x00004000 comment "from outside the pod network"
add rule ip k8ts node-tcp-cluster-2 dnat ip addr . port to tcp dport . numgen random mod 2 map @node-tcp-endpoints
add rule ip k8ts node-tcp-cluster-2 drop comment "the endpoint has just been removed"
add rule ip k8ts node-tcp-local-1 dnat ip addr . port to tcp dport . numgen random mod 1 offset 65536 map @node-tcp-endpoints
add rule ip k8ts node-tcp-local-1 drop comment "the endpoint has just been removed"
add rule ip k8ts node-tcp-outside-2-1 ip saddr 10.244.1.0/24 goto node-tcp-cluster-2 comment "from pods"
add rule ip k8ts node-tcp-outside-2-1 fib saddr type local goto node-tcp-cluster-2 comment "from the node"
add rule ip k8ts node-tcp-outside-2-1 goto node-tcp-local-1
add element ip k8ts services { 10.96.3.7 . 6 . 80 comment "shop/web:http" : goto tcp-cluster-2 }
add element ip k8ts node-ports { 6 . 30080 comment "shop/web:http" : goto node-tcp-outside-2-1 }
add element ip k8ts tcp-endpoints { 10.96.3.7 . 80 . 0 : 10.244.1.5 . 8080, 10.96.3.7 . 80 . 1 : 10.244.2.9 . 8080 }
add element ip k8ts node-tcp-endpoints { 30080 . 0 : 10.244.1.5 . 8080, 30080 . 1 : 10.244.2.9 . 8080, 30080 . 65536 : 10.244.1.5 . 8080 }
add element ip k8ts cluster-ips { 10.96.3.7 comment "shop/web" }
add element ip k8ts hairpin { 10.244.1.5 . 10.244.1.5 }

`

exports[`dataplane/service/nft/compiler.test.ts > TAP > NodePort, policy Local, no local endpoints > transaction 1`] = `
add table ip k8ts
add chain ip k8ts tcp-cluster-1
add chain ip k8ts node-tcp-cluster-1
add chain ip k8ts node-tcp-outside-1-0
add rule ip k8ts tcp-cluster-1 ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x00004000 comment "from outside the pod network"
add rule ip k8ts tcp-cluster-1 dnat ip addr . port to ip daddr . tcp dport . numgen random mod 1 map @tcp-endpoints
add rule ip k8ts tcp-cluster-1 drop comment "the endpoint has just been removed"
add rule ip k8ts node-tcp-cluster-1 ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x00004000 comment "from outside the pod network"
add rule ip k8ts node-tcp-cluster-1 dnat ip addr . port to tcp dport . numgen random mod 1 map @node-tcp-endpoints
add rule ip k8ts node-tcp-cluster-1 drop comment "the endpoint has just been removed"
add rule ip k8ts node-tcp-outside-1-0 ip saddr 10.244.1.0/24 goto node-tcp-cluster-1 comment "from pods"
add rule ip k8ts node-tcp-outside-1-0 fib saddr type local goto node-tcp-cluster-1 comment "from the node"
add rule ip k8ts node-tcp-outside-1-0 goto mark-for-drop
add element ip k8ts services { 10.96.3.7 . 6 . 80 comment "shop/web:http" : goto tcp-cluster-1 }
add element ip k8ts node-ports { 6 . 30080 comment "shop/web:http" : goto node-tcp-outside-1-0 }
add element ip k8ts tcp-endpoints { 10.96.3.7 . 80 . 0 : 10.244.2.9 . 8080 }
add element ip k8ts node-tcp-endpoints { 30080 . 0 : 10.244.2.9 . 8080 }
add element ip k8ts cluster-ips { 10.96.3.7 comment "shop/web" }

`

exports[`dataplane/service/nft/compiler.test.ts > TAP > session affinity > transaction 1`] = `
add table ip k8ts
add set ip k8ts clients-BLJ2GC5SQVV6Q3MA { type ipv4_addr; flags dynamic,timeout; timeout 10800s; size 65535; }
add set ip k8ts clients-DB2354NT6WVGICNZ { type ipv4_addr; flags dynamic,timeout; timeout 10800s; size 65535; }
add chain ip k8ts to-BLJ2GC5SQVV6Q3MA
add chain ip k8ts to-DB2354NT6WVGICNZ
add chain ip k8ts affinity-RWBFHQHXDQP5PV3C
add rule ip k8ts to-BLJ2GC5SQVV6Q3MA update @clients-BLJ2GC5SQVV6Q3MA { ip saddr } comment "shop/web:http -> 10.244.1.5:8080"
add rule ip k8ts to-BLJ2GC5SQVV6Q3MA meta l4proto tcp dnat to 10.244.1.5:8080
add rule ip k8ts to-DB2354NT6WVGICNZ update @clients-DB2354NT6WVGICNZ { ip saddr } comment "shop/web:http -> 10.244.2.9:8080"
add rule ip k8ts to-DB2354NT6WVGICNZ meta l4proto tcp dnat to 10.244.2.9:8080
add rule ip k8ts affinity-RWBFHQHXDQP5PV3C ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x00004000 comment "from outside the pod network"
add rule ip k8ts affinity-RWBFHQHXDQP5PV3C ip saddr @clients-BLJ2GC5SQVV6Q3MA goto to-BLJ2GC5SQVV6Q3MA comment "shop/web:http -> 10.244.1.5:8080"
add rule ip k8ts affinity-RWBFHQHXDQP5PV3C ip saddr @clients-DB2354NT6WVGICNZ goto to-DB2354NT6WVGICNZ comment "shop/web:http -> 10.244.2.9:8080"
add rule ip k8ts affinity-RWBFHQHXDQP5PV3C numgen random mod 2 vmap { 0 : goto to-BLJ2GC5SQVV6Q3MA, 1 : goto to-DB2354NT6WVGICNZ }
add element ip k8ts services { 10.96.3.7 . 6 . 80 comment "shop/web:http" : goto affinity-RWBFHQHXDQP5PV3C }
add element ip k8ts cluster-ips { 10.96.3.7 comment "shop/web" }
add element ip k8ts hairpin { 10.244.1.5 . 10.244.1.5 }

`
