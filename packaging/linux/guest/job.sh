#!/bin/bash
# job.sh: what somebody does with the package, on a Debian whose PID 1 is systemd. It prints a line
# for each check, PASS or FAIL and its name, and what it knows of a failure.
# /root has arc4.deb and a later newer.deb.
export LC_ALL=C TERM=dumb
export ARC4_BACKEND=u32 # measuring which is the fastest takes seconds in here
systemctl set-environment ARC4_BACKEND=u32
failed=0

# check NAME COMMAND...: passes if the command succeeds.
check() {
	local name=$1 out code
	shift
	out=$("$@" 2>&1)
	code=$?
	if [ $code = 0 ]; then
		echo "PASS $name"
	else
		failed=1
		echo "FAIL $name: $* ended with $code: $(tail -n 15 <<<"$out" | tr '\n' '|')"
	fi
}

# eventually COMMAND...: succeeds as soon as the command does, within a minute.
eventually() {
	local i
	for i in $(seq 120); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.5
	done
	"$@"
}

# says TEXT COMMAND...: the command writes the text.
says() {
	local want=$1 out
	shift
	out=$("$@" 2>&1)
	[[ $out == *"$want"* ]] || { echo "$out"; return 1; }
}

# everything FILE: lists all that is on the disk, and what is in /etc, but for what dpkg, systemd and
# useradd write anew whenever they do something.
everything() {
	local but=() p
	for p in /proc /sys /dev /run /tmp /root /var/lib/systemd /var/log/journal /var/log/dpkg.log /var/lib/dpkg/triggers \
		/var/lib/dpkg/status '/var/lib/dpkg/lock*' '/var/lib/dpkg/*-old' '/etc/*-' /etc/.pwd.lock /etc/machine-id /etc/.updated /var/.updated; do
		but+=(-path "$p" -o)
	done
	find / -xdev \( "${but[@]}" -false \) -prune -o -printf '%M %U %G %l %p\n' | sort >"$1"
	find /etc -xdev -type f ! -name '*-' ! -name .pwd.lock ! -name machine-id ! -name .updated -print0 | sort -z | xargs -0 sha256sum >>"$1"
	find /run -name '*arc4*' ! -path '/run/systemd/units/*' | sort >>"$1"
	ip -4 addr show scope global | sed 's/.*inet /inet /' >>"$1"
	ip rule >>"$1"
	ip route show table all | sort >>"$1"
}

mkdir -p /etc/systemd/system/multi-user.target.wants # systemd's, as everywhere

# The gateway is a network namespace behind a cable.
network() {
	modprobe tun
	chmod 666 /dev/net/tun # as udev does, which is not here
	ip netns add gateway
	ip link add outside type veth peer name inside netns gateway
	ip addr add 192.0.2.2/24 dev outside
	ip link set outside up
	ip -n gateway addr add 192.0.2.1/24 dev inside
	ip -n gateway link set inside up
	ip -n gateway link set lo up
	ip -n gateway addr add 10.20.30.40/32 dev lo
}

network
everything /tmp/before

check install dpkg -i /root/arc4.deb
check version says "arc4 v" arc4 version
check "manual page" says PPTP zcat /usr/share/man/man1/arc4-connect.1.gz
# shellcheck disable=SC2016
check completion bash -c '. /usr/share/bash-completion/completions/arc4 && complete -p arc4'
check "user of the server" says "arc4 arc4 600" stat -c '%U %G %a' /etc/arc4/chap-secrets
check "nothing is enabled" says disabled systemctl is-enabled arc4-serve.service
check "nothing runs" says inactive systemctl is-active arc4-serve.service
check "systemd reads the units" says "" systemd-analyze verify --man=no --recursive-errors=no arc4-serve.service arc4@office.service
check "no profile, no tunnel" says "unmet condition check" sh -c 'systemctl start arc4@nobody; journalctl --no-pager -u arc4@nobody'

# A server, in the gateway's namespace.
mkdir -p /run/systemd/system/arc4-serve.service.d
printf '[Service]\nNetworkNamespacePath=/run/netns/gateway\n' >/run/systemd/system/arc4-serve.service.d/gateway.conf
systemctl daemon-reload
check "no configuration, no server" sh -c '! systemctl start arc4-serve'
check "which the journal tells" says "listen" journalctl --no-pager -u arc4-serve
systemctl reset-failed arc4-serve
cat >>/etc/arc4/serve.toml <<'X'
listen = "192.0.2.1"
local-ip = "10.99.0.1"
pool = "10.99.0.100-10.99.0.120"
secrets = "/etc/arc4/chap-secrets"
X
echo 'alice * "correct horse" *' >>/etc/arc4/chap-secrets
check "server" systemctl enable --now arc4-serve
check "server is ready" says "active" systemctl is-active arc4-serve
check "server is not root" says arc4 sh -c 'stat -c %U /proc/"$(systemctl show -P MainPID arc4-serve)"'

# A profile of four lines.
cat >/etc/arc4/office.toml <<'X'
server = "192.0.2.1"
user = "alice"
password = "correct horse"
route = ["10.20.30.0/24"]
X
chmod 600 /etc/arc4/office.toml
check up arc4 up office
check "it is systemd's" says active systemctl is-active arc4@office
check "packets pass" eventually ping -c 1 -W 2 10.20.30.40
check status says "office" arc4 status
check "status of the server" says "alice" arc4 status --status-socket /run/arc4-serve/serve.sock
check list says office arc4 list

# An upgrade restarts what runs, and keeps what was configured.
was=$(systemctl show -P MainPID arc4@office)
server=$(systemctl show -P MainPID arc4-serve)
check upgrade dpkg --force-confold -i /root/newer.deb
check "new version" says "install ok installed" dpkg-query -W -f '${Status}' arc4
check "tunnel was restarted" test "$was" != "$(systemctl show -P MainPID arc4@office)"
check "server was restarted" test "$server" != "$(systemctl show -P MainPID arc4-serve)"
check "configuration was kept" grep -q '^listen' /etc/arc4/serve.toml
check "tunnel is back" eventually ping -c 1 -W 2 10.20.30.40

check down arc4 down office
check "it is down" says inactive systemctl is-active arc4@office
check "no route is left" sh -c '! ip route | grep -q 10.20.30'

# The password as a credential, in place of one in the profile.
mkdir -p -m 700 /etc/credstore
printf 'correct horse' >/etc/credstore/arc4-office.password
chmod 600 /etc/credstore/arc4-office.password
sed -i '/^password/d' /etc/arc4/office.toml
check "up with a credential" systemctl start arc4@office
check "packets pass again" eventually ping -c 1 -W 2 10.20.30.40
rm -r /etc/credstore

# Both run while the package is removed.
systemctl enable arc4@office 2>/dev/null
check remove dpkg -r arc4
check "program is gone" sh -c '! command -v arc4'
check "nothing of it runs" says "inactive
inactive" systemctl is-active arc4@office.service arc4-serve.service
check "configuration is there" test -s /etc/arc4/office.toml
check purge dpkg -P arc4
rm -rf /run/systemd/system/arc4-serve.service.d
systemctl daemon-reload
systemctl reset-failed
everything /tmp/after
check "nothing is left" diff /tmp/before /tmp/after
[ $failed = 0 ] || journalctl --no-pager -o cat -u arc4-serve -u arc4@office | tail -n 60
echo END
