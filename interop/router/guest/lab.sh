# Functions for the jobs of the emulated router, on top of those of interop/guest; sourced as
#   . /job/lab.sh
# shellcheck shell=bash disable=SC2034,SC2086 # variables of the jobs; word lists
. "$INTEROP/guest/lib.sh"

# router_setup: namespaces c and s with a cable between them, as guest_setup, but with the TCP
# settings of a router
router_setup() {
	local m i
	for m in tun veth sch_netem ppp_generic ppp_async ppp_synctty ppp_mppe gre pptp; do
		modprobe $m || say "NOTE no kernel module $m"
	done
	ip netns add c
	ip netns add s
	ip link add c0 netns c type veth peer name s0 netns s
	for i in c s; do
		ip -n $i link set lo up
		ip -n $i link set ${i}0 up
		ip netns exec $i ethtool -K ${i}0 tso off gso off gro off >/dev/null 2>&1
		ip netns exec $i sysctl -qw net.ipv4.tcp_no_metrics_save=1
	done
	ip -n c addr add $CADDR/24 dev c0
	ip -n s addr add $SADDR/24 dev s0
	printf '%s\n' "$LAB_PASS" >$LOG/password
	secrets "$LAB_USER" "$LAB_PASS"
	chmod 600 $LOG/password
}

# jitter ARGS...: netem on both sides of the cable; off
jitter() {
	local i
	for i in c s; do
		ip netns exec $i tc qdisc del dev ${i}0 root 2>/dev/null
		[ "$1" = off ] || ip netns exec $i tc qdisc add dev ${i}0 root netem "$@" limit 20000
	done
}

# router_serve PROGRAM, router_connect PROGRAM: the project's own, without a trace
router_serve() {
	spawn s server "$1" serve --listen $SADDR --local-ip $TUN_S --pool $TUN_C-$TUN_LAST --secrets /etc/ppp/chap-secrets
	SERVER_PID=$SPAWNED
	wait_for 60 listening s 1723
}
router_connect() {
	spawn c client "$1" connect $SADDR --user "$LAB_USER" --password-file $LOG/password
	CLIENT_PID=$SPAWNED
}

# peak PID: the most memory that a process had at once, in kB
peak() { awk '/^VmHWM/ { print $2 }' /proc/$1/status; }
