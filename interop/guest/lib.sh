# Functions for scenarios; sourced as  . "$INTEROP/guest/lib.sh"
#
# Namespaces c (client, 192.0.2.2) and s (server, 192.0.2.1), joined by the veth
# pair c0 <-> s0. Tunnel addresses: 10.99.0.1 for the server, 10.99.0.100 and up
# for clients. Logs: /run/lab/*.log.
# shellcheck shell=bash disable=SC2016,SC2034,SC2046,SC2086,SC2154 # word lists; variables of the scenarios

CADDR=192.0.2.2 SADDR=192.0.2.1
TUN_S=10.99.0.1 TUN_C=10.99.0.100 TUN_LAST=10.99.0.120
LAB_USER=${LAB_USER:-lab} LAB_PASS=${LAB_PASS:-lab-pass-1}
LOG=/run/lab

say() { printf '%s\n' "$*"; }
result() { printf 'RESULT %s %s\n' "$1" "${*:2}"; }
in_c() { ip netns exec c "$@"; }
in_s() { ip netns exec s "$@"; }

FAILED=0
# check NAME yes|no [detail]: print PASS or FAIL, remember failures
check() {
	if [ "$2" = yes ]; then
		say "PASS $1 ${*:3}"
	else
		say "FAIL $1 ${*:3}"
		FAILED=$((FAILED + 1))
	fi
}
# holds CMD...: yes or no, for check
holds() { if "$@"; then echo yes; else echo no; fi; }
finish() {
	result failures $FAILED
	[ $FAILED = 0 ]
	exit
}

# ---- set-up, called once by init.sh

guest_setup() {
	say "--interop--" # run.sh shows what follows
	local m i
	for m in tun veth sch_netem ppp_generic ppp_async ppp_synctty ppp_mppe gre pptp sch_tbf; do
		modprobe "$m" || check "guest.$m" no "no such kernel module"
	done
	hostname guest
	ip link set lo up
	sysctl -qw net.core.rmem_max=67108864 net.core.wmem_max=67108864 \
		net.core.netdev_max_backlog=30000
	ip netns add c
	ip netns add s
	ip link add c0 netns c type veth peer name s0 netns s
	for i in c s; do
		ip -n $i link set lo up
		ip -n $i link set ${i}0 up
		ip netns exec $i sysctl -qw net.ipv4.tcp_rmem="4096 131072 33554432" \
			net.ipv4.tcp_wmem="4096 16384 33554432" net.ipv4.tcp_no_metrics_save=1
		# With segmentation offload a "packet" on the link can be 64 kB, which
		# no real link and no row of the table means.
		ip netns exec $i ethtool -K ${i}0 tso off gso off gro off >/dev/null 2>&1
	done
	ip -n c addr add $CADDR/24 dev c0
	ip -n s addr add $SADDR/24 dev s0
	busybox syslogd -O $LOG/syslog.log -l 8
}

# netem ARGS...: impair the direction server -> client (the download), as in
#   netem delay 3ms 1ms ; netem off
netem() {
	in_s tc qdisc del dev s0 root 2>/dev/null
	[ "$1" = off ] || in_s tc qdisc add dev s0 root handle 1: netem "$@" limit 200000
}

# link_rate RATE: after netem has delayed and reordered them, packets leave at RATE.
# (netem's own rate would put them back in order.)
link_rate() {
	in_s tc qdisc add dev s0 parent 1:1 handle 2: tbf rate "$1" burst 32k limit 4m
}

# ---- processes

# spawn NS NAME CMD...: in the background, output to /run/lab/NAME.log; pid in $SPAWNED
spawn() {
	local ns=$1 name=$2
	shift 2
	ip netns exec "$ns" setsid "$@" >>"$LOG/$name.log" 2>&1 </dev/null &
	SPAWNED=$!
}

alive() { kill -0 "$1" 2>/dev/null; }

# ended PID SECONDS: wait for a spawned process to end by itself; its exit status
# in $STATUS. 1 if it still runs.
ended() {
	local i
	for ((i = 0; i < $2 * 10; i++)); do
		if ! alive "$1"; then
			wait "$1" 2>/dev/null
			STATUS=$?
			return 0
		fi
		sleep 0.1
	done
	return 1
}

# stop PID [SECONDS]: TERM, then KILL to its whole session; exit status in $STATUS
# (killed: it had to be), 1 if killed
stop() {
	kill -TERM "$1" 2>/dev/null
	ended "$1" "${2:-10}" && return
	kill -KILL -- "-$1" "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	STATUS=killed
	return 1
}

# wait_for SECONDS CMD...: until CMD succeeds
wait_for() {
	local n=$(($1 * 10)) i
	shift
	for ((i = 0; i < n; i++)); do
		"$@" && return
		sleep 0.1
	done
	return 1
}

# listening NS PORT
listening() { ip netns exec "$1" ss -Hltn "sport = :$2" | grep -q ":$2 "; }

# wait_listen: until TCP 1723 is open in s, or the server has ended
wait_listen() {
	local i
	for ((i = 0; i < 100; i++)); do
		listening s 1723 && return
		alive "$SERVER_PID" || return 1
		sleep 0.1
	done
	return 1
}

tail_logs() { # NAME...: the ends of logs, when something failed
	local f
	for f; do
		[ -s "$LOG/$f.log" ] || continue
		say "--- end of $f.log"
		tail -n "${LAB_TAIL:-25}" "$LOG/$f.log"
	done
}

. "$INTEROP/guest/peers.sh"
. "$INTEROP/guest/ours.sh"
. "$INTEROP/guest/measure.sh"
