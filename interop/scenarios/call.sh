#!/bin/bash
# call.sh [--prefix NAME] [--flags "FLAG..."] [--time N] [--wait N] CLIENT SERVER VARIANT...
#
# A client calls a server, once for each variant, both started anew.
#   CLIENT   arc4; or kernel (pppd on the kernel's PPTP), pptp (pptp-linux and pppd)
#   SERVER   arc4; or kernel, pptpd
#   VARIANT  mppe128 mppe128-stateful mppe40 mppe40-stateful nomppe chapmd5 pap eap,
#            which must come up; wrongpass wronguser eap-wrongpass eap-wronguser,
#            which must not
#   --prefix before the names of the checks
#   --flags  more flags for arc4 connect and arc4 serve
#   --time   seconds of TCP each way (default 2)
#   --wait   seconds to wait for the tunnel (default 15)
. "$INTEROP/guest/lib.sh"
prefix='' flags='' secs=2 wait=15
while [ $# -gt 0 ]; do
	case $1 in
	--prefix) prefix=$2. ;;
	--flags) flags=$2 ;;
	--time) secs=$2 ;;
	--wait) wait=$2 ;;
	*) break ;;
	esac
	shift 2
done
[ $# -ge 3 ] || { sed -n '2,14p' "$0"; exit 2; }
client=$1 server=$2
shift 2

# start client|server KIND VARIANT
start() {
	if [ "$2" = arc4 ]; then
		# shellcheck disable=SC2086 # a list of flags
		our_$1 "$3" $flags
	else
		peer_$1_$2 "$3"
	fi
}

# logs in which the real peer, if there is one, tells what was negotiated
peer_log() {
	[ "$server" != arc4 ] && { echo server-pppd; return; }
	[ "$client" != arc4 ] && echo client
}

# said WAY LOG: the frames of the set-up that a log has as sent or rcvd, sorted, each once, for pptpd at times drops one, and
# it is sent again; of logins only which they are, for our trace hides what is in them. pppd names both WINS servers alike.
said() {
	sed -n -E "s/.*\\b$1 (\[(LCP|CCP|IPCP) Conf(Req|Ack|Nak|Rej) .*\]).*/\\1/p
		s/.*\\b$1 (\[(CHAP (Challenge|Response|Success)|PAP Auth(Req|Ack)|EAP (Request|Response|Success)) id=0x[0-9a-f]+).*/\\1/p" "$LOG/$2.log" |
		sed 's/ms-wins[12]/ms-wins/' | sort -u
}

# same_trace OURS THEIRS: our trace shows the set-up as pppd's debug does, both ways, word for word
same_trace() {
	local way back
	for way in sent rcvd; do
		back=$([ $way = sent ] && echo rcvd || echo sent)
		[ -n "$(said $way "$1")" ] || return 1
		diff <(said $way "$1") <(said $back "$2") >&2 || return 1
	done
}

# up NAME VARIANT: the checks of a tunnel that is up, until the client has ended
up() {
	local n=$1 v=$2 log
	result "$n.tunnel" "$TIF $TADDR, mtu $(if_mtu c "$TIF")"
	set_up "$n"
	log=$(peer_log)
	[ -z "$log" ] || check "$n.settled" "$(holds settled "$v" "$log")" "$(variant_enabled "$v")"
	pings "$n"
	tcp_both "$n" "$secs"
	intact "$n"
	case $v in *-stateful) recovers "$n" ;; esac
	if [ "$client" = arc4 ] || [ "$server" = arc4 ]; then
		"$ARC4" status --json >$LOG/status 2>&1
		check "$n.status" "$(holds grep -q "\"$TADDR\"" $LOG/status)" "arc4 status --json knows of $TADDR"
	fi
	check "$n.alive" "$(holds alive "$CLIENT_PID")" "client still runs"
	stop "$CLIENT_PID" 10
	if [ "$client" = arc4 ] && [ "$server" != arc4 ]; then
		check "$n.trace" "$(holds same_trace client server-pppd)" "--trace shows $(said sent client | wc -l) and $(said rcvd client | wc -l) frames as pppd does"
	elif [ "$server" = arc4 ] && [ "$client" != arc4 ]; then
		check "$n.trace" "$(holds same_trace server client)" "--trace shows $(said sent server | wc -l) and $(said rcvd server | wc -l) frames as pppd does"
	fi
	if [ "$client" = arc4 ]; then
		check "$n.exit" "$(holds [ "$STATUS" = 0 ])" "exit status $STATUS on SIGTERM"
	else
		check "$n.exit" "$(holds [ "$STATUS" != killed ])" "exit status $STATUS on SIGTERM"
	fi
}

# SETUPS counts the set-ups in which one side is ours, and LATE those in which a step of ours waited for a restart timer.
SETUPS=0 LATE=0

# set_up NAME: how long the set-up took, by the clock of our own trace, and whether a step of it waited for a timer
set_up() {
	local n=$1 ours sent
	if [ "$client" = arc4 ] && [ "$server" != arc4 ]; then
		ours=$LOG/client.log
	elif [ "$client" != arc4 ] && [ "$server" = arc4 ]; then
		ours=$LOG/server.log
	else
		return 0
	fi
	result "$n.set-up" "$(between "$ours" 'Start-Control-Connection-Request' 'msg="tunnel is up"') ms from TCP to the first packet"
	"$ARC4" status --json >$LOG/status 2>&1
	sent=$(grep -o '"ppp_retransmissions": *[0-9]*' $LOG/status | head -n 1 | grep -o '[0-9]*$')
	result "$n.retransmissions" "${sent:-unknown}"
	SETUPS=$((SETUPS + 1))
	[ "$sent" = 0 ] || LATE=$((LATE + 1))
}

# between FILE FIRST LAST: milliseconds between the times of the first line with each
between() {
	local from to
	from=$(grep -m 1 -F "$2" "$1" | grep -oE -m 1 '[0-9]{4}-[0-9-]+T[0-9:.]+Z' | head -n 1)
	to=$(grep -m 1 -F "$3" "$1" | grep -oE -m 1 '[0-9]{4}-[0-9-]+T[0-9:.]+Z' | head -n 1)
	[ -n "$from" ] && [ -n "$to" ] || { echo unknown; return; }
	echo $((($(date -d "$to" +%s%N) - $(date -d "$from" +%s%N)) / 1000000))
}

# down NAME VARIANT: the checks of a call that had to be refused
down() {
	local n=$1
	if [ "$server$client" = arc4arc4 ]; then
		check "$n.tried" "$(holds grep -q 'authentication failed' $LOG/server.log)" "the server refused it"
	elif [ "$server" = arc4 ]; then
		check "$n.tried" "$(holds grep -qE 'rcvd \[(CHAP Challenge|EAP Request.*Challenge)' $LOG/client.log)" "the server asked for the password"
	else
		check "$n.tried" "$(holds grep -qiE 'failed CHAP|CHAP authentication failed|MSCHAPv2 failure|sent \[EAP Failure|authentication failure|sent \[CHAP Failure' $LOG/server-pppd.log)" \
			"the server saw the attempt and refused it"
	fi
	if [ "$client" = arc4 ]; then
		ended "$CLIENT_PID" 10 || STATUS=running
		check "$n.exit" "$(holds [ "$STATUS" = 3 ])" "exit status $STATUS, 3 is authentication"
		check "$n.words" "$(holds grep -q "^arc4: authentication failed: " $LOG/client.log)" "$(tail -n 1 $LOG/client.log)"
	fi
	stop "$CLIENT_PID" 5
}

one() { # VARIANT
	local v=$1 n=$prefix$1 expect=yes got=no before_c before_s failed=$FAILED
	case $v in *wrongpass | *wronguser) expect=no ;; esac
	: >$LOG/client.log
	: >$LOG/server.log
	: >$LOG/server-pppd.log
	before_c=$(net_state c) before_s=$(net_state s)
	if start server "$server" "$v"; then
		start client "$client" "$v"
		wait_tunnel "$CLIENT_PID" "$wait" && got=yes
		if [ $expect = yes ]; then
			check "$n.up" $got
		else
			check "$n.refused" "$(holds [ $got = no ])" "no tunnel comes up"
		fi
		if [ $got = yes ]; then up "$n" "$v"; elif [ $expect = no ]; then down "$n" "$v"; else stop "$CLIENT_PID" 5; fi
		if [ "$client" = arc4 ]; then
			undone "$n.client-gone" c "$before_c"
		else # pptp-linux may leave a route behind
			check "$n.client-gone" "$(holds wait_for 10 no_tunnel_if c)" "client's interface gone"
		fi
		check "$n.server-alive" "$(holds alive "$SERVER_PID")" "server still runs"
		[ "$server" = arc4 ] || check "$n.server-if" "$(holds wait_for 10 no_tunnel_if s)" "server's interface gone"
		stop "$SERVER_PID" 10
		[ "$server" != arc4 ] || check "$n.server-exit" "$(holds [ "$STATUS" = 0 ])" "exit status $STATUS on SIGTERM"
		undone "$n.server-gone" s "$before_s"
	else
		check "$n.server" no "does not listen on TCP 1723"
		stop "$SERVER_PID" 5
	fi
	[ $FAILED = $failed ] || tail_logs client server server-pppd
	for f in client server server-pppd; do mv $LOG/$f.log "$LOG/$f-$n.log"; done
}

same_state() { [ "$(net_state "$1")" = "$2" ]; }

# undone NAME NS BEFORE: the namespace is again as it was
undone() {
	wait_for 10 same_state "$2" "$3" && { check "$1" yes "links, addresses and routes as before"; return; }
	check "$1" no "before and after:"
	diff <(echo "$3") <(net_state "$2")
}

for v; do one "$v"; done
# A peer that loses a frame between its own processes makes one late (pptpd at times does); a step of ours that waits for a
# timer makes all of them late.
[ $SETUPS = 0 ] || check no-timer "$(holds [ $LATE -lt $(((SETUPS + 1) / 2)) ])" "$LATE of $SETUPS set-ups had a PPP packet sent again by a timer"
finish
