#!/bin/bash
# forged.sh [--flags "FLAG..."]
#
# Forged GRE packets aimed at a live call between arc4 connect and arc4 serve,
# at either end: afterwards the session must still be there and lose nothing.
# First the same at the kernel's PPTP, which does not survive it: that shows
# that the forgeries reach a live call.
. "$INTEROP/guest/lib.sh"
flags=''
[ "${1:-}" != --flags ] || flags=$2

# forge AT ATTACK: attack the client (AT = c) or the server (AT = s), from the
# other side's namespace, while pings keep the call's numbers moving
forge() {
	local out ping
	spawn c ping ping -n -q -i 0.05 -s 200 $TUN_S
	ping=$SPAWNED
	if [ "$1" = c ]; then
		out=$(in_s "$INTEROP_BUILD/forge" -iface s0 -peer $CADDR -attack "$2" 2>&1)
	else
		out=$(in_c "$INTEROP_BUILD/forge" -iface c0 -peer $SADDR -attack "$2" 2>&1)
	fi
	FORGED=$?
	say "forge at $1: $out"
	# One forged number close to the live one may cost the packet that had it, as
	# long as it is in flight; what comes after must not be lost.
	sleep 0.5
	stop "$ping" 2
}

# reference: one volley at the kernel's client
peer_server_kernel mppe128 && peer_client_kernel mppe128
if wait_tunnel "$CLIENT_PID" 15; then
	forge c jump
	loss=$(ping_loss c $TUN_S 20 -W 1)
	check forged.kernel-falls "$(holds [ "$loss" = 100 ])" "the kernel's tunnel loses $loss % after 50 forged packets"
else
	check forged.kernel-up no
fi
stop "$CLIENT_PID" 5
stop "$SERVER_PID" 5
wait_for 10 no_tunnel_if s
rm -f $LOG/client.log

# shellcheck disable=SC2086 # a list of flags
# The forger watches the interface, which packets sent past the kernel's IP layer do not cross in its sight.
our_server mppe128 --io raw $flags && our_client mppe128 --io raw $flags
if wait_tunnel "$CLIENT_PID" 15; then
	for at in c s; do
		for attack in sweep aimed jump clear replay broken; do
			name=forged.$([ $at = c ] && echo client || echo server).$attack
			forge $at $attack
			[ $FORGED = 0 ] || { check "$name" no "the forger failed"; continue; }
			loss=$(ping_loss c $TUN_S 100 -s 500)
			check "$name" "$(holds [ "$loss" = 0 ])" "$loss % of 100 pings lost afterwards"
			[ "$loss" = 0 ] || "$ARC4" status --json
		done
	done
	check forged.client-alive "$(holds alive "$CLIENT_PID")"
	check forged.server-alive "$(holds alive "$SERVER_PID")"
	tcp_both forged 2
	say "$("$ARC4" status 2>&1)"
	stop "$CLIENT_PID" 10
	check forged.exit "$(holds [ "$STATUS" = 0 ])" "client's exit status $STATUS on SIGTERM"
else
	check forged.up no
	stop "$CLIENT_PID" 5
fi
stop "$SERVER_PID" 10
[ $FAILED = 0 ] || tail_logs client server
finish
