#!/bin/bash
# check.sh
#
# arc4 check against pptpd, and against pppd on the kernel's PPTP: all steps, without
# a user, with a wrong password, without encryption, and with GRE that does not come
# back, where pppd ends the call because it is asked to by GRE. What it measures
# stands in the details.
. "$INTEROP/guest/lib.sh"
ARC4=$INTEROP_BUILD/arc4
printf '%s\n' "$LAB_PASS" >$LOG/pass
printf '%s\n' wrong >$LOG/wrong
chmod 600 $LOG/pass $LOG/wrong

# asks NAME STATUS ARG...: run arc4 check; it must end with STATUS
asks() {
	local name=$1 status=$2
	shift 2
	in_c "$ARC4" check "$@" >$LOG/check-$name.log 2>&1
	local got=$?
	check check.$name.exit "$(holds [ $got = $status ])" "exit status $got"
	[ $got = $status ] || tail_logs check-$name
}
# line NAME PATTERN: a line of what it said
line() { check "check.$1.${3:-says}" "$(holds grep -qE "$2" $LOG/check-$1.log)" "$(grep -E "$2" $LOG/check-$1.log || sed 's/$/; /' $LOG/check-$1.log | tr -d '\n')"; }

before=$(ip -n c addr; ip -n c route; ip -n c rule)
peer_server_pptpd mppe128
asks pptpd 0 $LAB_USER@$SADDR --password-file $LOG/pass
line pptpd '^ok +PPTP +.*vendor "linux"'
line pptpd '^ok +MPPE +128 bits, stateless' mppe
line pptpd '^ok +addresses +this end is 10\.99\.0\.1' addresses
line pptpd '^ok +MTU +packets of 13[0-9][0-9] bytes|^ok +MTU +packets of 1400 bytes' mtu
line pptpd '^ok +round trip' trip
asks nobody 0 $SADDR
line nobody '^ok +methods +the server asks for MS-CHAPv2'
line nobody '^ok +round trip' trip
asks wrongpass 3 $LAB_USER@$SADDR --password-file $LOG/wrong
line wrongpass '^FAIL +login +refused'
modprobe -a cls_u32 act_gact sch_ingress 2>/dev/null
if in_s tc qdisc add dev s0 clsact && in_s tc filter add dev s0 egress protocol ip u32 match ip protocol 47 0xff action drop; then
	asks noway 4 $SADDR
	line noway '^ok +GRE sent +the server hears us: asked by GRE'
	line noway '^FAIL +GRE received +.*blocked on the way back' received
	in_s tc qdisc del dev s0 clsact
else
	check check.noway.says no "tc cannot drop GRE here"
fi
stop "$SERVER_PID" 10
peer_server_pptpd pap
asks clear 5 $LAB_USER@$SADDR --password-file $LOG/pass
line clear '^FAIL +methods +the server asks for PAP'
stop "$SERVER_PID" 10
peer_server_kernel mppe128
asks kernel 0 $LAB_USER@$SADDR --password-file $LOG/pass
line kernel '^ok +MPPE +128 bits, stateless'
line kernel '^ok +round trip' trip
stop "$SERVER_PID" 10
check check.unchanged "$(holds [ "$before" = "$(ip -n c addr; ip -n c route; ip -n c rule)" ])" "addresses, routes and rules are as before"
[ $FAILED = 0 ] || tail_logs server server-pppd
finish
