package ppp

import "net/netip"

// Account is what a server knows of a user.
type Account struct {
	// Password in clear, UTF-8. Empty if only NTHash is stored.
	Password string
	// NTHash, if not nil, is used instead of Password by MS-CHAPv2 and PAP: the
	// MD4 of the password in UTF-16LE (RFC 2759 section 8.3). CHAP-MD5 cannot be
	// answered with it.
	NTHash *[16]byte
	// Allowed, if not nil, says which tunnel addresses the user may have; the
	// address given by Config.Assign is checked against it.
	Allowed func(netip.Addr) bool
}

// String hides the secrets from logs.
func (Account) String() string { return "ppp.Account{...}" }

// GoString hides the secrets from logs.
func (Account) GoString() string { return "ppp.Account{...}" }
