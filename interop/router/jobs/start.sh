#!/bin/bash
# start.sh ROUNDS: seconds from the exec of arc4 connect, of which nothing is in memory, to the first
# answer through the tunnel. arc4 is in a squashfs with xz; the server is pppd on the kernel's PPTP,
# which is in memory, as are all programs that look on. It stands for another machine, so what it does
# for itself is not to cost: it has no scripts, and the libraries that it loads for a login are read.
. /job/lab.sh
router_setup
busybox cp /bin/busybox /run/ping
rm -f /etc/ppp/ip-pre-up /etc/ppp/ip-up /etc/ppp/ip-down
server_files="/usr/sbin/pppd $INTEROP_BUILD/kpptp.so $(find /lib /usr/lib -name libc.so.6 -o -name 'libcrypt*.so*' -o -name 'libssl.so*' \
	-o -name 'libpam.so*' -o -name 'libpcap.so*' -o -name legacy.so)"

for ((round = 1; round <= $1; round++)); do
	peer_server_kernel mppe128
	sync
	echo 3 >/proc/sys/vm/drop_caches
	in_c setsid true
	cat $server_files >/dev/null
	in_c /run/ping -c 1 -W 1 $SADDR >/dev/null
	begin=$EPOCHREALTIME
	router_connect /job/arc4
	# One process that waits, so that the client has the processor; the route is there when the
	# device is.
	in_c bash -c '
		exec 8<>/run/never
		for ((i = 0; i < 2400; i++)); do
			while read -r device _; do
				case $device in arc4*) /run/ping -c 1 -W 1 '$TUN_S' >/dev/null && exit ;; esac
			done </proc/self/net/route
			read -rt 0.05 <&8
		done
		exit 1'
	answered=$? end=$EPOCHREALTIME
	check answered "$(holds [ $answered = 0 ])"
	result start "$(awk -v a="$begin" -v b="$end" 'BEGIN { printf "%.3f", b - a }')"
	stop $CLIENT_PID 30
	stop $SERVER_PID 10
	busybox killall -q -9 pppd
	wait_for 10 no_tunnel_if c
done
[ $FAILED = 0 ] || tail_logs client server-pppd
finish
