#!/bin/bash
# leaves.sh
#
# pppd that negotiates CCP anew (SIGUSR2) ends its link, for its encryption is gone.
# A Terminate-Request may be forged, so ours asks for an echo first; pppd leaves
# that unanswered, as RFC 1661 has it, and is believed.
. "$INTEROP/guest/lib.sh"
peer_server_pptpd mppe128
our_client mppe128
wait_tunnel "$CLIENT_PID" 15 && got=yes || got=no
check leaves.up $got "$TIF $TADDR"
kill -USR2 $(pidof pppd)
check leaves.believed "$(holds ended "$CLIENT_PID" 10)" "$(tail -n 1 $LOG/client.log)"
check leaves.words "$(holds grep -q '^arc4: the peer closed the link: "MPPE disabled"' $LOG/client.log)"
stop "$SERVER_PID" 10
[ $FAILED = 0 ] || tail_logs client server server-pppd
finish
