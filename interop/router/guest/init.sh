#!/bin/bash
# PID 1 of the emulated router: mounts what programs expect, shows that it lives, runs the job, and
# says how it ended.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin:/run/bb HOME=/root LC_ALL=C TERM=dumb
b=/bin/busybox
$b mount -t proc p /proc
$b mount -t sysfs s /sys
$b mount -t devtmpfs d /dev 2>/dev/null
$b mount -t tmpfs r /run
$b mkdir -p /run/bb /run/lab /run/netns /run/pptpd /dev/pts /dev/shm
$b --install -s /run/bb
mount -t devpts p /dev/pts
mount -t tmpfs t /tmp
hostname router
# An emulator that hangs prints nothing more: whoever looks on can tell. No process is started for it.
mkfifo /run/never
(
	exec 8<>/run/never
	while :; do
		read -rt 2 <&8
		echo "~"
	done
) &
echo "--router begins--"
setsid bash /job/job.sh </dev/null 2>&1
echo "--router ends $?--"
sync
echo o >/proc/sysrq-trigger
sleep 60
