#!/bin/bash
# tunnel.sh KB: the router build as server and as client, on a machine as small as a router: files
# through the tunnel both ways with their checksums compared, also over a link that reorders, and
# neither ever has more than so many kB of memory. With the packages for OpenWrt, also those.
. /job/lab.sh
bound=$1
router_setup

# crosses NAME FROM TO ADDRESS: a megabyte of noise from one namespace to the other
crosses() {
	local sum got try
	for try in 1 2 3; do
		spawn "$2" noise sh -c "busybox nc -l -p 7001 <$LOG/noise"
		wait_for 30 listening "$2" 7001
		# bash and not nc, which would close its own way first, and with it nc's on the other side
		ip netns exec "$3" timeout 90 bash -c "cat </dev/tcp/$4/7001" >$LOG/arrived
		kill "$SPAWNED" 2>/dev/null
		wait "$SPAWNED" 2>/dev/null
		[ "$(stat -c %s $LOG/arrived)" = 1000000 ] && break
		say "NOTE $1: $(stat -c %s $LOG/arrived) bytes in 90 s at try $try"
	done
	sum=$(sha256sum <$LOG/noise)
	got=$(sha256sum <$LOG/arrived)
	check "$1" "$(holds [ "$sum" = "$got" ])" "$(stat -c %s $LOG/arrived) bytes, SHA-256 ${got:0:16}, was ${sum:0:16}"
	rm -f $LOG/arrived
}

head -c 1000000 /dev/urandom >$LOG/noise
router_serve /job/arc4
router_connect /job/arc4
wait_tunnel $CLIENT_PID 120
check call "$(holds [ -n "$TADDR" ])" "$TIF $TADDR"
crosses down s c $TUN_S
crosses up c s "$TADDR"
jitter delay 3ms 1ms
crosses jitter-down s c $TUN_S
crosses jitter-up c s "$TADDR"
jitter off

check client-memory "$(holds [ "$(peak $CLIENT_PID)" -le "$bound" ])" "VmHWM $(peak $CLIENT_PID) kB, bound $bound"
check server-memory "$(holds [ "$(peak $SERVER_PID)" -le "$bound" ])" "VmHWM $(peak $SERVER_PID) kB, bound $bound"
check nobody-killed "$(holds [ -z "$(dmesg | grep -i 'out of memory\|oom-kill')" ])" "of $(awk '/MemTotal/ { print $2 }' /proc/meminfo) kB"
stop $CLIENT_PID 60
check client-exit "$(holds [ "$STATUS" = 0 ])" "status $STATUS"
check client-gone "$(holds no_tunnel_if c)"
# shellcheck source=interop/router/guest/openwrt.sh
[ ! -e /job/openwrt.sh ] || . /job/openwrt.sh
stop $SERVER_PID 60
check server-exit "$(holds [ "$STATUS" = 0 ])" "status $STATUS"
[ $FAILED = 0 ] || tail_logs client server
finish
