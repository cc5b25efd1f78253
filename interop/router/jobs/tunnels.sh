#!/bin/bash
# tunnels.sh ROUNDS [SECONDS]: the kernel's PPTP, pptp-linux with pptpd, and arc4 in turns: TCP both
# ways, both ends on the one processor; then arc4 over netem 3 ms and 3±1 ms, in turns. Figures are
# Mbit/s. Program pages are in memory before, so the machine has 192 MB.
. /job/lab.sh
rounds=$1 time=${2:-2}
router_setup
cat /job/arc4 >/dev/null

# begins KIND: a tunnel of it
begins() {
	case $1 in
	arc4) router_serve /job/arc4 && router_connect /job/arc4 ;;
	kernel) peer_server_kernel mppe128 && peer_client_kernel mppe128 ;;
	pptp) peer_server_pptpd mppe128 && peer_client_pptp mppe128 ;;
	esac && wait_tunnel $CLIENT_PID 60 && iperf_server $TUN_S && return
	say "NOTE no tunnel of $1"
	tail_logs client server server-pppd
	return 1
}
ends() {
	stop "$IPERF_PID" 5
	stop $CLIENT_PID 10
	stop $SERVER_PID 10
	busybox killall -q -9 pppd pptpd pptp pptpctrl
	wait_for 10 no_tunnel_if c
}

for ((round = 1; round <= rounds; round++)); do
	for kind in kernel pptp arc4; do
		if begins $kind; then
			tcp $TUN_S 1 -R >/dev/null
			result $kind-down "$(tcp $TUN_S "$time" -R)"
			result $kind-up "$(tcp $TUN_S "$time")"
		fi
		ends
	done
done
if begins arc4; then
	tcp $TUN_S 1 -R >/dev/null
	for ((round = 1; round <= rounds; round++)); do
		netem delay 3ms
		result delay "$(tcp $TUN_S $((time + 1)) -R)"
		netem delay 3ms 1ms
		result jitter "$(tcp $TUN_S $((time + 1)) -R)"
	done
	netem off
fi
ends
finish
