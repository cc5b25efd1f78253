#!/bin/bash
# netem.sh [--count N] [--every D] [--size BYTES] NAME=SPEC...
#
# Sends a train of numbered UDP packets through netem, from the server's side to
# the client's, for each SPEC, and writes down when each was sent and came: the
# logs netem-NAME.sent and netem-NAME.received, a line "NUMBER NANOSECONDS" a
# packet. What is to be seen in them is left to the caller (netem_test.go).
#   SPEC  netem's own words, such as "delay 100ms 40ms distribution normal"
. "$INTEROP/guest/lib.sh"
count=2000 every=1ms size=200
while [ $# -gt 0 ]; do
	case $1 in
	--count) count=$2; shift ;;
	--every) every=$2; shift ;;
	--size) size=$2; shift ;;
	*) break ;;
	esac
	shift
done

PROBE=$INTEROP_BUILD/probe
in_s ping -n -c 1 -W 2 $CADDR >/dev/null # the neighbours know each other
for setting; do
	name=${setting%%=*} spec=${setting#*=}
	in_s tc qdisc del dev s0 root 2>/dev/null
	# shellcheck disable=SC2086 # netem's words; the last limit counts
	if ! in_s tc qdisc add dev s0 root netem limit 200000 $spec; then
		check "$name.sent" no "tc refuses: $spec"
		continue
	fi
	spawn c "$name" "$PROBE" receive $CADDR:7 "$LOG/netem-$name.received"
	receiver=$SPAWNED
	wait_for 5 test -e "$LOG/netem-$name.received"
	check "$name.sent" "$(holds in_s "$PROBE" send $CADDR:7 "$LOG/netem-$name.sent" "$count" "$every" "$size")" "$spec"
	sleep 1 # the slowest packets
	check "$name.received" "$(holds stop "$receiver" 5)"
	[ -s "$LOG/$name.log" ] && tail_logs "$name"
done
finish
