package ppp

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/arc4tun/arc4tun/internal/mschap"
)

// What EchoInterval and EchoFailures of Config are when they are 0.
const (
	DefaultEchoInterval = 30 * time.Second
	DefaultEchoFailures = 4
)

const (
	defaultMRU          = 1400
	defaultRestartTimer = 3 * time.Second
	defaultSetupTimeout = 90 * time.Second
	defaultServerName   = "arc4"
	// The counters of RFC 1661 section 4.6.
	maxConfigure = 10
	maxTerminate = 2
	maxFailure   = 5
	// terminateTimer is the restart timer on the way down, if RestartTimer is not less. What is
	// below the link tells the peer too.
	terminateTimer = 250 * time.Millisecond

	minMRU, maxMRU       = 128, 16384
	defaultPeerMRU       = 1500 // RFC 1661 section 6.1
	maxNameLen           = 255
	maxPasswordUTF16     = 256 // RFC 2759 section 8
	resetRequestInterval = time.Second
)

// Config is one end of a link. The zero value of every field but Rand, Send and
// Event is usable; a client also needs User and Password, a server Lookup and Assign.
type Config struct {
	// Server authenticates the peer and gives it its address. A client is
	// authenticated and asks for one.
	Server bool
	// Auth lists the methods allowed, the preferred one first. Empty: MS-CHAPv2,
	// then EAP-MSCHAPv2, which are the ones possible while encryption is required.
	// A server begins with the first; a client takes EAP, unless that is the first,
	// only of a server that asks for it again.
	Auth []AuthMethod
	// User (which may carry DOMAIN\ in front) and Password of a client, UTF-8.
	User, Password string
	// Lookup finds a user's account. The name is the peer's and any bytes at all.
	Lookup func(user string) (Account, bool)
	// Barred, if not nil, says why a user may not log in at present, whatever the
	// password: the peer is told in a Terminate-Request. Empty: the password decides.
	Barred func(user string) string
	// Assign gives the two tunnel addresses (IPv4) of an authenticated user. It
	// is called once in the life of a link.
	Assign func(user string) (local, remote netip.Addr, err error)
	// Name of a server in its challenges. Default "arc4".
	Name string
	// DNS and NBNS name servers a server offers (RFC 1877), at most two of each.
	DNS, NBNS []netip.Addr
	// RequestDNS makes a client ask for name servers.
	RequestDNS bool
	// Forbidden tunnel addresses: ours is none of them, and the peer's is not
	// used if it is one (NetworkUp.Unused). Above all the server's outer
	// address, which would route the tunnel into itself.
	Forbidden []netip.Addr
	// IPv6 negotiates IPV6CP. Without it the peer's is answered with Protocol-Reject.
	IPv6 bool
	// InterfaceID is our interface identifier in IPv6 (RFC 5072 section 4.1), which
	// is held to against a peer that suggests another. Zero: a random one.
	InterfaceID [8]byte
	// InterfaceIDTaken, if not nil, reports whether another link has the
	// interface identifier that the peer asks for; it gets a free one suggested.
	InterfaceIDTaken func(id [8]byte) bool
	MPPE             MPPEPolicy
	// MRU we ask the peer to keep to, bytes of PPP information field. Default 1400.
	MRU int
	// HeaderCompression asks the peer for compressed protocol, address and
	// control fields (3 bytes less a packet). What the peer asks for is always taken.
	HeaderCompression bool
	// RestartTimer is that of RFC 1661 section 4.6; 0 is 3 s.
	RestartTimer time.Duration
	// EchoInterval is the silence of the peer after which an LCP Echo-Request
	// goes out, and the next; 0 is 30 s, less than 0 is never. EchoFailures
	// times that without a sign of life, and the link is down; 0 is 4. The last
	// Echo-Request goes out half an interval before.
	EchoInterval time.Duration
	EchoFailures int
	// LastData, if not nil, is when the last packets of the peer's came that proved
	// themselves, as one does that decrypts: a sign of life as good as an echo. The
	// zero time is never.
	LastData func() (ipv4, ipv6 time.Time)
	// SetupTimeout bounds the time without an open network protocol; 0 is 90 s.
	SetupTimeout time.Duration
	// Rand gives magic numbers, challenges and interface identifiers.
	Rand io.Reader
	// Send takes one frame, which starts with FF 03 or its protocol field. The
	// frame is the callee's to keep.
	Send func(frame []byte)
	// Event takes one event.
	Event func(Event)
}

// String hides the password from logs.
func (c Config) String() string {
	return fmt.Sprintf("ppp.Config{Server: %t, User: %q, Auth: [%s], MPPE: %s}", c.Server, c.User, methodNames(c.Auth), c.MPPE.Mode)
}

// GoString hides the password from logs.
func (c Config) GoString() string { return c.String() }

// withDefaults fills in what was left out.
func (c Config) withDefaults() Config {
	if len(c.Auth) == 0 {
		c.Auth = []AuthMethod{MSCHAPv2, EAPMSCHAPv2}
	}
	setDefault(&c.MRU, defaultMRU)
	setDefault(&c.RestartTimer, defaultRestartTimer)
	setDefault(&c.EchoInterval, DefaultEchoInterval)
	setDefault(&c.EchoFailures, DefaultEchoFailures)
	setDefault(&c.SetupTimeout, defaultSetupTimeout)
	setDefault(&c.Name, defaultServerName)
	c.Auth = slices.Clone(c.Auth)
	c.DNS, c.NBNS = slices.Clone(c.DNS), slices.Clone(c.NBNS)
	c.Forbidden = slices.Clone(c.Forbidden)
	return c
}

// setDefault replaces a zero value.
func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// validate reports the first setting that cannot work. Defaults are in.
func (c Config) validate() error {
	if c.Rand == nil || c.Send == nil || c.Event == nil {
		return errors.New("ppp: Config needs Rand, Send and Event")
	}
	if c.MRU < minMRU || c.MRU > maxMRU {
		return fmt.Errorf("ppp: MRU %d is out of range: use %d to %d", c.MRU, minMRU, maxMRU)
	}
	if c.RestartTimer < 0 || c.EchoFailures < 0 || c.SetupTimeout < 0 {
		return errors.New("ppp: a timer or counter of Config is negative")
	}
	if err := c.MPPE.validate(); err != nil {
		return err
	}
	if err := c.validateAuth(); err != nil {
		return err
	}
	return c.validateRole()
}

// validateAuth checks the methods against each other and the encryption policy.
func (c Config) validateAuth() error {
	for i, m := range c.Auth {
		if m < MSCHAPv2 || m > PAP {
			return fmt.Errorf("ppp: authentication method %d is unknown", int(m))
		}
		if slices.Contains(c.Auth[:i], m) {
			return fmt.Errorf("ppp: authentication method %s is listed twice", m)
		}
		if m.GivesKeys() {
			if err := mschap.Available(); err != nil {
				return err
			}
		}
		if !m.GivesKeys() && c.MPPE.required() {
			return fmt.Errorf("ppp: %s gives no encryption keys: allow only MS-CHAPv2, in CHAP or EAP, or do not require MPPE", m)
		}
	}
	return nil
}

// validateRole checks what only a client or only a server has.
func (c Config) validateRole() error {
	if c.Server {
		if c.Lookup == nil || c.Assign == nil {
			return errors.New("ppp: a server needs Lookup and Assign")
		}
		if len(c.Name) > maxNameLen {
			return fmt.Errorf("ppp: server name is %d bytes long: use at most %d", len(c.Name), maxNameLen)
		}
		for _, a := range slices.Concat(c.DNS, c.NBNS) {
			if !a.Is4() {
				return fmt.Errorf("ppp: name server %s is not an IPv4 address", a)
			}
		}
		if len(c.DNS) > 2 || len(c.NBNS) > 2 {
			return errors.New("ppp: PPP has room for two DNS and two NBNS servers")
		}
		return nil
	}
	if c.User == "" {
		return errors.New("ppp: a client needs a user name")
	}
	if len(c.User) > maxNameLen {
		return fmt.Errorf("ppp: user name is %d bytes long: use at most %d", len(c.User), maxNameLen)
	}
	return checkPassword(c.Password, c.Auth)
}

// checkPassword refuses a client's password that a method cannot carry. The
// error never shows it.
func checkPassword(password string, methods []AuthMethod) error {
	if slices.ContainsFunc(methods, AuthMethod.GivesKeys) {
		if !utf8.ValidString(password) {
			return errors.New("ppp: the password is not valid UTF-8, which MS-CHAPv2 needs")
		}
		if utf8.RuneCountInString(password) > maxPasswordUTF16 {
			return fmt.Errorf("ppp: the password is longer than %d characters", maxPasswordUTF16)
		}
	}
	if slices.Contains(methods, PAP) && len(password) > maxNameLen {
		return fmt.Errorf("ppp: the password is longer than the %d bytes PAP carries", maxNameLen)
	}
	return nil
}
