/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`dataplane/pod-sources/pod-sources.test.ts > TAP > the text checks targets, guards the tunnel port, and adds no empty set > must match snapshot 1`] = `
add table bridge k8ts-pod-sources
add set bridge k8ts-pod-sources ports { type ifname; }
add set bridge k8ts-pod-sources macs { type ifname . ether_addr; }
add set bridge k8ts-pod-sources addresses4 { type ifname . ipv4_addr; }
add set bridge k8ts-pod-sources addresses6 { type ifname . ipv6_addr; }
add set bridge k8ts-pod-sources senders4 { type ifname . ether_addr . ipv4_addr; }
add set bridge k8ts-pod-sources senders6 { type ifname . ether_addr . ipv6_addr; }
add set bridge k8ts-pod-sources targets6 { typeof iifname . @th,64,128; }
add chain bridge k8ts-pod-sources prerouting { type filter hook prerouting priority -300; policy accept; }
add chain bridge k8ts-pod-sources input { type filter hook input priority -300; policy accept; }
add chain bridge k8ts-pod-sources port
add chain bridge k8ts-pod-sources ipv4
add chain bridge k8ts-pod-sources arp-sender
add chain bridge k8ts-pod-sources ipv6
add chain bridge k8ts-pod-sources unspecified
flush chain bridge k8ts-pod-sources prerouting
flush chain bridge k8ts-pod-sources input
flush chain bridge k8ts-pod-sources port
flush chain bridge k8ts-pod-sources ipv4
flush chain bridge k8ts-pod-sources arp-sender
flush chain bridge k8ts-pod-sources ipv6
flush chain bridge k8ts-pod-sources unspecified
flush set bridge k8ts-pod-sources ports
flush set bridge k8ts-pod-sources macs
flush set bridge k8ts-pod-sources addresses4
flush set bridge k8ts-pod-sources addresses6
flush set bridge k8ts-pod-sources senders4
flush set bridge k8ts-pod-sources senders6
flush set bridge k8ts-pod-sources targets6
add rule bridge k8ts-pod-sources prerouting ether type ip iifname . ether saddr . ip saddr @senders4 accept
add rule bridge k8ts-pod-sources prerouting ether type ip6 meta l4proto tcp iifname . ether saddr . ip6 saddr @senders6 accept
add rule bridge k8ts-pod-sources prerouting iifname @ports goto port
add rule bridge k8ts-pod-sources input iifname @ports ether daddr 01:80:c2:00:00:00-01:80:c2:00:00:0f counter drop comment "for the bridge itself"
add rule bridge k8ts-pod-sources port iifname . ether saddr != @macs counter drop comment "the MAC of another"
add rule bridge k8ts-pod-sources port ether type vmap { ip : goto ipv4, arp : goto arp-sender, ip6 : goto ipv6 }
add rule bridge k8ts-pod-sources port counter drop comment "neither IP nor ARP, or with a VLAN tag"
add rule bridge k8ts-pod-sources ipv4 iifname . ip saddr @addresses4 accept
add rule bridge k8ts-pod-sources ipv4 counter drop comment "the IPv4 address of another"
add rule bridge k8ts-pod-sources arp-sender arp htype 1 arp ptype ip arp hlen 6 arp plen 4 iifname . arp saddr ether @macs iifname . arp saddr ip @addresses4 accept
add rule bridge k8ts-pod-sources arp-sender arp htype 1 arp ptype ip arp hlen 6 arp plen 4 iifname . arp saddr ether @macs arp operation request arp saddr ip 0.0.0.0 accept comment "probe, RFC 5227"
add rule bridge k8ts-pod-sources arp-sender counter drop comment "ARP for another"
add rule bridge k8ts-pod-sources ipv6 icmpv6 type { nd-router-advert, nd-redirect } counter drop comment "only routers send these"
add rule bridge k8ts-pod-sources ipv6 ip6 saddr :: goto unspecified
add rule bridge k8ts-pod-sources ipv6 iifname . ip6 saddr != @addresses6 counter drop comment "the IPv6 address of another"
add rule bridge k8ts-pod-sources ipv6 icmpv6 type nd-neighbor-advert iifname . @th,64,128 != @targets6 counter drop comment "advertisement for another"
add rule bridge k8ts-pod-sources unspecified icmpv6 type nd-neighbor-solicit iifname . @th,64,128 @targets6 accept
add rule bridge k8ts-pod-sources unspecified icmpv6 type { nd-router-solicit, mld-listener-report, mld2-listener-report } accept
add rule bridge k8ts-pod-sources unspecified counter drop comment "no source address"
add element bridge k8ts-pod-sources ports { veth0af40105, veth0af40106 }
add element bridge k8ts-pod-sources macs { veth0af40105 . 0a:58:0a:f4:01:05, veth0af40106 . 0a:58:0a:f4:01:06 }
add element bridge k8ts-pod-sources addresses4 { veth0af40105 . 10.244.1.5, veth0af40106 . 10.244.1.6 }
add element bridge k8ts-pod-sources addresses6 { veth0af40105 . fd00::5, veth0af40105 . fe80::858:aff:fef4:105, veth0af40106 . fe80::858:aff:fef4:106 }
add element bridge k8ts-pod-sources senders4 { veth0af40105 . 0a:58:0a:f4:01:05 . 10.244.1.5, veth0af40106 . 0a:58:0a:f4:01:06 . 10.244.1.6 }
add element bridge k8ts-pod-sources senders6 { veth0af40105 . 0a:58:0a:f4:01:05 . fd00::5, veth0af40105 . 0a:58:0a:f4:01:05 . fe80::858:aff:fef4:105, veth0af40106 . 0a:58:0a:f4:01:06 . fe80::858:aff:fef4:106 }
add element bridge k8ts-pod-sources targets6 { veth0af40105 . 0xfd000000000000000000000000000005, veth0af40105 . 0xfe8000000000000008580afffef40105, veth0af40106 . 0xfe8000000000000008580afffef40106 }

`
