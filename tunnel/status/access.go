package status

import (
	"fmt"
	"net"
	"os"
)

// checkPeer lets the owner of this process and root in.
func checkPeer(conn *net.UnixConn) error {
	uid, known, err := peerUID(conn)
	if err != nil {
		return fmt.Errorf("who connects cannot be told: %w", err)
	}
	if known && uid != 0 && uid != os.Geteuid() {
		return fmt.Errorf("uid %d may not ask: only uid %d and root may", uid, os.Geteuid())
	}
	return nil
}
