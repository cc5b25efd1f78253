package ppp

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/arc4tun/arc4tun/internal/mschap"
)

// Windows says in the data of an LCP Terminate-Request why it ends a link: its magic number, the
// four bytes 00 3C CD 74, and an error number of its Remote Access Service, 0 for a user who hangs
// up. Captures show the layout, and raserror.h of the Windows SDK the numbers.
var rasMark = []byte{0x00, 0x3C, 0xCD, 0x74}

// rasReason reads that number.
func rasReason(data []byte) (code uint32, ok bool) {
	if len(data) != 12 || !bytes.Equal(data[4:8], rasMark) {
		return 0, false
	}
	return binary.BigEndian.Uint32(data[8:]), true
}

// rasErrors are the numbers that end a PPP link, in words, and what class each is of. Those of
// MS-CHAP are among them.
var rasErrors = map[uint32]struct {
	class Class
	text  string
}{
	619: {ClassPeer, "the port was disconnected"},
	623: {ClassPeer, "the phone book entry was not found"},
	628: {ClassPeer, "the connection was ended by the remote computer before it was complete"},
	629: {ClassPeer, "the connection was closed by the remote computer"},
	631: {ClassPeer, "the port was disconnected by the user"},
	645: {ClassPeer, "internal error of the authentication"},
	646: {ClassAuth, mschap.Describe(mschap.RestrictedLogonHours)},
	647: {ClassAuth, mschap.Describe(mschap.AccountDisabled)},
	648: {ClassAuth, mschap.Describe(mschap.PasswordExpired)},
	649: {ClassAuth, mschap.Describe(mschap.NoDialinPermission)},
	668: {ClassPeer, "the connection dropped"},
	678: {ClassPeer, "there was no answer"},
	691: {ClassAuth, mschap.Describe(mschap.AuthenticationFailure)},
	709: {ClassAuth, mschap.Describe(mschap.ChangingPassword)},
	718: {ClassPeer, "it waited too long for an answer"},
	719: {ClassPeer, "PPP was ended by the remote computer"},
	720: {ClassPeer, "no PPP control protocol could be negotiated"},
	721: {ClassPeer, "the remote computer does not answer"},
	722: {ClassPeer, "a PPP packet was not valid"},
	726: {ClassPeer, "IPX cannot be used by more than one caller"},
	728: {ClassPeer, "no adapter is bound to TCP/IP"},
	731: {ClassPeer, "a protocol is not configured"},
	732: {ClassPeer, "the PPP negotiation does not converge"},
	733: {ClassPeer, "the two ends have no network protocol in common"},
	734: {ClassPeer, "the PPP link control protocol was terminated"},
	735: {ClassPeer, "the address that was asked for was rejected"},
	736: {ClassPeer, "the remote computer terminated the control protocol"},
	737: {ClassLoop, "the link is looped back"},
	738: {ClassPeer, "the server did not assign an address"},
	739: {ClassPolicy, "the authentication that the server wants cannot be done with a stored password"},
	741: {ClassPolicy, "this computer does not support the encryption that is required"},
	742: {ClassPolicy, "the remote computer does not support the encryption that is required"},
	743: {ClassPolicy, "the remote computer requires encryption"},
	781: {ClassPolicy, "encryption failed, for no certificate was found"},
	812: {ClassPolicy, "a policy of the server prevents the connection: the authentication method may not be the one it allows"},
	828: {ClassPeer, "the connection was idle for too long"},
	829: {ClassPeer, "the link failed"},
	830: {ClassPeer, "the user has logged off"},
	832: {ClassPeer, "the computer hibernates"},
	833: {ClassPeer, "the computer was suspended"},
	930: {ClassPeer, "the authentication server does not answer"},
}

// leftForRAS ends a link that the peer has ended for a reason of this kind.
func (l *Link) leftForRAS(code uint32) {
	const closed = "the peer closed the link"
	if code == 0 { // an ordinary hanging up
		l.fail(l.leftByPeer(closed))
		return
	}
	known, ok := rasErrors[code]
	if !ok {
		l.fail(l.leftByPeer(fmt.Sprintf("%s: error %d of Windows", closed, code)))
		return
	}
	reason := down(known.class, "%s: %d: %s", closed, code, known.text)
	if known.class == ClassPeer {
		reason = l.leftByPeer(reason.Message)
	}
	reason.Code, reason.Forgeable = int(code), known.class == ClassAuth
	if known.class == ClassAuth && !l.cfg.Server && l.phase == phaseAuthenticate {
		l.out.pushEvent(AuthFailed{User: l.cfg.User, Method: l.authMethod(), Code: reason.Code, Message: reason.Message})
	}
	l.fail(reason)
}
