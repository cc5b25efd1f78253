#!/bin/bash
# outer.sh
#
# pptpd whose localip is its public address, as many configurations have it. pppd
# gives the link up when that is rejected; ours acknowledges it and does not use
# it, so the call stays up and what is behind the server is reached through it.
. "$INTEROP/guest/lib.sh"
behind=10.77.0.1
ip -n s addr add $behind/32 dev lo
TUN_S=$SADDR
peer_server_pptpd mppe128
our_client mppe128 --route 10.77.0.0/24
wait_tunnel "$CLIENT_PID" 15 && got=yes || got=no
check outer.up $got "$TIF $TADDR"
check outer.acknowledged "$(holds grep -q "rcvd .IPCP ConfAck.*$SADDR" $LOG/server-pppd.log)" "pppd keeps its address"
loss=$(ping_loss c $behind 10 -W 1)
check outer.behind "$(holds [ "$loss" = 0 ])" "$loss % lost on the way to what is behind the server"
check outer.encrypted "$(holds grep -q 'MPPE 128-bit stateless compression enabled' $LOG/server-pppd.log)"
check outer.way "$(holds sh -c "ip -n c route get $SADDR | grep -q 'dev c0'")" "the server itself is reached outside of the tunnel"
stop "$CLIENT_PID" 10
check outer.exit "$(holds [ "$STATUS" = 0 ])" "exit status $STATUS on SIGTERM"
stop "$SERVER_PID" 10
[ $FAILED = 0 ] || tail_logs client server server-pppd
finish
