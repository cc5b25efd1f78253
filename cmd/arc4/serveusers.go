package main

import (
	"log/slog"
	"net/netip"
	"sync"

	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/pool"
	"github.com/arc4tun/arc4tun/tunnel/secrets"
)

// users finds those of a server in the secrets file, which is read again when it changes.
type users struct {
	table  *secrets.File
	pool   *pool.Pool
	server string // our name, as in the file's second column
	log    *slog.Logger

	mu     sync.Mutex
	warned map[string]netip.Addr // addresses outside of the pool that were warned of, by user
}

// openUsers reads the file.
func openUsers(path, server string, insecure bool, p *pool.Pool, log *slog.Logger) (*users, error) {
	u := &users{pool: p, server: server, log: log, warned: make(map[string]netip.Addr)}
	var err error
	u.table, err = secrets.Open(path, secrets.Options{Insecure: insecure, Reloaded: func(n int, err error) {
		if err != nil {
			log.Error("secrets file changed, but cannot be used; the old one stays in force", "error", err)
			return
		}
		log.Info("secrets file was read again", "secrets", n)
		u.warnOfLines()
	}})
	if err != nil {
		return nil, secretsError("--secrets", err)
	}
	u.warnOfLines()
	return u, nil
}

// reload reads the file now. What came of it is said by the function that Open was given.
func (u *users) reload() {
	u.log.Info("SIGHUP: reading the secrets file again; flags hold until a restart")
	u.table.Reload()
}

// warnOfLines tells of lines that can be read but probably do not do what was meant.
func (u *users) warnOfLines() {
	for _, w := range u.table.Warnings() {
		u.log.Warn("a line of the secrets file may not do what was meant", "warning", w)
	}
}

// find is the Lookup of a server.
func (u *users) find(name string) (tunnel.Account, bool) {
	secret, ok := u.table.Lookup(name, u.server)
	if !ok {
		return tunnel.Account{}, false
	}
	var a tunnel.Account
	a.Password, a.Allowed = secret.Password, secret.Allowed
	if !secret.AnyAllowed() {
		a.Allowed = refuseAddresses(name, secret.Line, u.log)
	}
	if fixed, ok := secret.FixedAddr(); ok {
		a.Preferred = fixed
		u.warnOfAddress(name, fixed)
	}
	return a, true
}

// refuseAddresses is the Allowed of a user without an address column. It is asked when the password was right and an
// address is wanted, perhaps for every address of the pool, and says once why there will be none.
func refuseAddresses(user string, line int, log *slog.Logger) func(netip.Addr) bool {
	var once sync.Once
	return func(netip.Addr) bool {
		once.Do(func() {
			log.Error("the secrets file allows this user no address: add a fourth word to the line, * for any address of the pool",
				"user", user, "line", line)
		})
		return false
	}
}

// warnOfAddress tells, once, of a user's own address that no packet would find: the routes to the device are those of
// the pool.
func (u *users) warnOfAddress(user string, a netip.Addr) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.pool.Contains(a) || u.warned[user] == a {
		return
	}
	u.warned[user] = a
	u.log.Warn("the secrets file gives this user an address outside of --pool, to which this machine has no route: enlarge --pool, or add one with ip route",
		"user", user, "address", a, "pool", u.pool)
}
