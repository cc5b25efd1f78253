#!/bin/bash
# memory.sh [SECONDS]: both ends of arc4's tunnel under load on a small machine: the most memory that
# each had, in kB; the share of the processor's time that was the system's, and major faults a second,
# which are program pages that were given up and read again.
. /job/lab.sh
time=${1:-3}
router_setup
router_serve /job/arc4
router_connect /job/arc4
wait_tunnel $CLIENT_PID 120
iperf_server $TUN_S

# cpu: user, system with interrupts, idle; in hundredths of a second
cpu() { awk '/^cpu / { print $2 + $3, $4 + $7 + $8, $5 + $6 }' /proc/stat; }
faults() { awk '/^pgmajfault/ { print $2 }' /proc/vmstat; }

tcp $TUN_S 1 -R >/dev/null
before=$(cpu) faults=$(faults)
result down "$(tcp $TUN_S "$time" -R)"
result up "$(tcp $TUN_S "$time")"
awk -v faults=$(($(faults) - faults)) '{
	kernel = $5 - $2; all = $4 - $1 + kernel + $6 - $3
	printf "RESULT system %.3f\nRESULT faults %.1f\n", kernel / all, faults / (all / 100)
}' <<<"$before $(cpu)"
result connect "$(peak $CLIENT_PID)"
result serve "$(peak $SERVER_PID)"
check alive "$(holds alive $CLIENT_PID)"
check nobody-killed "$(holds [ -z "$(dmesg | grep -i 'out of memory\|oom-kill')" ])"
[ $FAILED = 0 ] || tail_logs client server iperf
finish
