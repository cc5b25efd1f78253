# The real peers: pppd on the kernel's PPTP, pptp-linux, pptpd.
# shellcheck shell=bash disable=SC2016,SC2034,SC2046,SC2086,SC2154 # word lists; variables of the scenarios

secrets() { # USER PASS: the chap-secrets and pap-secrets of whoever serves
	printf '"%s" * "%s" *\n' "$1" "$2" >/etc/ppp/chap-secrets
	cp /etc/ppp/chap-secrets /etc/ppp/pap-secrets
	chmod 600 /etc/ppp/*-secrets
	: >/etc/ppp/options
}

# pppd_server_opts VARIANT: what pppd demands as a server
pppd_server_opts() {
	case $1 in
	mppe128 | wrongpass | wronguser) echo require-mschap-v2 require-mppe-128 nomppe-stateful ;;
	mppe128-stateful) echo require-mschap-v2 require-mppe-128 mppe-stateful ;;
	mppe40) echo require-mschap-v2 require-mppe-40 nomppe-stateful ;;
	mppe40-stateful) echo require-mschap-v2 require-mppe-40 mppe-stateful ;;
	nomppe) echo require-mschap-v2 nomppe ;;
	chapmd5) echo require-chap refuse-mschap refuse-mschap-v2 nomppe ;;
	pap) echo require-pap refuse-chap refuse-mschap refuse-mschap-v2 nomppe ;;
	eap | eap-wrongpass | eap-wronguser) echo require-eap require-mppe-128 nomppe-stateful ;;
	*) return 1 ;;
	esac
}

# pppd_client_opts VARIANT: what pppd allows as a client
pppd_client_opts() {
	case $1 in
	mppe128 | wrongpass | wronguser) echo refuse-eap require-mppe-128 nomppe-stateful ;;
	mppe128-stateful) echo refuse-eap require-mppe-128 mppe-stateful ;;
	mppe40) echo refuse-eap require-mppe-40 nomppe-stateful ;;
	mppe40-stateful) echo refuse-eap require-mppe-40 mppe-stateful ;;
	nomppe) echo refuse-eap nomppe ;;
	chapmd5) echo refuse-eap refuse-mschap refuse-mschap-v2 refuse-pap nomppe ;;
	pap) echo refuse-eap refuse-chap refuse-mschap refuse-mschap-v2 nomppe ;;
	eap | eap-wrongpass | eap-wronguser) echo refuse-pap refuse-chap refuse-mschap refuse-mschap-v2 require-mppe-128 nomppe-stateful ;;
	*) return 1 ;;
	esac
}

# variant_user VARIANT, variant_pass VARIANT: what the client says
variant_user() { [ "${1#eap-}" = wronguser ] && echo no-such-user || echo "$LAB_USER"; }
variant_pass() { [ "${1#eap-}" = wrongpass ] && echo "not-$LAB_PASS" || echo "$LAB_PASS"; }

# variant_enabled VARIANT: what pppd's log says once the variant is really on
variant_enabled() {
	case $1 in
	mppe128 | wrongpass | wronguser | eap*) echo 'MPPE 128-bit stateless compression enabled' ;;
	mppe128-stateful) echo 'MPPE 128-bit stateful compression enabled' ;;
	mppe40) echo 'MPPE 40-bit stateless compression enabled' ;;
	mppe40-stateful) echo 'MPPE 40-bit stateful compression enabled' ;;
	nomppe) echo 'ConfAck.*<auth chap MS-v2>' ;;
	chapmd5) echo 'ConfAck.*<auth chap MD5>' ;;
	pap) echo 'ConfAck.*<auth pap>' ;;
	esac
}

# settled VARIANT LOG: pppd really negotiated the variant, and no encryption
# where there is to be none
settled() {
	grep -q "$(variant_enabled "$1")" "$LOG/$2.log" || return 1
	case $1 in
	nomppe | chapmd5 | pap) ! grep -q 'MPPE.*enabled' "$LOG/$2.log" ;;
	eap*) grep -q 'EAP Request.* MSCHAPv2 Challenge' "$LOG/$2.log" && ! grep -q 'CHAP Challenge' "$LOG/$2.log" ;;
	esac
}

PPPD_LINK="nobsdcomp nodeflate novj novjccomp noipv6 nodefaultroute mtu 1400 mru 1400 debug"

# peer_server_pptpd VARIANT: pptpd and pppd in s, GRE in userland
peer_server_pptpd() {
	secrets "$LAB_USER" "$LAB_PASS"
	printf '%s\n' "name lab-server" auth "lcp-echo-interval 5" "lcp-echo-failure 6" \
		nobsdcomp nodeflate novj novjccomp noipv6 nodefaultroute "mtu 1400" "mru 1400" debug \
		"logfile $LOG/server-pppd.log" $(pppd_server_opts "$1") >/etc/ppp/lab-server
	printf '%s\n' "ppp /usr/sbin/pppd" "option /etc/ppp/lab-server" "localip $TUN_S" \
		"remoteip 10.99.0.100-120" noipparam >/etc/ppp/lab-pptpd.conf
	spawn s server pptpd -f -c /etc/ppp/lab-pptpd.conf -l $SADDR
	SERVER_PID=$SPAWNED
	wait_listen
}

# peer_server_kernel VARIANT: pppd on the kernel's PPTP, one call at a time; a new
# pppd for every call, as one with `persist` hangs in the authentication phase
# after it has refused a caller
peer_server_kernel() {
	secrets "$LAB_USER" "$LAB_PASS"
	spawn s server-pppd bash -c 'trap "kill \$p; wait \$p; exit" TERM
		while :; do "$@" & p=$!; wait $p; sleep 0.2; done' - \
		pppd nodetach plugin "$INTEROP_BUILD/kpptp.so" kpptp-listen $SADDR \
		name lab-server auth $TUN_S:$TUN_C $PPPD_LINK $(pppd_server_opts "$1")
	SERVER_PID=$SPAWNED
	wait_listen
}

PPPD_CLIENT="noauth lcp-echo-interval 5 lcp-echo-failure 6"

# peer_client_kernel VARIANT: pppd on the kernel's PPTP
peer_client_kernel() {
	spawn c client pppd nodetach plugin "$INTEROP_BUILD/kpptp.so" kpptp-connect $SADDR \
		user "$(variant_user "$1")" password "$(variant_pass "$1")" \
		$PPPD_CLIENT $PPPD_LINK $(pppd_client_opts "$1")
	CLIENT_PID=$SPAWNED
}

# peer_client_pptp VARIANT: pptp-linux, GRE in userland, and pppd
peer_client_pptp() {
	spawn c client pppd nodetach pty "pptp $SADDR --nolaunchpppd" \
		user "$(variant_user "$1")" password "$(variant_pass "$1")" \
		$PPPD_CLIENT $PPPD_LINK $(pppd_client_opts "$1")
	CLIENT_PID=$SPAWNED
}
