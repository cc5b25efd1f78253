#!/bin/bash
# decrypt.sh CLIENT,SERVER,VARIANT...
#
# Calls are recorded outside of the tunnel and inside of it, at the client, and
# `arc4 decrypt` makes the second out of the first: every packet that was seen inside has to come
# out, byte for byte.
#   CLIENT, SERVER, VARIANT  as in call.sh, each of the variants that come up
. "$INTEROP/guest/lib.sh"
[ $# -ge 1 ] || { sed -n '2,8p' "$0"; exit 2; }

# start client|server KIND VARIANT
start() {
	if [ "$2" = arc4 ]; then our_$1 "$3"; else peer_$1_$2 "$3"; fi
}

# record NS NAME INTERFACE: a capture in /run/lab/NAME.pcap; pid in $SPAWNED
record() {
	local ns=$1 name=$2 interface=$3
	rm -f "$LOG/$name.pcap" "$LOG/$name.log"
	spawn "$ns" "$name" tcpdump -i "$interface" -n -s 0 -U --immediate-mode -B 8192 -Z root -w "$LOG/$name.pcap"
	wait_for 30 grep -q 'listening on' "$LOG/$name.log"
}

# lines FILE: the IPv4 packets of UDP and ICMP in a capture, a line each, in hexadecimal, sorted
lines() {
	tcpdump -n -t -x -r "$1" 'icmp or udp' 2>/dev/null |
		awk '/^\t0x/ { sub(/^\t0x[0-9a-f]*: */, ""); gsub(/ /, ""); l = l $0; next } { if (l != "") print l; l = "" } END { if (l != "") print l }' | sort
}

# traffic: packets of many sizes both ways, more than stateful MPPE has between two changes of its
# tables
traffic() {
	local z
	for z in 64 127 256 511 1000 1372; do
		in_c ping -n -q -c 3 -i 0.01 -W 5 -s $((z - 28)) $TUN_S >/dev/null 2>&1
	done
	in_c ping -n -q -c 300 -i 0.002 -W 5 -s 400 $TUN_S >/dev/null 2>&1
	in_s ping -n -q -c 100 -i 0.002 -W 5 -s 700 "$TADDR" >/dev/null 2>&1
}

# without_reason JSON: nothing that was there could not be deciphered
without_reason() {
	! grep -qE '"(no_login|wrong_password|unknown_user|no_keys|late|beyond_lookahead|implausible|cut|malformed|not_ip)":' "$1" &&
		[ "$(grep -c '"deciphered": [1-9]' "$1")" = 2 ]
}

one() { # CLIENT SERVER VARIANT
	local client=$1 server=$2 v=$3 n=$1-$2-$3 outer inner deciphered missing seen status try failed=$FAILED
	: >$LOG/client.log
	: >$LOG/server.log
	: >$LOG/server-pppd.log
	start server "$server" "$v"
	# What leaves by AF_XDP, nobody sees on the interface that it leaves by.
	if [ "$client" = arc4 ]; then record s outer s0; else record c outer c0; fi
	outer=$SPAWNED
	start client "$client" "$v"
	if ! wait_tunnel "$CLIENT_PID" 30; then
		check "$n.up" no
		tail_logs client server server-pppd
		stop "$CLIENT_PID" 5
		stop "$SERVER_PID" 10
		stop "$outer" 10
		return
	fi
	variant_pass "$v" >$LOG/password
	chmod 600 $LOG/password
	# Userland peers at times drop a packet between what is seen inside and outside, so there are
	# three tries.
	for try in 1 2 3; do
		record c inner "$TIF"
		inner=$SPAWNED
		traffic
		sleep 1
		stop "$inner" 10
		rm -f $LOG/plain.pcapng
		"$ARC4" decrypt $LOG/outer.pcap -w $LOG/plain.pcapng --password-file $LOG/password >$LOG/decrypt.log 2>&1
		status=$?
		missing=$(comm -23 <(lines $LOG/inner.pcap) <(lines $LOG/plain.pcapng) | wc -l)
		seen=$(lines $LOG/inner.pcap | wc -l)
		[ "$missing" != 0 ] || break
		say "NOTE $n: $missing of $seen packets are missing at try $try"
	done
	stop "$outer" 10
	check "$n.up" yes "$seen packets inside, $(grep -o '[0-9]* packets dropped by kernel' $LOG/outer.log)"
	check "$n.decrypted" "$(holds [ $status = 0 ])" "$(tail -n 1 $LOG/decrypt.log)"
	check "$n.same" "$(holds [ $((missing == 0 && seen > 500)) = 1 ])" "$missing of $seen packets are missing"
	# What it says of the rest: of both directions all were deciphered, but for what waits for new
	# tables after a packet that a peer has dropped.
	"$ARC4" decrypt $LOG/outer.pcap --password-file $LOG/password --json >$LOG/decrypt.json 2>>$LOG/decrypt.log
	deciphered=$(grep -o '"deciphered": [0-9]*' $LOG/decrypt.json | tr '\n' ' ')
	check "$n.all" "$(holds without_reason $LOG/decrypt.json)" "$deciphered"
	echo "not-$LAB_PASS" >$LOG/password
	"$ARC4" decrypt $LOG/outer.pcap -w $LOG/wrong.pcap --password-file $LOG/password >$LOG/wrong.log 2>&1
	check "$n.wrong" "$(holds [ $? = 3 ])" "$(tail -n 1 $LOG/wrong.log)"
	say "$(grep -m 3 -A 2 '^CALL' $LOG/decrypt.log)"
	stop "$CLIENT_PID" 10
	stop "$SERVER_PID" 10
	wait_for 10 no_tunnel_if c
	wait_for 10 no_tunnel_if s
	[ $FAILED = $failed ] || tail_logs client server server-pppd decrypt wrong
}

for call; do
	IFS=, read -r client server variant <<<"$call"
	one "$client" "$server" "$variant"
done
finish
