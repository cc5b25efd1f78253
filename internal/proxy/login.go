package proxy

import (
	"crypto/sha256"
	"crypto/subtle"
)

// login is who may use a proxy.
type login struct {
	wanted bool
	want   [sha256.Size]byte
}

func newLogin(user, password string) login {
	if user == "" && password == "" {
		return login{}
	}
	return login{true, digest(user, password)}
}

// digest has the same length whatever it is of, so that comparing tells nothing.
func digest(user, password string) [sha256.Size]byte {
	u, p := sha256.Sum256([]byte(user)), sha256.Sum256([]byte(password))
	return sha256.Sum256(append(u[:], p[:]...))
}

// admits reports whether user and password are right, in a time that does not depend on how wrong
// they are.
func (l login) admits(user, password string) bool {
	got := digest(user, password)
	return !l.wanted || subtle.ConstantTimeCompare(got[:], l.want[:]) == 1
}
