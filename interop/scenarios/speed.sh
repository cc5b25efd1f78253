#!/bin/bash
# speed.sh [--time N] [--rounds N] [--flood N] [--cols A,B,...] [--verdict]
#
# Tunnels on a link without impairment, side by side: each is set up, measured and
# torn down, one after the other, round by round; the figures are medians of rounds.
#   --time     seconds of TCP, client to server (default 3)
#   --rounds   how often (default 3)
#   --flood    seconds of 64-byte UDP packets (default 1; 0 leaves them out)
#   --cols     of bare kernel wireguard-go pptp arc4-raw arc4-packet arc4-xsk (default all)
#   --verdict  check that arc4's best way carries twice as much as wireguard-go and six
#              times as much as pptp-linux with pptpd
# What is measured:
#   Mbit/s     TCP by iperf3, as received
#   CPU s/GB   seconds in which the guest's one CPU was not idle (/proc/stat: all but idle
#              and iowait) while that ran, for each gigabyte received: both ends of the
#              tunnel, the kernel and iperf3
#   packets/s  64-byte packets that the server's tunnel device delivers while the client's
#              is offered more than it takes; sending them and both ends share the CPU
#   ping       50th and 99th percentile of 20 pings a second while TCP runs, of all rounds
# A way of sending that the guest's kernel does not have is reported as missing.
. "$INTEROP/guest/lib.sh"
secs=3 rounds=3 flood=1 verdict=''
cols=bare,kernel,wireguard-go,pptp,arc4-raw,arc4-packet,arc4-xsk
while [ $# -gt 0 ]; do
	case $1 in
	--time) secs=$2; shift ;;
	--rounds) rounds=$2; shift ;;
	--flood) flood=$2; shift ;;
	--cols) cols=$2; shift ;;
	--verdict) verdict=1 ;;
	*) sed -n '2,23p' "$0"; exit 2 ;;
	esac
	shift
done
CONTEST=$INTEROP_BUILD/contest

# guard NS DEVICE SETTINGS INNER: wireguard-go at one end
guard() {
	spawn "$1" "$2" env LOG_LEVEL=error WG_PROCESS_FOREGROUND=1 "$INTEROP_BUILD/wireguard-go" -f "$2"
	"$CONTEST" settle "$2" "$3" || return 1
	ip -n "$1" addr add "$4/24" dev "$2" && ip -n "$1" link set "$2" mtu 1400 up
}

set_up() { # COLUMN: sets CLIENT_PID, SERVER_PID
	case $1 in
	kernel) peer_server_kernel mppe128 && peer_client_kernel mppe128 ;;
	pptp) peer_server_pptpd mppe128 && peer_client_pptp mppe128 ;;
	wireguard-go)
		cd $LOG && "$CONTEST" guards $SADDR $TUN_S $CADDR $TUN_C || return 1
		guard s wg1 guard1 $TUN_S || return 1
		SERVER_PID=$SPAWNED
		guard c wg2 guard2 $TUN_C || return 1
		CLIENT_PID=$SPAWNED
		;;
	arc4-*) our_server mppe128 --io "${1#arc4-}" && our_client mppe128 --io "${1#arc4-}" ;;
	*) say "speed.sh: no column $1"; exit 2 ;;
	esac
	wait_tunnel "$CLIENT_PID" 20
}

# busy: hundredths of a second in which the CPU was not idle, so far
busy() { awk '/^cpu / { print $2 + $3 + $4 + $7 + $8 + $9 }' /proc/stat; }
delivered() { in_s cat "/sys/class/net/$1/statistics/rx_packets"; }

declare -A MBIT CPU PPS PING MISSING MEDIAN
measure() { # COLUMN DST
	local before after mbit ping
	iperf_server "$2"
	spawn c "ping-$1" ping -n -i 0.05 "$2"
	ping=$SPAWNED
	before=$(busy)
	mbit=$(tcp "$2" "$secs")
	after=$(busy)
	stop "$ping" 2
	stop "$IPERF_PID" 2
	MBIT[$1]+=" ${mbit/none/0}"
	CPU[$1]+=" $(awk -v b=$((after - before)) -v m="${mbit/none/0}" -v s="$secs" 'BEGIN { print (m > 0 ? b / 100 / (m * s / 8000) : 0) }')"
	PING[$1]=$(sed -n 's/.* time=\([0-9.]*\) ms.*/\1/p' "$LOG/ping-$1.log")
}

# flooded COLUMN DST DEVICE: 64-byte packets delivered a second
flooded() {
	local before after begun ended sink
	[ "$flood" != 0 ] || return 0
	# Somebody has the port, or each packet would be answered that nobody has.
	spawn s sink "$CONTEST" hold "$2:7"
	sink=$SPAWNED
	sleep 0.2
	before=$(delivered "$3") begun=$(date +%s%N)
	in_c "$CONTEST" flood "$2:7" "${flood}s" >>"$LOG/flood.log" 2>&1
	after=$(delivered "$3") ended=$(date +%s%N)
	stop "$sink" 2
	PPS[$1]+=" $(((after - before) * 1000000000 / (ended - begun)))"
}

# absent: why the guest's kernel refuses arc4 the way of sending it was told to take
absent() { sed -n 's/.*a fast way of sending cannot be used.*reason="\(.*\)".*/\1/p' $LOG/client.log | head -n 1; }

# goes COLUMN: both ends of arc4 send as they were told
goes() { [ "$("$ARC4" status --json | tr -d ' \n' | grep -o "\"way\":\"${1#arc4-}\"" | wc -l)" = 2 ]; }

tunnel() { # COLUMN: one round of it
	local why=''
	: >$LOG/client.log
	if ! set_up "$1"; then
		check "$1.up" no
		tail_logs client server server-pppd wg1 wg2
	else
		case $1 in arc4-*)
			ping_loss c $TUN_S 20 >/dev/null # the peer's acknowledgments prove the way
			why=$(absent)
			;;
		esac
		if [ -n "$why" ]; then
			MISSING[$1]=$why
		else
			measure "$1" $TUN_S
			flooded "$1" $TUN_S "$(tunnel_if s)"
			case $1 in arc4-*) check "$1.goes" "$(holds goes "$1")" "both ends send by ${1#arc4-}" ;; esac
		fi
	fi
	stop "$CLIENT_PID" 10
	stop "$SERVER_PID" 5
	wait_for 10 no_tunnel_if s
}

for ((round = 0; round < rounds; round++)); do
	for col in ${cols//,/ }; do
		[ -z "${MISSING[$col]:-}" ] || continue
		case $col in
		bare) measure bare $SADDR && flooded bare $SADDR s0 ;;
		*) tunnel "$col" ;;
		esac
	done
done

# percentile P NUMBER...: the nearest rank
percentile() {
	local p=$1
	shift
	[ $# -gt 0 ] || { echo 0; return; }
	printf '%s\n' "$@" | sort -g | awk -v p="$p" '{ v[NR] = $1 } END { i = int((NR * p + 99) / 100); print v[i < 1 ? 1 : i] }'
}
# shellcheck disable=SC2086 # lists of numbers
{
	say "| tunnel | Mbit/s | CPU s/GB | 64-byte packets/s | ping p50, p99 under load, ms |"
	say "| --- | --- | --- | --- | --- |"
	best=0 best_col=none
	for col in ${cols//,/ }; do
		if [ -n "${MISSING[$col]:-}" ]; then
			say "| $col | missing: ${MISSING[$col]} |"
			continue
		fi
		m=$(percentile 50 ${MBIT[$col]})
		MEDIAN[$col]=$m
		result "$col" "$m Mbit/s, of${MBIT[$col]}"
		check "$col.carries" "$(awk -v m="$m" 'BEGIN { print (m > 0 ? "yes" : "no") }')" "TCP"
		case $col in arc4-*) if awk -v a="$m" -v b="$best" 'BEGIN { exit !(a > b) }'; then best=$m best_col=$col; fi ;; esac
		say "| $col | $m | $(percentile 50 ${CPU[$col]}) | $(percentile 50 ${PPS[$col]}) | $(percentile 50 ${PING[$col]}), $(percentile 99 ${PING[$col]}) |"
	done
}

# outruns NAME COLUMN BAR
outruns() {
	local ratio
	ratio=$(awk -v a="$best" -v b="${MEDIAN[$2]:-0}" 'BEGIN { printf "%.2f", (b > 0 ? a / b : 0) }')
	check "outruns.$1" "$(awk -v r="$ratio" -v bar="$3" 'BEGIN { print (r >= bar ? "yes" : "no") }')" \
		"$best_col carries $ratio times what $1 carries; $3 wanted"
}
if [ -n "$verdict" ]; then
	outruns wireguard-go wireguard-go 2
	outruns pptp-linux pptp 6
fi
finish
