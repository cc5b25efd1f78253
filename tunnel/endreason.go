package tunnel

import (
	"errors"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// loggedInAgain is why a server ends a session that gives way to a later one of its user: in its
// Terminate-Request, and in its Call-Disconnect-Notify, by which alone a client believes it.
const loggedInAgain = "the user has logged in again"

// controlError says why a call or the control connection ended, in the words of this package.
func (k *clientCall) controlError(reason error) *Error {
	silent := errors.Is(reason, control.ErrTimeout) || errors.Is(reason, control.ErrLost)
	if silent {
		// The server need not be the one that is gone.
		if err := k.checkWay(); err != nil {
			return err
		}
	}
	var e *control.EndError
	switch said := errors.As(reason, &e); {
	case said && errors.Is(e, control.ErrPeerClosed) && e.Said == loggedInAgain:
		return failure(ClassReplaced, nil, "the server ended this session because the user has logged in again elsewhere, and it allows no more sessions at once")
	case errors.Is(reason, control.ErrPeerClosed), errors.Is(reason, control.ErrRefused):
		return failure(ClassPeer, nil, "%s", reason)
	case errors.Is(reason, control.ErrLocalClosed):
		return failure(ClassAdmin, nil, "%s", reason)
	case k.session == nil:
		return failure(ClassNetwork, nil, "%s: %s", k.peer, reason)
	}
	return failure(ClassNetwork, nil, "%s", reason)
}

// disconnectResult is the result code of the Call-Disconnect-Notify for a link that has ended (RFC
// 2637 section 2.13).
func disconnectResult(down *ppp.DownError) uint8 {
	if down.Class == ppp.ClassTimeout || down.Class == ppp.ClassLoop {
		return control.DisconnectLostCarrier
	}
	return control.DisconnectAdminShutdown
}
