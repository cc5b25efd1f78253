# The project's own client and server.
# shellcheck shell=bash disable=SC2016,SC2034,SC2046,SC2086,SC2154 # word lists; variables of the scenarios

ARC4=$INTEROP_BUILD/arc4

# policy_flags VARIANT: the flags of connect and of serve that the variant needs.
# The real peers of stateful MPPE are all ppp_mppe.ko, which resets in its own way.
policy_flags() {
	case $1 in
	mppe128 | wrongpass | wronguser) ;;
	# A client that was not told calls twice, and this server takes one call at a time.
	eap*) [ "${server:-}" != kernel ] || echo --auth eap ;;
	mppe128-stateful) echo --mppe-stateful require --mppe-linux-reset ;;
	mppe40) echo --mppe require ;;
	mppe40-stateful) echo --mppe require --mppe-stateful require --mppe-linux-reset ;;
	nomppe) echo --mppe off ;;
	chapmd5) echo --auth chap-md5 --mppe off ;;
	pap) echo --auth pap --mppe off ;;
	*) return 1 ;;
	esac
}

# our_client VARIANT [FLAG...]: arc4 connect in c
our_client() {
	local v=$1
	shift
	variant_pass "$v" >$LOG/password
	chmod 600 $LOG/password
	spawn c client "$ARC4" connect $SADDR --user "$(variant_user "$v")" --password-file $LOG/password \
		--trace $(policy_flags "$v") "$@"
	CLIENT_PID=$SPAWNED
}

# our_server VARIANT [FLAG...]: arc4 serve in s
our_server() {
	local v=$1
	shift
	secrets "$LAB_USER" "$LAB_PASS"
	spawn s server "$ARC4" serve --listen $SADDR --local-ip $TUN_S --pool $TUN_C-$TUN_LAST \
		--secrets /etc/ppp/chap-secrets --trace $(policy_flags "$v") "$@"
	SERVER_PID=$SPAWNED
	wait_listen
}
