package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/arc4tun/arc4tun/internal/mschap"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/pool"
	"github.com/arc4tun/arc4tun/tunnel/secrets"
)

// users finds those of a server in the secrets file, which is read again when it changes.
type users struct {
	table  *secrets.File
	path   string
	pool   *pool.Pool
	server string // our name, as in the file's second column
	log    *slog.Logger

	mu     sync.Mutex
	denied map[int]bool // lines without an address that have kept somebody out, since the file was read
}

// openUsers reads the file.
func openUsers(path, server string, insecure bool, p *pool.Pool, log *slog.Logger) (*users, error) {
	u := &users{path: path, pool: p, server: server, log: log, denied: make(map[int]bool)}
	var err error
	u.table, err = secrets.Open(path, secrets.Options{Insecure: insecure || keptForUs(path), Reloaded: func(n int, err error) {
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

// maxLineWarnings bounds each kind of warning about a file of many lines.
const maxLineWarnings = 20

// warnOfLines tells of lines that can be read but probably do not do what was meant, each time the
// file is read.
func (u *users) warnOfLines() {
	u.mu.Lock()
	clear(u.denied)
	u.mu.Unlock()
	for _, w := range u.table.Warnings() {
		u.log.Warn("the secrets file may not do what was meant", w.Attrs()...)
	}
	fits, unreachable, networks := 0, 0, u.pool.Prefixes()
	var others []string
	u.table.Table().Each(func(s secrets.Secret) {
		switch {
		case s.Server == "*" || s.Server == u.server:
			fits++
		case !slices.Contains(others, s.Server) && len(others) < 5:
			others = append(others, s.Server)
		}
		if unreachable >= maxLineWarnings || s.Server != "*" && s.Server != u.server {
			return
		}
		at := slog.String("at", fmt.Sprintf("%s:%d", u.path, s.Line))
		switch fixed, ok := s.FixedAddr(); {
		case ok && !u.pool.Contains(fixed):
			unreachable++
			u.log.Warn("the secrets file gives this user an address outside of --pool, to which this machine has no route: enlarge --pool, or add one with ip route",
				at, "user", s.Client, "address", fixed, "pool", u.pool)
		case !ok && s.AnyAllowed() && !s.Reaches(networks):
			unreachable++
			u.log.Warn("the secrets file allows this user no address of --pool, so that the login will be for nothing: change the line's networks, or --pool",
				at, "user", s.Client, "pool", u.pool)
		}
	})
	if fits == 0 && len(others) > 0 {
		u.log.Warn("no line of the secrets file is for this server, so that every login will fail: the second word has to be its --name, or *",
			"at", u.path, "name", u.server, "lines_are_for", strings.Join(others, ","))
	}
}

// find is the Lookup of a server. It logs nothing: anybody can have any name looked up.
func (u *users) find(name string) (tunnel.Account, bool) {
	secret, ok := u.table.Lookup(name, u.server)
	if !ok {
		return tunnel.Account{}, false
	}
	var a tunnel.Account
	a.Password, a.Allowed = secret.Password, secret.Allowed
	if !secret.AnyAllowed() {
		a.Allowed = func(netip.Addr) bool {
			u.deny(name, secret.Line)
			return false
		}
	}
	a.Preferred, _ = secret.FixedAddr()
	return a, true
}

// explain says for the log why a user is not known whom the file names.
func (u *users) explain(name string) string {
	table := u.table.Table()
	for _, n := range []string{name, mschap.UserName(name)} {
		servers := table.ServersOf(n)
		if len(servers) > 0 && !slices.Contains(servers, u.server) && !slices.Contains(servers, "*") {
			return fmt.Sprintf("the secrets file has this user, but for the server %s, and this one is %s (--name)", strings.Join(servers[:min(len(servers), 5)], ", "), u.server)
		}
	}
	return ""
}

// deny says that a user will get no address. It is asked when the password was right and an address
// is wanted, perhaps for every address of the pool, and says so once for each line.
func (u *users) deny(user string, line int) {
	u.mu.Lock()
	said := u.denied[line]
	u.denied[line] = true
	u.mu.Unlock()
	if !said {
		u.log.Error("the secrets file allows this user no address: add a fourth word to the line, * for any address of the pool",
			"user", user, "line", line)
	}
}
