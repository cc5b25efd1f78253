# What is looked at and measured once a tunnel is up.
# shellcheck shell=bash disable=SC2016,SC2034,SC2046,SC2086,SC2154 # word lists; variables of the scenarios

# tunnel_if NS: the first interface with an IPv4 address that is neither lo nor the veth
tunnel_if() {
	ip -n "$1" -o -4 addr show | awk '$2 != "lo" && $2 !~ /^[cs]0/ { sub(/@.*/, "", $2); print $2; exit }'
}
no_tunnel_if() { [ -z "$(tunnel_if "$1")" ]; }
tunnel_addr() { ip -n "$1" -o -4 addr show dev "$2" | awk '{ sub(/\/.*/, "", $4); print $4; exit }'; }
if_mtu() { ip -n "$1" -o link show "$2" | sed -n 's/.* mtu \([0-9]*\).*/\1/p'; }

# net_state NS: link names, addresses, routes and rules, for comparing before and after
net_state() {
	ip -n "$1" -o link | awk '{ print $2 }'
	ip -n "$1" -4 -o addr | awk '{ print $2, $4 }'
	ip -n "$1" -4 route show table all | sed 's/ linkdown//'
	ip -n "$1" rule
}

# wait_tunnel PID SECONDS: until c has a tunnel through which the server answers.
# Sets TIF and TADDR; 1 if PID ended or the time ran out.
wait_tunnel() {
	local end=$((SECONDS + $2))
	while [ $SECONDS -lt $end ]; do
		TIF=$(tunnel_if c)
		if [ -n "$TIF" ]; then
			TADDR=$(tunnel_addr c "$TIF")
			in_c ping -n -c 1 -W 1 $TUN_S >/dev/null 2>&1 && return 0
		fi
		alive "$1" || return 1
		sleep 0.1
	done
	return 1
}

# ping_loss NS DST COUNT [ping args]: percentage lost
ping_loss() {
	local ns=$1 d=$2 n=$3
	shift 3
	ip netns exec "$ns" ping -n -q -c "$n" -i 0.01 -W 2 "$@" "$d" 2>&1 |
		sed -n 's/.* \([0-9.]*\)% packet loss.*/\1/p'
}

# all_answered NS DST COUNT [ping args]: no ping lost. Userland peers at times drop a
# packet by themselves (pptpd between socket and pty), so there are three tries;
# what never passes fails them all.
all_answered() {
	local try
	for try in 1 2 3; do
		LOSS=$(ping_loss "$@")
		[ "$LOSS" = 0 ] && return 0
		say "NOTE ${*:3}: $LOSS % lost at try $try"
	done
	return 1
}

# pings NAME: IP packets of 64 bytes up to the tunnel's MTU, unfragmented, from c; a burst
pings() {
	local n=$1 z mtu bad=''
	mtu=$(if_mtu c "$TIF")
	for z in 64 65 127 128 255 256 511 512 1000 1024 1280 1372 "$mtu"; do
		all_answered c $TUN_S 3 -M "do" -s $((z - 28)) || bad="$bad $z"
	done
	check "$n.pings" "$([ -z "$bad" ] && echo yes || echo no)" "64 to $mtu bytes, DF${bad:+, lost:$bad}"
	all_answered c $TUN_S 100 -s 1000 && z=yes || z=no
	check "$n.burst" $z "100 of 1028 bytes, $LOSS % lost"
}

iperf_server() { # in s
	spawn s iperf iperf3 -s -B "$1"
	IPERF_PID=$SPAWNED
	wait_for 5 listening s 5201
}

# tcp SECONDS [iperf3 args]: Mbit/s received, c to s (-R: s to c), or "none"
tcp() {
	local dst=$1 t=$2 out
	shift 2
	out=$(in_c timeout -k 2 $((t + 15)) iperf3 -c "$dst" -t "$t" -f m "$@" 2>&1)
	awk '/receiver/ { for (i = 2; i <= NF; i++) if ($i == "Mbits/sec") r = $(i - 1) } END { print r == "" ? "none" : r }' <<<"$out"
}

# tcp_both NAME SECONDS: TCP through the tunnel in both directions. There are three
# tries, as a busy machine can stop the guest's one CPU for most of one.
tcp_both() {
	local up down try ok=no
	for try in 1 2 3; do
		iperf_server $TUN_S
		up=$(tcp $TUN_S "$2")
		down=$(tcp $TUN_S "$2" -R)
		stop "$IPERF_PID" 3
		ok=$(awk -v u="$up" -v d="$down" 'BEGIN { print (u + 0 > 0 && d + 0 > 0) ? "yes" : "no" }')
		[ $ok = no ] || break
		say "NOTE $1.tcp: up $up, down $down Mbit/s at try $try"
	done
	check "$1.tcp" $ok "up $up, down $down Mbit/s"
}

# intact NAME: a megabyte of noise comes back from an echo at the server unchanged
intact() {
	head -c 1000000 /dev/urandom >$LOG/noise
	spawn s echo busybox nc -l -p 7001 -e busybox cat
	wait_for 5 listening s 7001
	in_c timeout 20 busybox nc $TUN_S 7001 <$LOG/noise >$LOG/echoed 2>/dev/null
	check "$1.intact" "$(holds cmp -s $LOG/noise $LOG/echoed)" "$(stat -c %s $LOG/echoed) of 1000000 bytes came back"
	stop "$SPAWNED" 2
	rm -f $LOG/noise $LOG/echoed
}

# outage NS: nothing leaves NS for a tenth of a second
outage() {
	ip netns exec "$1" tc qdisc add dev "${1}0" root netem loss 100%
	sleep 0.1
	ip netns exec "$1" tc qdisc del dev "${1}0" root
}

# recovers NAME: stateful MPPE finds itself again after an outage in each direction.
# The resets themselves are not lost: ppp_mppe.ko changes the key with each
# flushed packet, so one that is lost parts it from any peer for good.
recovers() {
	local ns ping found
	spawn c ping ping -n -q -i 0.01 -s 200 $TUN_S
	ping=$SPAWNED
	for ns in s c; do
		sleep 0.3
		outage $ns
		sleep 1.5 # the Reset-Request and its answer
	done
	stop "$ping" 2
	# On a busy machine a reset may take longer: what is apart for good fails every try.
	found=no
	all_answered c $TUN_S 50 -s 200 && found=yes
	check "$1.recovers" $found "$LOSS % of pings lost after an outage each way"
}
