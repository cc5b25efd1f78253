package diagnosis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/arc4tun/arc4tun/internal/mschap"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

const noUser = "not tried: no user was given (--user NAME)"

// over is why the link came to no more than it did, in words.
func (l *Link) over() string {
	switch {
	case l.Down != nil && !(l.Down.CallCleared && l.Ended != nil):
		return l.Down.Message
	case l.Ended != nil:
		return l.Ended.Error()
	case l.Slow:
		return fmt.Sprintf("not done after %s", milliseconds(l.Waited))
	}
	return "it was interrupted"
}

// class is that of a failure of the link.
func (l *Link) class() tunnel.Class {
	if l.Down == nil {
		return tunnel.ClassNetwork
	}
	switch l.Down.Class {
	case ppp.ClassAuth:
		return tunnel.ClassAuth
	case ppp.ClassPolicy:
		return tunnel.ClassPolicy
	case ppp.ClassPeer:
		return tunnel.ClassPeer
	}
	return tunnel.ClassNetwork
}

// unaccepted reports whether the server wants a login that is not accepted here.
func (l *Link) unaccepted() bool {
	return !l.Accepted && (len(l.Methods) > 0 || l.Heard && !l.Open && l.Down != nil && l.Down.Class == ppp.ClassPolicy)
}

func judgeLCP(f *Facts) Verdict {
	l := &f.Link
	if l.Open || l.unaccepted() {
		mru := "MRU 1500"
		if l.MRU > 0 {
			mru = fmt.Sprintf("MRU %d", l.MRU)
		}
		return ok("the server speaks PPP, %s", mru)
	}
	return fail(l.class(), "arc4 connect --trace shows what both say; a packet filter that passes some GRE does this too", "PPP's link is not agreed on: %s", l.over())
}

func names(methods []ppp.AuthMethod) string {
	words := make([]string, len(methods))
	for i, m := range methods {
		words[i] = m.String()
	}
	return strings.Join(words, ", ")
}

// flagOf is how --auth spells a method.
func flagOf(method string) string {
	return strings.ToLower(strings.ReplaceAll(method, "MS-CHAPv2", "mschapv2"))
}

func judgeMethods(f *Facts) Verdict {
	l := &f.Link
	asks := strings.Join(l.Methods, ", then ")
	switch {
	case l.Accepted:
		return ok("the server asks for %s", asks)
	case len(l.Methods) == 0 && l.Open && l.Down == nil:
		return warn("whoever answers may be anybody; have the server ask for MS-CHAPv2", "the server asks for no login")
	case len(l.Methods) == 0 && !l.Heard:
		return skipped("not tried")
	case len(l.Methods) == 0:
		return fail(tunnel.ClassPolicy, "have the server ask for MS-CHAPv2 (pptpd: require-mschap-v2)", "%s", l.over())
	}
	if l.Down != nil && l.Down.AskedEAP {
		return fail(tunnel.ClassPolicy, "--auth eap gives it EAP at once; arc4 connect calls again for that by itself", "the server asks for EAP, and for nothing else that comes before it here")
	}
	last := l.Methods[len(l.Methods)-1]
	remedy := "have the server offer MS-CHAPv2 (pptpd: require-mschap-v2; RouterOS: authentication=mschap2; Windows: in its policy)"
	if last == ppp.PAP.String() || last == ppp.CHAPMD5.String() {
		remedy += fmt.Sprintf("; or --auth %s --mppe off, all in clear", flagOf(last))
	}
	return fail(tunnel.ClassPolicy, remedy, "the server asks for %s, and here %s is accepted", asks, names(f.Policy.Auth))
}

func judgeLogin(f *Facts) Verdict {
	l := &f.Link
	switch {
	case !f.Policy.Login:
		return skipped(noUser)
	case l.LoggedIn != nil:
		proof := ""
		if l.LoggedIn.Method.GivesKeys() {
			proof = ", and the server has proved that it knows the password too"
		}
		return ok("by %s%s", l.LoggedIn.Method, proof)
	case l.Open && len(l.Methods) == 0 && l.Down == nil:
		return skipped("the server asks for none")
	case l.Refused != nil && l.Refused.Unproven:
		return fail(tunnel.ClassAuth, "do not try again: whoever answers may not be your server; or its copy of the password is another", "%s", l.over())
	case l.Refused != nil:
		return fail(tunnel.ClassAuth, remedyOf(l.Refused.Code), "refused: %s", l.over())
	}
	return fail(l.class(), "see the server's log: it may ask another server (RADIUS), which is away", "no answer to the login: %s", l.over())
}

// remedyOf is what to do about a refused login, by its error number (RFC 2759 section 6).
func remedyOf(code int) string {
	switch code {
	case mschap.RestrictedLogonHours:
		return "try at another time, or have the hours of the account changed"
	case mschap.AccountDisabled:
		return "have the account enabled"
	case mschap.PasswordExpired:
		return "change the password by another way: PPTP clients cannot here"
	case mschap.NoDialinPermission:
		return "have the account given the permission to dial in"
	}
	return `is the name complete (DOMAIN\user), are both in the right case? Do not try often: servers lock accounts and ban addresses`
}

func bits(strengths []int) string {
	words := make([]string, len(strengths))
	for i, s := range strengths {
		words[i] = fmt.Sprint(s)
	}
	return strings.Join(words, ", ")
}

func judgeMPPE(f *Facts) Verdict {
	l := &f.Link
	required := f.Policy.MPPE.Mode == ppp.Require128 || f.Policy.MPPE.Mode == ppp.Require
	switch {
	case l.Encrypted != nil:
		return judgeEncryption(f)
	case !f.Policy.Login:
		return skipped(noUser)
	case f.Policy.MPPE.Mode == ppp.Off:
		return warn("leave --mppe off out if the server can encrypt", "not asked for: all goes in clear")
	case l.Network != nil:
		return warn("whoever is on the way reads all; have the server require MPPE", "the server does not encrypt")
	case l.LoggedIn == nil && len(l.Methods) > 0:
		return skipped("not tried")
	case len(l.Offered) > 0 && !slices.Contains(l.Offered, 128) && f.Policy.MPPE.Mode == ppp.Require128:
		return fail(tunnel.ClassPolicy, "have the server allow 128 bits (pptpd: require-mppe-128); --mppe require takes such keys, which anyone can search", "the server offers %s bits only, and 128 are required here", bits(l.Offered))
	case len(l.Offered) > 0 && l.Stateful && f.Policy.MPPE.Stateful == ppp.StatefulNever && l.isPolicy():
		return fail(tunnel.ClassPolicy, "have the server allow stateless keys (pppd: no mppe-stateful); --mppe-stateful allow takes the weaker mode", "the server wants stateful keys, which one lost packet stalls (%s bits)", bits(l.Offered))
	case required && (l.NoMPPE || l.isPolicy()):
		return fail(tunnel.ClassPolicy, "have the server encrypt (pptpd: require-mppe-128, kernel module ppp_mppe; RouterOS: use-encryption=yes); --mppe allow goes on in clear", "the server does not encrypt: %s", l.over())
	case l.Down != nil || l.Ended != nil:
		return skipped("not tried: the server ended the link after the login")
	}
	return fail(l.class(), "arc4 connect --trace shows what both say", "no agreement on encryption: %s", l.over())
}

// isPolicy reports whether the link has ended over what the two ends want.
func (l *Link) isPolicy() bool { return l.Down != nil && l.Down.Class == ppp.ClassPolicy }

func judgeEncryption(f *Facts) Verdict {
	e := f.Link.Encrypted
	kind := "stateless"
	if !e.Stateless {
		kind = "stateful"
	}
	v := ok("%d bits, %s", e.Bits, kind)
	switch {
	case e.Bits < 128:
		v.State, v.Remedy = Warn, "have the server allow 128 bits: such keys can be searched by anyone"
	case !e.Stateless:
		v.State, v.Remedy = Warn, "have the server allow stateless keys: one lost packet stalls these"
	}
	return v
}

func judgeAddresses(f *Facts) Verdict {
	l := &f.Link
	n := l.Network
	switch {
	case n != nil && l.Taken != "":
		return fail(tunnel.ClassPolicy, "have the server give other addresses, of a network that is in use nowhere else; or renumber the network of this machine", "the server gives this machine the address %v, which is %s: connect refuses that", n.Local, l.Taken)
	case n != nil:
		v := ok("this end is %v, the server %s, name servers %s", n.Local, addressOr(n.Remote.IsValid(), n.Remote, "names none that can be used"), addressOr(len(n.DNS) > 0, list(n.DNS), "none"))
		if !n.Local.IsValid() {
			v = warn("have the server give IPv4 addresses", "IPv4 is not agreed on; IPv6 is %v", n.LocalIPv6)
		}
		if n.Unused.IsValid() {
			v.Text += fmt.Sprintf("; the server calls itself %v, which is not used", n.Unused)
		}
		return v
	case !f.Policy.Login:
		return skipped(noUser)
	}
	remedy := "see the server's log"
	if said := strings.ToLower(l.over()); strings.Contains(said, "address") || strings.Contains(said, "in use") || strings.Contains(said, "ipcp") {
		remedy = "the server's addresses or places are used up: have its pool made larger (arc4 serve: --pool; pptpd: remoteip), or old sessions ended"
	}
	return fail(cmpClass(l.class()), remedy, "the server gives no address: %s", l.over())
}

// cmpClass has a server that ends the link counted as connect does it.
func cmpClass(c tunnel.Class) tunnel.Class {
	if c == tunnel.ClassAuth {
		return tunnel.ClassPeer
	}
	return c
}

func addressOr(there bool, value any, other string) string {
	if !there {
		return other
	}
	return fmt.Sprint(value)
}
