/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`dataplane/service/iptables/compiler.test.ts > TAP > ClusterIP > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
:K8TS-SVC-RWBFHQHXDQP5PV3C - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-HAIRPIN -s 10.244.1.5/32 -d 10.244.1.5/32 -m comment --comment "shop/web:http: to itself" -j MASQUERADE --random-fully
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES -d 10.96.3.7/32 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-SERVICES -d 10.96.3.7/32 -m comment --comment "shop/web: no such port" -j MARK --set-xmark 0x2000/0x2000
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
-A K8TS-SVC-RWBFHQHXDQP5PV3C ! -s 10.244.0.0/16 -m comment --comment "shop/web:http: from outside the pod network" -j MARK --set-xmark 0x4000/0x4000
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.1.5:8080" -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.244.1.5:8080
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.2.9:8080" -j DNAT --to-destination 10.244.2.9:8080
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > DNS: one port over UDP and TCP > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
:K8TS-SVL-ESQPBOOMHTQQKQ2N - [0:0]
:K8TS-SVL-ZYTIVLFNZS3QABM7 - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-HAIRPIN -s 192.168.57.11/32 -d 192.168.57.11/32 -m comment --comment "kube-system/kube-dns:dns: to itself" -j MASQUERADE --random-fully
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES -d 10.96.0.10/32 -p udp -m comment --comment "kube-system/kube-dns:dns" -m udp --dport 53 -j K8TS-SVL-ZYTIVLFNZS3QABM7
-A K8TS-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "kube-system/kube-dns:dns-tcp" -m tcp --dport 53 -j K8TS-SVL-ESQPBOOMHTQQKQ2N
-A K8TS-SERVICES -d 10.96.0.10/32 -m comment --comment "kube-system/kube-dns: no such port" -j MARK --set-xmark 0x2000/0x2000
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
-A K8TS-SVL-ESQPBOOMHTQQKQ2N -p tcp -m comment --comment "kube-system/kube-dns:dns-tcp -> 192.168.57.11:53" -j DNAT --to-destination 192.168.57.11:53
-A K8TS-SVL-ZYTIVLFNZS3QABM7 -p udp -m comment --comment "kube-system/kube-dns:dns -> 192.168.57.11:53" -j DNAT --to-destination 192.168.57.11:53
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > hints assign one endpoint to other nodes > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
:K8TS-SVC-RWBFHQHXDQP5PV3C - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-HAIRPIN -s 10.244.1.5/32 -d 10.244.1.5/32 -m comment --comment "shop/web:http: to itself" -j MASQUERADE --random-fully
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES -d 10.96.3.7/32 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-SERVICES -d 10.96.3.7/32 -m comment --comment "shop/web: no such port" -j MARK --set-xmark 0x2000/0x2000
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
-A K8TS-SVC-RWBFHQHXDQP5PV3C ! -s 10.244.0.0/16 -m comment --comment "shop/web:http: from outside the pod network" -j MARK --set-xmark 0x4000/0x4000
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.1.5:8080" -j DNAT --to-destination 10.244.1.5:8080
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > host ports of a pod > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-HOSTPORTS - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
:K8TS-SVL-24XO5UL7RF4ENVFL - [0:0]
:K8TS-SVL-5GS4VKOFXETGZZZQ - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-HAIRPIN -s 10.244.1.5/32 -d 10.244.1.5/32 -m comment --comment "pod/shop/web-0:dns: to itself" -j MASQUERADE --random-fully
-A K8TS-HOSTPORTS -d 192.168.57.11/32 -p udp -m comment --comment "pod/shop/web-0:dns" -m udp --dport 53 -j K8TS-SVL-5GS4VKOFXETGZZZQ
-A K8TS-HOSTPORTS -p tcp -m comment --comment "pod/shop/web-0:http" -m tcp --dport 8443 -j K8TS-SVL-24XO5UL7RF4ENVFL
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: host ports of pods" -m addrtype --dst-type LOCAL -j K8TS-HOSTPORTS
-A K8TS-SERVICES ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "k8ts: host ports on loopback" -m addrtype --src-type LOCAL -m addrtype --dst-type LOCAL -j K8TS-HOSTPORTS
-A K8TS-SVL-24XO5UL7RF4ENVFL -p tcp -m comment --comment "pod/shop/web-0:http -> 10.244.1.5:8080" -j DNAT --to-destination 10.244.1.5:8080
-A K8TS-SVL-5GS4VKOFXETGZZZQ -p udp -m comment --comment "pod/shop/web-0:dns -> 10.244.1.5:8080" -j DNAT --to-destination 10.244.1.5:8080
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > internal policy Local > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
:K8TS-SVL-RWBFHQHXDQP5PV3C - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-HAIRPIN -s 10.244.1.5/32 -d 10.244.1.5/32 -m comment --comment "shop/web:http: to itself" -j MASQUERADE --random-fully
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES -d 10.96.3.7/32 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-SVL-RWBFHQHXDQP5PV3C
-A K8TS-SERVICES -d 10.96.3.7/32 -m comment --comment "shop/web: no such port" -j MARK --set-xmark 0x2000/0x2000
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
-A K8TS-SVL-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.1.5:8080" -j DNAT --to-destination 10.244.1.5:8080
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > internal policy Local, no local endpoints > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES -d 10.96.3.7/32 -p tcp -m comment --comment "shop/web:http has no local endpoints" -m tcp --dport 80 -j MARK --set-xmark 0x8000/0x8000
-A K8TS-SERVICES -d 10.96.3.7/32 -m comment --comment "shop/web: no such port" -j MARK --set-xmark 0x2000/0x2000
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > IPv6 > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-EXT-RWBFHQHXDQP5PV3C - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
:K8TS-SVC-RWBFHQHXDQP5PV3C - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-EXT-RWBFHQHXDQP5PV3C ! -s fd00:244:1::/64 -m comment --comment "shop/web:http: from outside" -j MARK --set-xmark 0x4000/0x4000
-A K8TS-EXT-RWBFHQHXDQP5PV3C -m comment --comment "shop/web:http" -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-HAIRPIN -s fd00:244:1::5/128 -d fd00:244:1::5/128 -m comment --comment "shop/web:http: to itself" -j MASQUERADE --random-fully
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-NODEPORTS -p tcp -m comment --comment "shop/web:http" -m tcp --dport 30080 -j K8TS-EXT-RWBFHQHXDQP5PV3C
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s fd00:244:1::/64 -d fd00:244:1::/64 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s fd00:244::/32 ! -d fd00:244::/32 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES -d fd00:96::7/128 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-SERVICES -d fd00:96::7/128 -m comment --comment "shop/web: no such port" -j MARK --set-xmark 0x2000/0x2000
-A K8TS-SERVICES ! -d ::1/128 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
-A K8TS-SVC-RWBFHQHXDQP5PV3C ! -s fd00:244::/32 -m comment --comment "shop/web:http: from outside the pod network" -j MARK --set-xmark 0x4000/0x4000
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> [fd00:244:1::5]:8080" -m recent --update --seconds 600 --reap --name K8TS-WAJR5PXX3DWGOPB4 --mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rsource -j DNAT --to-destination [fd00:244:1::5]:8080
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> [fd00:244:2::9]:8080" -m recent --update --seconds 600 --reap --name K8TS-PKID7HDGBIFNGOAH --mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rsource -j DNAT --to-destination [fd00:244:2::9]:8080
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> [fd00:244:1::5]:8080" -m statistic --mode random --probability 0.50000000000 -m recent --set --name K8TS-WAJR5PXX3DWGOPB4 --mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rsource -j DNAT --to-destination [fd00:244:1::5]:8080
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> [fd00:244:2::9]:8080" -m recent --set --name K8TS-PKID7HDGBIFNGOAH --mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rsource -j DNAT --to-destination [fd00:244:2::9]:8080
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s fd00:244::/32 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s fd00:244::/32 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s fd00:244::/32 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d fd00:244::/32 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp6-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > LoadBalancer with source ranges, external address, health check > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-EXT-RWBFHQHXDQP5PV3C - [0:0]
:K8TS-FW-RWBFHQHXDQP5PV3C - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
:K8TS-SVC-RWBFHQHXDQP5PV3C - [0:0]
:K8TS-SVL-RWBFHQHXDQP5PV3C - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-EXT-RWBFHQHXDQP5PV3C -s 10.244.1.0/24 -m comment --comment "shop/web:http: from pods" -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-EXT-RWBFHQHXDQP5PV3C -m comment --comment "shop/web:http: from the node" -m addrtype --src-type LOCAL -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-EXT-RWBFHQHXDQP5PV3C -m comment --comment "shop/web:http" -j K8TS-SVL-RWBFHQHXDQP5PV3C
-A K8TS-FW-RWBFHQHXDQP5PV3C -s 198.51.100.0/24 -m comment --comment "shop/web:http: source range 198.51.100.0/24" -j K8TS-EXT-RWBFHQHXDQP5PV3C
-A K8TS-FW-RWBFHQHXDQP5PV3C -s 203.0.113.0/24 -m comment --comment "shop/web:http: source range 203.0.113.0/24" -j K8TS-EXT-RWBFHQHXDQP5PV3C
-A K8TS-FW-RWBFHQHXDQP5PV3C -m comment --comment "shop/web:http: not in a source range" -j MARK --set-xmark 0x8000/0x8000
-A K8TS-HAIRPIN -s 10.244.1.5/32 -d 10.244.1.5/32 -m comment --comment "shop/web:http: to itself" -j MASQUERADE --random-fully
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-NODEPORTS -p tcp -m comment --comment "shop/web:http" -m tcp --dport 30080 -j K8TS-EXT-RWBFHQHXDQP5PV3C
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES -d 10.96.3.7/32 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-SERVICES -d 10.96.3.7/32 -m comment --comment "shop/web: no such port" -j MARK --set-xmark 0x2000/0x2000
-A K8TS-SERVICES -d 192.168.57.240/32 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-FW-RWBFHQHXDQP5PV3C
-A K8TS-SERVICES -d 203.0.113.9/32 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-EXT-RWBFHQHXDQP5PV3C
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
-A K8TS-SVC-RWBFHQHXDQP5PV3C ! -s 10.244.0.0/16 -m comment --comment "shop/web:http: from outside the pod network" -j MARK --set-xmark 0x4000/0x4000
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.1.5:8080" -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.244.1.5:8080
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.2.9:8080" -j DNAT --to-destination 10.244.2.9:8080
-A K8TS-SVL-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.1.5:8080" -j DNAT --to-destination 10.244.1.5:8080
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-INPUT -p tcp -m comment --comment "shop/web: health check" -m tcp --dport 31000 -j ACCEPT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > no endpoints > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES -d 10.96.3.7/32 -p tcp -m comment --comment "shop/web:http has no endpoints" -m tcp --dport 80 -j MARK --set-xmark 0x2000/0x2000
-A K8TS-SERVICES -d 10.96.3.7/32 -m comment --comment "shop/web: no such port" -j MARK --set-xmark 0x2000/0x2000
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > no Service > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > no Service, pod range of the node not known > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.0.0/16 -d 10.244.0.0/16 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > NodePort > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-EXT-RWBFHQHXDQP5PV3C - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
:K8TS-SVC-RWBFHQHXDQP5PV3C - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-EXT-RWBFHQHXDQP5PV3C ! -s 10.244.1.0/24 -m comment --comment "shop/web:http: from outside" -j MARK --set-xmark 0x4000/0x4000
-A K8TS-EXT-RWBFHQHXDQP5PV3C -m comment --comment "shop/web:http" -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-HAIRPIN -s 10.244.1.5/32 -d 10.244.1.5/32 -m comment --comment "shop/web:http: to itself" -j MASQUERADE --random-fully
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-NODEPORTS -p tcp -m comment --comment "shop/web:http" -m tcp --dport 30080 -j K8TS-EXT-RWBFHQHXDQP5PV3C
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES -d 10.96.3.7/32 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-SERVICES -d 10.96.3.7/32 -m comment --comment "shop/web: no such port" -j MARK --set-xmark 0x2000/0x2000
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
-A K8TS-SVC-RWBFHQHXDQP5PV3C ! -s 10.244.0.0/16 -m comment --comment "shop/web:http: from outside the pod network" -j MARK --set-xmark 0x4000/0x4000
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.1.5:8080" -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.244.1.5:8080
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.2.9:8080" -j DNAT --to-destination 10.244.2.9:8080
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > NodePort on chosen addresses > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-EXT-RWBFHQHXDQP5PV3C - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
:K8TS-SVC-RWBFHQHXDQP5PV3C - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-EXT-RWBFHQHXDQP5PV3C ! -s 10.244.1.0/24 -m comment --comment "shop/web:http: from outside" -j MARK --set-xmark 0x4000/0x4000
-A K8TS-EXT-RWBFHQHXDQP5PV3C -m comment --comment "shop/web:http" -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-HAIRPIN -s 10.244.1.5/32 -d 10.244.1.5/32 -m comment --comment "shop/web:http: to itself" -j MASQUERADE --random-fully
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-NODEPORTS -p tcp -m comment --comment "shop/web:http" -m tcp --dport 30080 -j K8TS-EXT-RWBFHQHXDQP5PV3C
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES -d 10.96.3.7/32 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-SERVICES -d 10.96.3.7/32 -m comment --comment "shop/web: no such port" -j MARK --set-xmark 0x2000/0x2000
-A K8TS-SERVICES -d 192.168.57.11/32 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
-A K8TS-SERVICES -d 192.168.58.0/24 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
-A K8TS-SVC-RWBFHQHXDQP5PV3C ! -s 10.244.0.0/16 -m comment --comment "shop/web:http: from outside the pod network" -j MARK --set-xmark 0x4000/0x4000
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.1.5:8080" -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.244.1.5:8080
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.2.9:8080" -j DNAT --to-destination 10.244.2.9:8080
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > NodePort, pod range of the node not known > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-EXT-RWBFHQHXDQP5PV3C - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
:K8TS-SVC-RWBFHQHXDQP5PV3C - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-EXT-RWBFHQHXDQP5PV3C -m comment --comment "shop/web:http: from outside" -j MARK --set-xmark 0x4000/0x4000
-A K8TS-EXT-RWBFHQHXDQP5PV3C -m comment --comment "shop/web:http" -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-HAIRPIN -s 10.244.1.5/32 -d 10.244.1.5/32 -m comment --comment "shop/web:http: to itself" -j MASQUERADE --random-fully
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-NODEPORTS -p tcp -m comment --comment "shop/web:http" -m tcp --dport 30080 -j K8TS-EXT-RWBFHQHXDQP5PV3C
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.0.0/16 -d 10.244.0.0/16 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES -d 10.96.3.7/32 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-SERVICES -d 10.96.3.7/32 -m comment --comment "shop/web: no such port" -j MARK --set-xmark 0x2000/0x2000
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
-A K8TS-SVC-RWBFHQHXDQP5PV3C ! -s 10.244.0.0/16 -m comment --comment "shop/web:http: from outside the pod network" -j MARK --set-xmark 0x4000/0x4000
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.1.5:8080" -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.244.1.5:8080
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.2.9:8080" -j DNAT --to-destination 10.244.2.9:8080
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > NodePort, policy Local > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-EXT-RWBFHQHXDQP5PV3C - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
:K8TS-SVC-RWBFHQHXDQP5PV3C - [0:0]
:K8TS-SVL-RWBFHQHXDQP5PV3C - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-EXT-RWBFHQHXDQP5PV3C -s 10.244.1.0/24 -m comment --comment "shop/web:http: from pods" -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-EXT-RWBFHQHXDQP5PV3C -m comment --comment "shop/web:http: from the node" -m addrtype --src-type LOCAL -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-EXT-RWBFHQHXDQP5PV3C -m comment --comment "shop/web:http" -j K8TS-SVL-RWBFHQHXDQP5PV3C
-A K8TS-HAIRPIN -s 10.244.1.5/32 -d 10.244.1.5/32 -m comment --comment "shop/web:http: to itself" -j MASQUERADE --random-fully
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-NODEPORTS -p tcp -m comment --comment "shop/web:http" -m tcp --dport 30080 -j K8TS-EXT-RWBFHQHXDQP5PV3C
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES -d 10.96.3.7/32 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-SERVICES -d 10.96.3.7/32 -m comment --comment "shop/web: no such port" -j MARK --set-xmark 0x2000/0x2000
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
-A K8TS-SVC-RWBFHQHXDQP5PV3C ! -s 10.244.0.0/16 -m comment --comment "shop/web:http: from outside the pod network" -j MARK --set-xmark 0x4000/0x4000
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.1.5:8080" -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.244.1.5:8080
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.2.9:8080" -j DNAT --to-destination 10.244.2.9:8080
-A K8TS-SVL-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.1.5:8080" -j DNAT --to-destination 10.244.1.5:8080
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > NodePort, policy Local, no local endpoints > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-EXT-RWBFHQHXDQP5PV3C - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
:K8TS-SVC-RWBFHQHXDQP5PV3C - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-EXT-RWBFHQHXDQP5PV3C -s 10.244.1.0/24 -m comment --comment "shop/web:http: from pods" -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-EXT-RWBFHQHXDQP5PV3C -m comment --comment "shop/web:http: from the node" -m addrtype --src-type LOCAL -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-EXT-RWBFHQHXDQP5PV3C -m comment --comment "shop/web:http has no local endpoints" -j MARK --set-xmark 0x8000/0x8000
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-NODEPORTS -p tcp -m comment --comment "shop/web:http" -m tcp --dport 30080 -j K8TS-EXT-RWBFHQHXDQP5PV3C
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES -d 10.96.3.7/32 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-SERVICES -d 10.96.3.7/32 -m comment --comment "shop/web: no such port" -j MARK --set-xmark 0x2000/0x2000
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
-A K8TS-SVC-RWBFHQHXDQP5PV3C ! -s 10.244.0.0/16 -m comment --comment "shop/web:http: from outside the pod network" -j MARK --set-xmark 0x4000/0x4000
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.2.9:8080" -j DNAT --to-destination 10.244.2.9:8080
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > only terminating endpoints that serve > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
:K8TS-SVC-RWBFHQHXDQP5PV3C - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-HAIRPIN -s 10.244.1.5/32 -d 10.244.1.5/32 -m comment --comment "shop/web:http: to itself" -j MASQUERADE --random-fully
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES -d 10.96.3.7/32 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-SERVICES -d 10.96.3.7/32 -m comment --comment "shop/web: no such port" -j MARK --set-xmark 0x2000/0x2000
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
-A K8TS-SVC-RWBFHQHXDQP5PV3C ! -s 10.244.0.0/16 -m comment --comment "shop/web:http: from outside the pod network" -j MARK --set-xmark 0x4000/0x4000
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.1.5:8080" -j DNAT --to-destination 10.244.1.5:8080
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > session affinity > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
:K8TS-SVC-RWBFHQHXDQP5PV3C - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-HAIRPIN -s 10.244.1.5/32 -d 10.244.1.5/32 -m comment --comment "shop/web:http: to itself" -j MASQUERADE --random-fully
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES -d 10.96.3.7/32 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-SERVICES -d 10.96.3.7/32 -m comment --comment "shop/web: no such port" -j MARK --set-xmark 0x2000/0x2000
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
-A K8TS-SVC-RWBFHQHXDQP5PV3C ! -s 10.244.0.0/16 -m comment --comment "shop/web:http: from outside the pod network" -j MARK --set-xmark 0x4000/0x4000
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.1.5:8080" -m recent --update --seconds 10800 --reap --name K8TS-I7PKM7J4DNNTT2PD --mask 255.255.255.255 --rsource -j DNAT --to-destination 10.244.1.5:8080
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.2.9:8080" -m recent --update --seconds 10800 --reap --name K8TS-RJFIQQZDUAM2O2FK --mask 255.255.255.255 --rsource -j DNAT --to-destination 10.244.2.9:8080
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.1.5:8080" -m statistic --mode random --probability 0.50000000000 -m recent --set --name K8TS-I7PKM7J4DNNTT2PD --mask 255.255.255.255 --rsource -j DNAT --to-destination 10.244.1.5:8080
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.2.9:8080" -m recent --set --name K8TS-RJFIQQZDUAM2O2FK --mask 255.255.255.255 --rsource -j DNAT --to-destination 10.244.2.9:8080
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > source range of all addresses > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-EXT-RWBFHQHXDQP5PV3C - [0:0]
:K8TS-FW-RWBFHQHXDQP5PV3C - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
:K8TS-SVC-RWBFHQHXDQP5PV3C - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-EXT-RWBFHQHXDQP5PV3C ! -s 10.244.1.0/24 -m comment --comment "shop/web:http: from outside" -j MARK --set-xmark 0x4000/0x4000
-A K8TS-EXT-RWBFHQHXDQP5PV3C -m comment --comment "shop/web:http" -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-FW-RWBFHQHXDQP5PV3C -m comment --comment "shop/web:http: source range 0.0.0.0/0" -j K8TS-EXT-RWBFHQHXDQP5PV3C
-A K8TS-FW-RWBFHQHXDQP5PV3C -m comment --comment "shop/web:http: not in a source range" -j MARK --set-xmark 0x8000/0x8000
-A K8TS-HAIRPIN -s 10.244.1.5/32 -d 10.244.1.5/32 -m comment --comment "shop/web:http: to itself" -j MASQUERADE --random-fully
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES -d 10.96.3.7/32 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-SERVICES -d 10.96.3.7/32 -m comment --comment "shop/web: no such port" -j MARK --set-xmark 0x2000/0x2000
-A K8TS-SERVICES -d 192.168.57.240/32 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-FW-RWBFHQHXDQP5PV3C
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
-A K8TS-SVC-RWBFHQHXDQP5PV3C ! -s 10.244.0.0/16 -m comment --comment "shop/web:http: from outside the pod network" -j MARK --set-xmark 0x4000/0x4000
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.1.5:8080" -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.244.1.5:8080
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.2.9:8080" -j DNAT --to-destination 10.244.2.9:8080
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`

exports[`dataplane/service/iptables/compiler.test.ts > TAP > the range of ClusterIPs is known > rules 1`] = `
*nat
:K8TS-CANARY - [0:0]
:K8TS-HAIRPIN - [0:0]
:K8TS-MASQ - [0:0]
:K8TS-NODEPORTS - [0:0]
:K8TS-POSTROUTING - [0:0]
:K8TS-SERVICES - [0:0]
:K8TS-SVC-RWBFHQHXDQP5PV3C - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-HAIRPIN -s 10.244.1.5/32 -d 10.244.1.5/32 -m comment --comment "shop/web:http: to itself" -j MASQUERADE --random-fully
-A K8TS-MASQ -m comment --comment "k8ts: mark off" -j MARK --set-xmark 0x4000/0x0
-A K8TS-MASQ -m comment --comment "k8ts: answers must come back here" -j MASQUERADE --random-fully
-A K8TS-POSTROUTING -m comment --comment "k8ts: marked for masquerade" -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
-A K8TS-POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -m comment --comment "k8ts: through a Service to a pod of this node" -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment --comment "k8ts: pods leaving the cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-A K8TS-SERVICES -d 10.96.3.7/32 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-SVC-RWBFHQHXDQP5PV3C
-A K8TS-SERVICES -d 10.96.3.7/32 -m comment --comment "shop/web: no such port" -j MARK --set-xmark 0x2000/0x2000
-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
-A K8TS-SVC-RWBFHQHXDQP5PV3C ! -s 10.244.0.0/16 -m comment --comment "shop/web:http: from outside the pod network" -j MARK --set-xmark 0x4000/0x4000
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.1.5:8080" -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.244.1.5:8080
-A K8TS-SVC-RWBFHQHXDQP5PV3C -p tcp -m comment --comment "shop/web:http -> 10.244.2.9:8080" -j DNAT --to-destination 10.244.2.9:8080
COMMIT
*filter
:K8TS-CANARY - [0:0]
:K8TS-FORWARD - [0:0]
:K8TS-INPUT - [0:0]
:K8TS-OUTPUT - [0:0]
:K8TS-VERDICT - [0:0]
-A K8TS-CANARY -m comment --comment "k8ts: here as long as nobody flushed this table" -j RETURN
-A K8TS-FORWARD -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-FORWARD -d 10.96.0.0/12 -m comment --comment "k8ts: no Service has this address" -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p tcp -m comment --comment "k8ts: not translated back" -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -s 10.244.0.0/16 -p sctp -m comment --comment "k8ts: not translated back" -m conntrack --ctstate INVALID -j DROP
-A K8TS-FORWARD -m comment --comment "k8ts: to a Service" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A K8TS-FORWARD -s 10.244.0.0/16 -m comment --comment "k8ts: from pods" -j ACCEPT
-A K8TS-FORWARD -d 10.244.0.0/16 -m comment --comment "k8ts: to pods" -j ACCEPT
-A K8TS-FORWARD -m comment --comment "k8ts: answers" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A K8TS-INPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -m comment --comment "k8ts: refused by a Service" -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
-A K8TS-OUTPUT -d 10.96.0.0/12 -m comment --comment "k8ts: no Service has this address" -j DROP
-A K8TS-VERDICT -m comment --comment "k8ts: no local endpoints, or source not allowed" -m mark --mark 0x8000/0x8000 -j DROP
-A K8TS-VERDICT -p tcp -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
-A K8TS-VERDICT -m comment --comment "k8ts: no endpoints, or no such port" -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
COMMIT

`
