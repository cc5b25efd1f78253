#!/bin/bash
# alone.sh [SECONDS [BOOST]]: arc4 connect as the only end of a tunnel on a small machine; its server is
# outside, as a router's is. Mbit/s down and up; the share of the processor's time that was the
# system's; major faults a second, which are program pages that were given up and read again; the most
# memory that it had, in kB. TCP comes from and goes to busybox, which is small. BOOST is what
# vm.watermark_boost_factor is set to.
. "$INTEROP/guest/lib.sh"
time=${1:-3}
[ -z "$2" ] || echo "$2" >/proc/sys/vm/watermark_boost_factor
for m in virtio_pci virtio_net tun; do
	modprobe $m || check "module.$m" no
done
ip link set lo up
ip link set eth0 up
ip addr add $CADDR/24 dev eth0
mkdir -p $LOG
printf '%s\n' "$LAB_PASS" >$LOG/password
chmod 600 $LOG/password

ping() { busybox ping "$@" >/dev/null 2>&1; }
wait_for 60 ping -c 1 -W 1 $SADDR
/job/arc4 connect $SADDR --user "$LAB_USER" --password-file $LOG/password >$LOG/client.log 2>&1 </dev/null &
CLIENT_PID=$!
wait_for 120 ping -c 1 -W 1 $TUN_S
check answered "$(holds ping -c 3 -W 2 $TUN_S)"

# sample: time since the boot; bytes in and out; processor: user, system with interrupts, idle, in
# hundredths of a second; major faults
sample() {
	read -r now _ </proc/uptime
	echo "$now" "$(awk '$1 ~ /^arc4/ { print $2, $10 }' /proc/net/dev)" \
		"$(awk '/^cpu / { print $2 + $3, $4 + $7 + $8, $5 + $6 }' /proc/stat)" "$(awk '/^pgmajfault/ { print $2 }' /proc/vmstat)"
}
# between NAME COLUMN BEFORE AFTER: what passed, and at what cost
between() {
	awk -v name="$1" -v column="$2" '{
		seconds = $8 - $1; kernel = $12 - $5
		printf "RESULT %s %.2f\n", name, ($(column + 7) - $column) * 8 / 1e6 / seconds
		printf "RESULT system %.3f\nRESULT faults %.1f\n", kernel / ($11 - $4 + kernel + $13 - $6), ($14 - $7) / seconds
	}' <<<"$3 $4"
}
# carried COLUMN BEFORE: a megabyte passed
carried() { awk -v column="$1" '{ exit $(column + 7) - $column < 1000000 }' <<<"$2 $(sample)"; }
# load NAME PORT COLUMN INPUT
load() {
	local before after pid
	busybox nc $TUN_S "$2" <"$4" >/dev/null &
	pid=$!
	sleep 1
	before=$(sample)
	sleep "$time"
	after=$(sample)
	between "$1" "$3" "$before" "$after"
	check "carries-$1" "$(holds wait_for 120 carried "$3" "$before")"
	kill $pid
}
load down 5001 2 /dev/null
load up 5002 3 /dev/zero
result connect "$(awk '/^VmHWM/ { print $2 }' /proc/$CLIENT_PID/status)"
check alive "$(holds alive $CLIENT_PID)"
check nobody-killed "$(holds [ -z "$(dmesg | grep -i 'out of memory\|oom-kill')" ])"
stop $CLIENT_PID 30
check exit "$(holds [ "$STATUS" = 0 ])" "$STATUS"
[ $FAILED = 0 ] || tail -n 20 $LOG/client.log
finish
