#!/bin/bash
# PID 1 of the guest. Root is the host's / (hostfs, read-only); what is written
# goes to a tmpfs overlay, except /run/job/out, the job's directory on the host.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LC_ALL=C TERM=dumb
exec </dev/console >/dev/console 2>&1
stty -opost 2>/dev/null
die() {
	echo "--interop--"
	echo "guest: $* failed"
	echo 125 >/run/job/status
	busybox poweroff -f
}

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/job /run/mod/lib/modules /run/root /run/ov
mount -t hostfs -o "$JOB" none /run/job || die "mounting the job directory"
mount --bind /usr/lib/uml/modules /run/mod/lib/modules
modprobe -d /run/mod overlay || die "modprobe overlay"

mount -t tmpfs -o mode=755 ov /run/ov
mkdir /run/ov/up /run/ov/work
mount -t overlay -o lowerdir=/,upperdir=/run/ov/up,workdir=/run/ov/work ov /run/root ||
	die "mounting the overlay"
R=/run/root
mount --move /proc $R/proc
mount --move /sys $R/sys
mount --move /dev $R/dev
mount -t tmpfs -o mode=755 run $R/run
mkdir -p $R/run/job $R/run/lab $R/run/netns $R/run/lock $R/run/pptpd $R/dev/pts $R/dev/shm $R/usr/lib/modules
mount --move /run/job $R/run/job
mount --bind /usr/lib/uml/modules $R/usr/lib/modules || die "mounting the modules" # plain modprobe works from here on
mount -t devpts -o mode=620,ptmxmode=666 devpts $R/dev/pts
mount -t tmpfs -o mode=1777 shm $R/dev/shm
ln -s /proc/self/fd $R/dev/fd

cat >$R/run/lab/stage2 <<'X'
. "$INTEROP/guest/lib.sh"
guest_setup
cd /
setsid bash /run/job/job.sh
echo $? >/run/job/status
X
chroot $R env -i PATH="$PATH" HOME=/root LC_ALL=C INTEROP="$INTEROP" bash /run/lab/stage2
cp -r $R/run/lab/. $R/run/job/out/ 2>/dev/null
echo "--interop end--"
sync
busybox poweroff -f
