#!/bin/bash
# up.sh [--rounds N] [--verdict]
#
# How long it takes from the command `arc4 up office` to the first packet that comes back through the
# tunnel, against each real server and our own: a table of the fastest, the middle and the slowest
# of N rounds (default 9), in milliseconds. The command's own start, the choice of an RC4 backend and
# a ping's start are in it. The first row is what the same commands take without arc4: `true` in its
# place, and a ping of the server's own address.
#   --verdict  the middle one is to be under 500 ms, on a machine that does nothing else
. "$INTEROP/guest/lib.sh"
rounds=9 verdict=''
while [ $# -gt 0 ]; do
	case $1 in
	--rounds) rounds=$2; shift ;;
	--verdict) verdict=1 ;;
	*) sed -n '2,10p' "$0"; exit 2 ;;
	esac
	shift
done

mkdir -p /etc/arc4
umask 077
printf '%s\n' "server = \"$SADDR\"" "user = \"$LAB_USER\"" "password = \"$LAB_PASS\"" 'trace = true' >/etc/arc4/office.toml

# milliseconds since 1970
now() { echo $((${EPOCHREALTIME/./} / 1000)); }

# once ADDRESS CMD...: milliseconds from the command to the first answer of the address
once() {
	local from
	from=$(now)
	in_c "${@:2}" >>$LOG/up.log 2>&1 || return 1
	in_c ping -n -q -c 1 -W 5 "$1" >>$LOG/up.log 2>&1 || return 1
	echo $(($(now) - from))
}

# row NAME: a row of the table, from $times; the middle one in $middle
row() {
	mapfile -t times < <(printf '%s\n' "${times[@]}" | sort -n)
	middle=${times[$((${#times[@]} / 2))]}
	say "$(printf '| %-14s | %7s | %6s | %7s | |' "$1" "${times[0]}" "$middle" "${times[-1]}")"
}

say "| server         | fastest | middle | slowest | ms of $rounds |"
say "| --- | ---: | ---: | ---: | --- |"
times=()
for ((i = 0; i < rounds; i++)); do times+=("$(once $SADDR true)"); done
row 'without arc4'
for server in kernel pptpd arc4; do
	if [ $server = arc4 ]; then our_server mppe128; else peer_server_$server mppe128; fi
	times=()
	for ((i = 0; i < rounds; i++)); do
		wait_listen # the kernel's server starts anew for every call
		ms=$(once $TUN_S "$ARC4" up office) && times+=("$ms")
		in_c "$ARC4" down office >>$LOG/up.log 2>&1
		sleep 0.3
	done
	stop "$SERVER_PID" 10
	check "$server.up" "$(holds [ ${#times[@]} = "$rounds" ])" "${#times[@]} of $rounds rounds came up: ${times[*]}"
	[ ${#times[@]} -gt 0 ] || continue
	row $server
	[ -z "$verdict" ] || check "$server.soon" "$(holds [ "$middle" -lt 500 ])" "$middle ms, of less than 500"
done
[ $FAILED = 0 ] || tail_logs up server server-pppd
finish
