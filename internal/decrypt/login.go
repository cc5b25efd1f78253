package decrypt

import (
	"slices"

	"github.com/arc4tun/arc4tun/internal/mschap"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// Bounds of what is kept of logins.
const (
	maxChallenges = 4 // of one flow
	maxLogins     = 3 // of one call
	maxHashes     = 3 // of one user
	longestName   = 256
)

// challenge is one of MS-CHAPv2 that a server has sent.
type challenge struct {
	id    byte
	value [mschap.ChallengeLen]byte
}

// login is a Response that a client has sent, and what came of it.
type login struct {
	from     *flow // the client's
	id       byte
	user     string
	response [24]byte // the NT-Response
	// hashHashes are of the passwords that may be right: of one, where that could be checked.
	hashHashes [][16]byte
	state      Login
}

// logins are those of one call, the last one last.
type logins struct {
	list []*login
	// keyless is the method of a login that gives no keys, auth the method that LCP has agreed on.
	keyless, keylessUser string
	auth                 string
}

// usable are the logins that may have given the keys, the last one first.
func (l *logins) usable() []*login {
	var list []*login
	for _, login := range slices.Backward(l.list) {
		if login.state == LoginRight || login.state == LoginUnchecked {
			list = append(list, login)
		}
	}
	return list
}

// hopeless is why there are no keys, where there are none.
func (l *logins) hopeless() (why Reason, is bool) {
	why = NoLogin
	for _, login := range l.list {
		switch login.state {
		case LoginRight, LoginUnchecked:
			return 0, false
		case LoginWrong:
			why = WrongPassword
		case LoginUnknown:
			why = UnknownUser
		}
	}
	if why == NoLogin && l.keyless != "" {
		why = NoKeys
	}
	return why, true
}

// state is what to report.
func (l *logins) state() (state Login, method, user string) {
	if len(l.list) == 0 {
		if l.keyless != "" {
			return LoginKeyless, l.keyless, l.keylessUser
		}
		return LoginMissing, l.auth, ""
	}
	last, by := l.list[len(l.list)-1], ppp.MSCHAPv2
	if l.auth == "EAP" {
		by = ppp.EAPMSCHAPv2
	}
	return last.state, by.String(), last.user
}

// client is the flow of who has logged in, or nil.
func (l *logins) client() *flow {
	if len(l.list) == 0 {
		return nil
	}
	return l.list[len(l.list)-1].from
}

func (c *call) user() string {
	_, _, user := c.logins.state()
	return user
}

// join takes over what was heard of another flow's logins.
func (l *logins) join(other *logins) {
	l.list = append(l.list, other.list...)
	if len(l.list) > maxLogins {
		l.list = l.list[len(l.list)-maxLogins:]
	}
	if other.keyless != "" {
		l.keyless, l.keylessUser = other.keyless, other.keylessUser
	}
	if l.auth == "" {
		l.auth = other.auth
	}
	other.list = nil
}

func (l *logins) wipe() {
	for _, login := range l.list {
		clear(login.hashHashes)
		login.response = [24]byte{}
	}
}

// hearLogin takes what a flow says of a login.
func (fl *flow) hearLogin(o ppp.Overheard) {
	calls := &fl.follower.calls
	switch o.Kind {
	case ppp.OverheardChallenge:
		if len(o.Data) == mschap.ChallengeLen {
			fl.challenged(challenge{o.ID, [mschap.ChallengeLen]byte(o.Data)})
		}
	case ppp.OverheardResponse:
		calls.pairWith(fl, func(other *flow) bool { return other.hasChallenge(o.ID) })
		fl.respond(o)
	case ppp.OverheardSuccess, ppp.OverheardFailure:
		calls.pairWith(fl, func(other *flow) bool { return other.responded(o.ID) })
		if o.Kind == ppp.OverheardFailure {
			fl.refused(o.ID)
		}
	case ppp.OverheardPAPRequest:
		fl.call.logins.keyless, fl.call.logins.keylessUser = ppp.PAP.String(), printable(o.Name)
	}
}

// challenged keeps a challenge.
func (fl *flow) challenged(c challenge) {
	if slices.Contains(fl.challenges, c) {
		return
	}
	if len(fl.challenges) == maxChallenges {
		fl.challenges = slices.Delete(fl.challenges, 0, 1)
	}
	fl.challenges = append(fl.challenges, c)
	fl.follower.calls.changes++
}

func (fl *flow) hasChallenge(id byte) bool {
	return slices.ContainsFunc(fl.challenges, func(c challenge) bool { return c.id == id })
}

func (fl *flow) responded(id byte) bool {
	return slices.ContainsFunc(fl.call.logins.list, func(l *login) bool { return l.from == fl && l.id == id })
}

// respond takes a Response: with the challenge it says whether the password is the client's.
func (fl *flow) respond(o ppp.Overheard) {
	l := &fl.call.logins
	if !o.IsMSCHAPv2() {
		l.keyless, l.keylessUser = ppp.CHAPMD5.String(), printable(o.Name)
		return
	}
	if l.auth == "MS-CHAPv1" { // whose values are as long
		l.keyless, l.keylessUser = l.auth, printable(o.Name)
		return
	}
	r, err := mschap.ParseResponse(o.Data)
	if err != nil || slices.ContainsFunc(l.list, func(other *login) bool { return other.response == r.NTResponse }) {
		return
	}
	said := login{from: fl, id: o.ID, user: printable(o.Name), response: r.NTResponse, state: LoginUnknown}
	hashes := fl.follower.opt.Hashes(o.Name)
	for _, hash := range hashes[:min(len(hashes), maxHashes)] {
		state := fl.judge(o, r, hash)
		if state == LoginWrong {
			said.state = state
			continue
		}
		said.state, said.hashHashes = state, append(said.hashHashes, mschap.HashNTPasswordHash(hash))
		if state == LoginRight {
			break
		}
	}
	if len(l.list) == maxLogins {
		l.list = slices.Delete(l.list, 0, 1)
	}
	l.list = append(l.list, &said)
	fl.follower.calls.changes++
	for _, way := range fl.call.flows {
		if way != nil {
			way.crypt.stale = true
		}
	}
}

// judge compares a Response with what the password gives.
func (fl *flow) judge(o ppp.Overheard, r mschap.Response, hash [16]byte) Login {
	state := LoginUnchecked
	if server := fl.other(); server != nil {
		for _, c := range server.challenges {
			if c.id != o.ID {
				continue
			}
			if mschap.NTResponse(c.value, r.PeerChallenge, o.Name, hash) == r.NTResponse {
				return LoginRight
			}
			state = LoginWrong
		}
	}
	return state
}

// refused takes a Failure, which is the server's.
func (fl *flow) refused(id byte) {
	for _, l := range fl.call.logins.list {
		if l.id == id && l.from != fl {
			l.state = LoginRefused
		}
	}
}

// printable makes a name out of what a client calls itself that can be shown.
func printable(name string) string {
	b := []byte(name[:min(len(name), longestName)])
	for i, c := range b {
		if c < ' ' || c == 0x7F {
			b[i] = '?'
		}
	}
	return string(b)
}
