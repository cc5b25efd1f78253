package main

import (
	"time"

	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel"
)

// guardFlags say how much serve puts up with from those who have not logged in.
type guardFlags struct {
	loginGrace         time.Duration
	maxStartups        int
	startupsPerAddress int
	startupsPerUser    int
	maxFailures        int
	failuresPerAddress int
	banTime            time.Duration
}

// Ranges of these flags.
const (
	minLoginGrace = time.Second
	maxLoginGrace = time.Hour
	maxStartups   = 65535
	maxFailures   = 1000000
	maxBanTime    = 24 * time.Hour
)

func (f *guardFlags) addFlags(flags *pflag.FlagSet) {
	flags.DurationVar(&f.loginGrace, "login-grace-time", tunnel.DefaultHandshake, "how long a control connection may be without a logged-in user, calls or not; `TIME`, 1s to 1h")
	flags.IntVar(&f.maxStartups, "max-startups", tunnel.DefaultStarting, "`NUMBER` of control connections and calls without a user at once, 2 to 65535, a login being two of them; when there is no room, the oldest of the busiest network goes, not the newcomer")
	flags.IntVar(&f.startupsPerAddress, "max-startups-per-address", tunnel.DefaultStartingPerAddr, "the same `NUMBER` for one address, 2 or more; its own oldest goes")
	flags.IntVar(&f.startupsPerUser, "max-startups-per-user", tunnel.DefaultStartingPerUser, "`NUMBER` of control connections of one user that have no call any more, 1 or more; the user's oldest goes")
	flags.IntVar(&f.maxFailures, "max-failures", tunnel.DefaultFailures, "`NUMBER` of wrong passwords in a row for one user from one address that ban this user there; others may log in from there")
	flags.IntVar(&f.failuresPerAddress, "max-failures-per-address", tunnel.DefaultFailuresPerAddr, "`NUMBER` of wrong passwords from one address, for whatever users, that ban the address, except for users who have logged in from there")
	flags.DurationVar(&f.banTime, "ban-time", tunnel.DefaultPenalty, "how long a ban lasts, twice as long each further time, 1h at most; and how long a pause ends a row of failures; `TIME`, 1s to 24h, or 0 for no bans")
}

// limits checks the flags.
func (f *guardFlags) limits() (tunnel.GuardLimits, error) {
	l := tunnel.GuardLimits{
		Handshake: f.loginGrace, Starting: f.maxStartups, StartingPerAddr: f.startupsPerAddress, StartingPerUser: f.startupsPerUser,
		Failures: f.maxFailures, FailuresPerAddr: f.failuresPerAddress, Penalty: f.banTime,
	}
	if f.banTime == 0 {
		l.Penalty = -1
	}
	switch {
	case f.loginGrace < minLoginGrace || f.loginGrace > maxLoginGrace:
		return l, exit.Usagef("--login-grace-time %v: must be 1s to 1h (2m suits slow links too)", f.loginGrace)
	case f.maxStartups < 2 || f.maxStartups > maxStartups:
		return l, exit.Usagef("--max-startups %d: must be 2 to %d, for a login is two", f.maxStartups, maxStartups)
	case f.startupsPerAddress < 2 || f.startupsPerAddress > f.maxStartups:
		return l, exit.Usagef("--max-startups-per-address %d: must be 2 to %d, which is --max-startups", f.startupsPerAddress, f.maxStartups)
	case f.startupsPerUser < 1 || f.startupsPerUser > f.maxStartups:
		return l, exit.Usagef("--max-startups-per-user %d: must be 1 to %d, which is --max-startups", f.startupsPerUser, f.maxStartups)
	case f.maxFailures < 1 || f.maxFailures > maxFailures:
		return l, exit.Usagef("--max-failures %d: must be 1 to %d; --ban-time 0 bans nobody", f.maxFailures, maxFailures)
	case f.failuresPerAddress < f.maxFailures || f.failuresPerAddress > maxFailures:
		return l, exit.Usagef("--max-failures-per-address %d: must be %d, which is --max-failures, to %d", f.failuresPerAddress, f.maxFailures, maxFailures)
	case f.banTime < 0 || f.banTime > maxBanTime || f.banTime > 0 && f.banTime < time.Second:
		return l, exit.Usagef("--ban-time %v: must be 1s to 24h, or 0 for no bans", f.banTime)
	}
	return l, nil
}
