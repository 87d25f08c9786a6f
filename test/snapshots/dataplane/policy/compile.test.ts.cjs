/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`dataplane/policy/compile.test.ts > TAP > changes that move pods between chains > one more policy 1`] = `
add chain inet k8ts-policy from-VW6J3SAXFMTJZKED
add chain inet k8ts-policy in/shop/deny
add chain inet k8ts-policy out/shop/deny
add chain inet k8ts-policy to-BURQRJDM4YQNIL5K
add chain inet k8ts-policy to-VW6J3SAXFMTJZKED
add rule inet k8ts-policy from-VW6J3SAXFMTJZKED jump out/shop/deny comment "shop/deny"
add rule inet k8ts-policy from-VW6J3SAXFMTJZKED counter drop comment "egress not allowed by shop/deny"
add rule inet k8ts-policy to-BURQRJDM4YQNIL5K jump in/shop/allow-web comment "shop/allow-web"
add rule inet k8ts-policy to-BURQRJDM4YQNIL5K jump in/shop/deny comment "shop/deny"
add rule inet k8ts-policy to-BURQRJDM4YQNIL5K counter drop comment "ingress not allowed by shop/allow-web, shop/deny"
add rule inet k8ts-policy to-VW6J3SAXFMTJZKED jump in/shop/deny comment "shop/deny"
add rule inet k8ts-policy to-VW6J3SAXFMTJZKED counter drop comment "ingress not allowed by shop/deny"
add element inet k8ts-policy self4 { 10.244.1.6 . 10.244.1.6 }
delete element inet k8ts-policy entering4 { 10.244.1.5, 10.244.1.6 }
add element inet k8ts-policy entering4 { 10.244.1.5 : goto to-BURQRJDM4YQNIL5K, 10.244.1.6 : goto to-VW6J3SAXFMTJZKED }
delete element inet k8ts-policy leaving4 { 10.244.1.5, 10.244.1.6 }
add element inet k8ts-policy leaving4 { 10.244.1.5 : goto from-VW6J3SAXFMTJZKED, 10.244.1.6 : goto from-VW6J3SAXFMTJZKED }
flush chain inet k8ts-policy to-DQAJKOID42PHMP74
delete chain inet k8ts-policy to-DQAJKOID42PHMP74

`

exports[`dataplane/policy/compile.test.ts > TAP > changes that move pods between chains > the policy is removed 1`] = `
add chain inet k8ts-policy to-DQAJKOID42PHMP74
add rule inet k8ts-policy to-DQAJKOID42PHMP74 jump in/shop/allow-web comment "shop/allow-web"
add rule inet k8ts-policy to-DQAJKOID42PHMP74 counter drop comment "ingress not allowed by shop/allow-web"
delete element inet k8ts-policy self4 { 10.244.1.6 . 10.244.1.6 }
delete element inet k8ts-policy entering4 { 10.244.1.5, 10.244.1.6 }
add element inet k8ts-policy entering4 { 10.244.1.5 : goto to-DQAJKOID42PHMP74, 10.244.1.6 : accept }
delete element inet k8ts-policy leaving4 { 10.244.1.5, 10.244.1.6 }
add element inet k8ts-policy leaving4 { 10.244.1.5 : accept, 10.244.1.6 : accept }
flush chain inet k8ts-policy from-VW6J3SAXFMTJZKED
flush chain inet k8ts-policy in/shop/deny
flush chain inet k8ts-policy out/shop/deny
flush chain inet k8ts-policy to-BURQRJDM4YQNIL5K
flush chain inet k8ts-policy to-VW6J3SAXFMTJZKED
delete chain inet k8ts-policy from-VW6J3SAXFMTJZKED
delete chain inet k8ts-policy in/shop/deny
delete chain inet k8ts-policy out/shop/deny
delete chain inet k8ts-policy to-BURQRJDM4YQNIL5K
delete chain inet k8ts-policy to-VW6J3SAXFMTJZKED

`

exports[`dataplane/policy/compile.test.ts > TAP > one more pod adds a few elements, one less removes them > must match snapshot 1`] = `
add element inet k8ts-policy ports4-WONJA63DFYQ6D356 { 10.244.1.7 . tcp . 8080 }
add element inet k8ts-policy self4 { 10.244.1.7 . 10.244.1.7 }
add element inet k8ts-policy entering4 { 10.244.1.7 : goto to-DQAJKOID42PHMP74 }
add element inet k8ts-policy leaving4 { 10.244.1.7 : accept }

`

exports[`dataplane/policy/compile.test.ts > TAP > the whole table > must match snapshot 1`] = `
add table inet k8ts-policy
delete table inet k8ts-policy
add table inet k8ts-policy
add chain inet k8ts-policy egress { type filter hook forward priority filter + 10; policy accept; }
add chain inet k8ts-policy enter
add chain inet k8ts-policy in/shop/allow-web
add chain inet k8ts-policy ingress { type filter hook forward priority filter + 12; policy accept; }
add chain inet k8ts-policy input { type filter hook input priority filter + 10; policy accept; }
add chain inet k8ts-policy leave
add chain inet k8ts-policy to-DQAJKOID42PHMP74
add set inet k8ts-policy pods4-PK6GV722RTIZTDPV { type ipv4_addr; }
add set inet k8ts-policy ports4-WONJA63DFYQ6D356 { type ipv4_addr . inet_proto . inet_service; }
add set inet k8ts-policy self4 { type ipv4_addr . ipv4_addr; }
add set inet k8ts-policy servers4 { type ipv4_addr . inet_proto . inet_service; }
add map inet k8ts-policy entering4 { type ipv4_addr : verdict; }
add map inet k8ts-policy leaving4 { type ipv4_addr : verdict; }
add rule inet k8ts-policy egress iifname "cni0" oifname "cni0" ip saddr 10.244.1.0/24 ip daddr 10.244.1.0/24 meta mark set meta mark | 0x10000 comment "from pod to pod of this node"
add rule inet k8ts-policy egress ct state established,related accept comment "of connections that were let through"
add rule inet k8ts-policy egress goto leave comment "leave"
add rule inet k8ts-policy enter ip saddr . ip daddr @self4 accept comment "a pod reaches itself, through a Service as well"
add rule inet k8ts-policy enter ip daddr vmap @entering4 comment "ingress of the pods of this node"
add rule inet k8ts-policy enter ip daddr 10.244.1.0/24 counter drop comment "a pod of this node that is not known yet"
add rule inet k8ts-policy in/shop/allow-web ip saddr @pods4-PK6GV722RTIZTDPV tcp dport 80 accept comment "shop/allow-web: ingress[0]"
add rule inet k8ts-policy in/shop/allow-web ip saddr @pods4-PK6GV722RTIZTDPV ip daddr . meta l4proto . th dport @ports4-WONJA63DFYQ6D356 accept comment "shop/allow-web: ingress[0]"
add rule inet k8ts-policy in/shop/allow-web ip saddr @pods4-PK6GV722RTIZTDPV udp dport 53-60 accept comment "shop/allow-web: ingress[0]"
add rule inet k8ts-policy in/shop/allow-web meta nfproto ipv4 ip saddr != { 10.0.0.0/8 } tcp dport 80 accept comment "shop/allow-web: ingress[0]"
add rule inet k8ts-policy in/shop/allow-web meta nfproto ipv4 ip saddr != { 10.0.0.0/8 } ip daddr . meta l4proto . th dport @ports4-WONJA63DFYQ6D356 accept comment "shop/allow-web: ingress[0]"
add rule inet k8ts-policy in/shop/allow-web meta nfproto ipv4 ip saddr != { 10.0.0.0/8 } udp dport 53-60 accept comment "shop/allow-web: ingress[0]"
add rule inet k8ts-policy ingress ct state established,related accept comment "of connections that were let through"
add rule inet k8ts-policy ingress goto enter comment "enter"
add rule inet k8ts-policy input ct state established,related accept comment "of connections that were let through"
add rule inet k8ts-policy input ip daddr . meta l4proto . th dport @servers4 goto leave comment "servers of this node that count as pods"
add rule inet k8ts-policy leave ip saddr . ip daddr @self4 accept comment "a pod reaches itself, through a Service as well"
add rule inet k8ts-policy leave ip saddr vmap @leaving4 comment "egress of the pods of this node"
add rule inet k8ts-policy leave ip saddr 10.244.1.0/24 counter drop comment "a pod of this node that is not known yet"
add rule inet k8ts-policy to-DQAJKOID42PHMP74 jump in/shop/allow-web comment "shop/allow-web"
add rule inet k8ts-policy to-DQAJKOID42PHMP74 counter drop comment "ingress not allowed by shop/allow-web"
add element inet k8ts-policy pods4-PK6GV722RTIZTDPV { 10.244.2.9 }
add element inet k8ts-policy ports4-WONJA63DFYQ6D356 { 10.244.1.5 . tcp . 8080, 10.244.1.6 . tcp . 8080 }
add element inet k8ts-policy self4 { 10.244.1.5 . 10.244.1.5 }
add element inet k8ts-policy entering4 { 10.244.1.5 : goto to-DQAJKOID42PHMP74, 10.244.1.6 : accept }
add element inet k8ts-policy leaving4 { 10.244.1.5 : accept, 10.244.1.6 : accept }

`
