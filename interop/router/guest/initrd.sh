#!/bin/busybox sh
# PID 1 of the emulated router's initrd: the squashfs root under a tmpfs overlay, as on a router, and
# the job's files, which are a squashfs as well, at /job.
b=/bin/busybox
$b mount -t proc p /proc
$b mount -t sysfs s /sys
$b mount -t devtmpfs d /dev
for m in ata_piix squashfs overlay; do
	$b insmod /modules/$m.ko || echo "initrd: no module $m"
done
i=0
until [ -b /dev/sda ] && [ -b /dev/sdb ] || [ $i -gt 100 ]; do
	$b sleep 0.1
	i=$((i + 1))
done
root=/dev/sda job=/dev/sdb
$b mount -t squashfs -o ro $root /ro || echo "initrd: no root"
if ! [ -e /ro/sbin/guestinit ]; then # disks are found in any order
	$b umount /ro
	root=/dev/sdb job=/dev/sda
	$b mount -t squashfs -o ro $root /ro
fi
$b mount -t tmpfs r /rw
$b mkdir /rw/up /rw/work
$b mount -t overlay -o lowerdir=/ro,upperdir=/rw/up,workdir=/rw/work o /new || echo "initrd: no overlay"
$b mount -t squashfs -o ro $job /new/job || echo "initrd: no job"
$b umount /proc /sys /dev
exec $b switch_root /new /sbin/guestinit
