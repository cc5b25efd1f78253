#!/bin/sh
# netifd's protocol handler for arc4: an interface that was of `option proto pptp` needs only
# `option proto arc4`. What of its options has no meaning here is said in the log.

ARC4=/usr/sbin/arc4
[ -x "$ARC4" ] || exit 0

[ -n "$INCLUDE_ONLY" ] || {
	. /lib/functions.sh
	. ../netifd-proto.sh
	init_proto "$@"
}

proto_arc4_init_config() {
	no_device=1
	available=1
	lasterror=1

	# those of proto pptp
	proto_config_add_string "server"
	proto_config_add_string "interface"
	proto_config_add_string "username"
	proto_config_add_string "password"
	proto_config_add_string "keepalive"
	proto_config_add_boolean "keepalive_adaptive"
	proto_config_add_string "ipv6"
	proto_config_add_int "mtu"
	proto_config_add_boolean "authfail"
	proto_config_add_boolean "persist"
	proto_config_add_int "holdoff"
	proto_config_add_int "maxfail"
	proto_config_add_int "demand"
	proto_config_add_string "pppname"
	proto_config_add_string "pppd_options"
	proto_config_add_string "connect"
	proto_config_add_string "disconnect"
	proto_config_add_string "unnumbered"
	proto_config_add_string "reqprefix"
	proto_config_add_boolean "sourcefilter"
	proto_config_add_boolean "delegate"
	proto_config_add_boolean "norelease"

	# flags of arc4 connect
	proto_config_add_string "mppe"
	proto_config_add_string "mppe_stateful"
	proto_config_add_string "auth"
	proto_config_add_string "backend"
	proto_config_add_string "io"
	proto_config_add_int "reorder_window"
	proto_config_add_string "reorder_timeout"
	proto_config_add_string "reorder_policy"
	proto_config_add_boolean "trace"
}

arc4_log() {
	logger -t "arc4-$config" -p daemon.warn "$1"
}

# arc4_meaningless OPTION VALUE WHY: says that an option that is set is not used.
arc4_meaningless() {
	[ -z "$2" ] || arc4_log "option $1 '$2' is not used: $3"
}

# arc4_refuse WHY: ends the setup for good, until the configuration changes.
arc4_refuse() {
	arc4_log "$1"
	proto_notify_error "$config" OPTION_ERROR
	proto_block_restart "$config"
	exit 1
}

# arc4_mppe LIST: reads OpenWrt's own option of pppd, such as required,no40,no56,stateless.
arc4_mppe() {
	local word weak=1 need= state= IFS=,
	for word in $1; do
		case "$word" in
		required) need=1 ;;
		optional) need= ;;
		no40 | no56) weak= ;;
		stateful) state=allow ;;
		stateless | no128) ;;
		*) arc4_log "pppd_options: mppe $word is not used" ;;
		esac
	done
	mppe_by_pppd=${need:+require${weak:--128}}
	mppe_by_pppd=${mppe_by_pppd%1}
	mppe_by_pppd=${mppe_by_pppd:-allow}
	stateful_by_pppd=$state
}

# arc4_pppd_options WORD...: takes what arc4 has, too, out of the words of pppd's command line.
arc4_pppd_options() {
	while [ $# -gt 0 ]; do
		case "$1" in
		# What arc4 does anyway, or never does.
		noauth | noipdefault | nodefaultroute | usepeerdns | noproxyarp | nodetach | lock | nobsdcomp | nodeflate | novj | novjccomp | nopcomp | noaccomp | \
			default-asyncmap | noccp-restart | nopredictor1 | refuse-pap | refuse-chap | refuse-mschap | \
			require-mschap-v2 | require-mppe | require-mppe-128 | nomppe-40 | nomppe-56 | nomppe-stateful | ipcp-accept-local | ipcp-accept-remote) ;;
		refuse-eap) auth=${auth:-mschapv2} ;;
		debug) trace=${trace:-1} ;;
		nomppe) mppe_by_pppd=off ;;
		require-mppe-40 | require-mppe-56) mppe_by_pppd=require ;;
		mppe-stateful) stateful_by_pppd=allow ;;
		+ipv6) ipv6=${ipv6:-1} ;;
		noipv6) ipv6=0 ;;
		persist) persist=${persist:-1} ;;
		nopersist) persist=${persist:-0} ;;
		mppe | mtu | mru | holdoff | maxfail | lcp-echo-interval | lcp-echo-failure)
			[ $# -gt 1 ] || {
				arc4_log "pppd_options: $1 has no value"
				return
			}
			case "$1" in
			mppe) arc4_mppe "$2" ;;
			mtu) mtu=${mtu:-$2} ;;
			mru) mru=$2 ;;
			holdoff) holdoff=${holdoff:-$2} ;;
			maxfail) maxfail=${maxfail:-$2} ;;
			lcp-echo-interval) echo_interval=$2 ;;
			lcp-echo-failure) echo_failures=$2 ;;
			esac
			shift
			;;
		*) arc4_log "pppd_options: $1 is not used" ;;
		esac
		shift
	done
	mtu=${mtu:-$mru}
}

# arc4_pause: waits before another attempt, for longer the more have failed; netifd tries again at
# once, and a server may count logins.
arc4_pause() {
	local failures=0 pause
	[ -f "$1" ] && read -r failures <"$1"
	[ "$failures" -gt 0 ] || return
	pause=60
	[ "$failures" -lt 7 ] && pause=$((1 << (failures - 1)))
	sleep "${holdoff:-$pause}"
}

# arc4_servers HOST: has netifd keep a route around the tunnel to each address of the server.
arc4_servers() {
	local ip found=
	for ip in $(resolveip -4 -t 5 "$1"); do
		(proto_add_host_dependency "$config" "$ip" "$interface")
		found=1
	done
	[ -n "$found" ]
}

proto_arc4_setup() {
	local config="$1"
	local server interface username password keepalive keepalive_adaptive ipv6 mtu persist holdoff maxfail demand pppname pppd_options connect disconnect
	local unnumbered reqprefix sourcefilter delegate norelease
	local mppe mppe_stateful auth backend io reorder_window reorder_timeout reorder_policy trace
	local mru= mppe_by_pppd= stateful_by_pppd= echo_interval= echo_failures= device passwords

	json_get_vars server interface username password keepalive keepalive_adaptive ipv6 mtu persist holdoff maxfail demand pppname pppd_options connect disconnect \
		unnumbered reqprefix sourcefilter delegate norelease \
		mppe mppe_stateful auth backend io reorder_window reorder_timeout reorder_policy trace

	set -f # the words of pppd_options are no patterns
	arc4_pppd_options $pppd_options
	set +f

	device=${pppname:-arc4-$config}
	[ ${#device} -le 15 ] || arc4_refuse "device $device: the name is longer than 15 bytes: give the interface a shorter name, or option pppname"
	[ -n "$server" ] || arc4_refuse "option server is missing"
	[ -n "$username" ] || arc4_refuse "option username is missing"
	[ -n "$password" ] || arc4_refuse "option password is missing"

	[ "${demand:-0}" = 0 ] || arc4_meaningless demand "$demand" "netifd has routes to a tunnel only while it is up"
	[ "${keepalive_adaptive:-1}" = 1 ] || arc4_meaningless keepalive_adaptive "$keepalive_adaptive" "a peer that is heard is never asked"
	arc4_meaningless connect "$connect" "there is no modem"
	arc4_meaningless disconnect "$disconnect" "there is no modem"
	arc4_meaningless unnumbered "$unnumbered" "the server gives the address"
	arc4_meaningless reqprefix "$reqprefix" "IPv6 addresses in the tunnel are link-local"
	arc4_meaningless sourcefilter "$sourcefilter" "IPv6 addresses in the tunnel are link-local"
	arc4_meaningless delegate "$delegate" "IPv6 addresses in the tunnel are link-local"
	arc4_meaningless norelease "$norelease" "IPv6 addresses in the tunnel are link-local"

	mkdir -p /var/run/arc4
	arc4_pause "/var/run/arc4/$config.failures"

	arc4_servers "${server%:*}" || {
		arc4_log "the address of server $server cannot be looked up"
		sleep 5
		proto_setup_failed "$config"
		exit 1
	}

	passwords="/var/etc/arc4-$config.password"
	mkdir -p /var/etc # for others, too
	(
		umask 077
		rm -f "$passwords"
		printf '%s\n' "$password" >"$passwords"
	)

	set -- connect "$server" --user "$username" --password-file "$passwords" --tun "$device" \
		--ip-up /lib/netifd/arc4-up --ip-down /lib/netifd/arc4-down --ipparam "$config"
	[ -z "$keepalive" ] || {
		echo_failures=${keepalive%%[, ]*}
		echo_interval=${keepalive##*[, ]}
		[ "$echo_interval" != "$keepalive" ] || echo_interval=5
	}
	if [ "$echo_failures" = 0 ] || [ "$echo_interval" = 0 ]; then
		set -- "$@" --echo-interval 0
	else
		[ -z "$echo_interval" ] || set -- "$@" --echo-interval "${echo_interval}s"
		[ -z "$echo_failures" ] || set -- "$@" --echo-failures "$echo_failures"
	fi
	[ "$ipv6" = 1 ] || [ "$ipv6" = auto ] && {
		if [ -e /proc/sys/net/ipv6 ]; then
			set -- "$@" --ipv6 --ipv6-up /lib/netifd/arc4-up
		else
			arc4_meaningless ipv6 "$ipv6" "this system has no IPv6"
		fi
	}
	if [ "$persist" = 1 ]; then
		[ "$maxfail" != 0 ] || maxfail=
		set -- "$@" --reconnect ${holdoff:+--hold-off "$holdoff"} ${maxfail:+--max-fail "$maxfail"}
	fi
	mppe=${mppe:-$mppe_by_pppd}
	mppe_stateful=${mppe_stateful:-$stateful_by_pppd}
	[ "$trace" = 1 ] || trace=
	proto_run_command "$config" "$ARC4" "$@" \
		${mtu:+--mtu "$mtu"} \
		${mppe:+--mppe "$mppe"} \
		${mppe_stateful:+--mppe-stateful "$mppe_stateful"} \
		${auth:+--auth "$auth"} \
		${backend:+--backend "$backend"} \
		${io:+--io "$io"} \
		${reorder_window:+--reorder-window "$reorder_window"} \
		${reorder_timeout:+--reorder-timeout "$reorder_timeout"} \
		${reorder_policy:+--reorder-policy "$reorder_policy"} \
		${trace:+--trace}
}

# arc4_failed CODE: notes for arc4_pause that another attempt has failed.
arc4_failed() {
	local failures=0 file="/var/run/arc4/$config.failures"
	[ -f "$file" ] && read -r failures <"$file"
	failures=$((failures + 1))
	[ "$1" != 3 ] || failures=7
	mkdir -p /var/run/arc4
	echo "$failures" >"$file"
}

# ERROR is the exit code of arc4 connect, if that ended by itself: see `arc4 help exit-codes`.
proto_arc4_teardown() {
	local config="$1"
	local authfail

	case "$ERROR" in
	"" | 0) rm -f "/var/run/arc4/$config.failures" ;;
	*) arc4_failed "$ERROR" ;;
	esac
	case "$ERROR" in
	"" | 0) ;;
	2)
		proto_notify_error "$config" OPTION_ERROR
		proto_block_restart "$config"
		;;
	3)
		proto_notify_error "$config" AUTH_FAILED
		json_get_var authfail authfail
		[ "${authfail:-0}" = 0 ] || proto_block_restart "$config"
		;;
	4) proto_notify_error "$config" CONNECT_FAILED ;;
	5) proto_notify_error "$config" NEGOTIATION_FAILED ;;
	6) proto_notify_error "$config" NO_PERMISSION ;;
	*) proto_notify_error "$config" FATAL_ERROR ;;
	esac
	rm -f "/var/etc/arc4-$config.password"
	proto_kill_command "$config"
}

[ -n "$INCLUDE_ONLY" ] || add_protocol arc4
