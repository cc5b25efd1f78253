package serverroute

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/claim"
	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// A tunnel takes in everything by rules as wg-quick(8) has it: what is not marked is looked up in
// a table of the tunnel's own, after the main table without its default route. One more rule has
// the server looked up in the main table: so the kernel's check of the source address (rp_filter
// in ip-sysctl) finds that answers come the right way, also where it is strict, and no setting of
// the system has to be changed for it. None of them names a gateway or an interface, and so none
// is wrong when those change.
//
// Their priorities follow each other. The table has the number of the process (claim), which is
// how another run knows whose they are.
const (
	mainPriority = 32766 // of the rule that the kernel has for the main table
	toServer     = 0     // the server: from the first priority on
	narrowMain   = 1     // the main table without its default route
	everything   = 2     // the tunnel's table
	rulesOfOurs  = 3
)

// ErrNoRules says that this kernel has no policy rules, or that this process may not add any.
var ErrNoRules = errors.New("no policy rules can be added here")

// rules are those by which a tunnel takes in everything.
type rules struct {
	first    uint32 // their first priority
	table    uint32
	mark     uint32
	families []uint8
}

// Table is the routing table that no other process of this program uses.
func (f *Follower) Table() uint32 { return f.claim.Number }

// Divert has all packets of these families but marked ones looked up in the table of that number,
// after what the main table has but its default route, until Release, Undivert or Close. An error
// that is ErrNoRules: that cannot be had here, and nothing has changed.
func (f *Follower) Divert(families ...uint8) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rules != nil {
		return nil
	}
	err := f.divert(families)
	if errors.Is(err, ErrNoRules) {
		f.log.Info("the default route goes to the main table, in halves", "reason", err)
	}
	return err
}

func (f *Follower) divert(families []uint8) error {
	first, err := f.freePriorities(families)
	if err != nil {
		return err
	}
	mark := f.mark
	if mark == 0 {
		mark = f.claim.Number // of nobody: the rule for the server has to do
	}
	r := &rules{first, f.claim.Number, mark, families}
	f.rules = r
	for _, family := range families {
		if err := f.addRules(family); err != nil {
			return errors.Join(err, f.removeRules())
		}
	}
	f.look()
	return nil
}

// Undivert takes the rules back.
func (f *Follower) Undivert() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.removeRules()
}

// freePriorities looks for the lowest place before the main table that is free in all families,
// and for other tunnels of this program that take in everything.
func (f *Follower) freePriorities(families []uint8) (uint32, error) {
	taken := make(map[uint32]bool)
	for _, family := range families {
		list, err := f.kernel.Rules(family)
		if err != nil && !errors.Is(err, rtnetlink.ErrInterrupted) {
			return 0, fmt.Errorf("%w: list the rules: %w", ErrNoRules, err)
		}
		if len(list) == 0 {
			return 0, fmt.Errorf("%w: this kernel lists none", ErrNoRules)
		}
		for _, r := range list {
			taken[r.Priority] = true
			if isDiversion(r) && claim.Held(r.Table) {
				return 0, fmt.Errorf("another tunnel of this program takes in everything (ip rule, priority %d): leave --default-route out here or there, or give this one a table of its own (--table)", r.Priority)
			}
		}
	}
	for first := uint32(mainPriority - rulesOfOurs); first > 0; first-- {
		if !taken[first+toServer] && !taken[first+narrowMain] && !taken[first+everything] {
			return first, nil
		}
	}
	return 0, errors.New("the policy rules take all priorities before that of the main table")
}

// rule is one of ours.
func (r *rules) rule(which uint32, server netip.Addr) rtnetlink.Rule {
	rule := rtnetlink.Rule{Priority: r.first + which, Table: unix.RT_TABLE_MAIN, By: Protocol}
	switch which {
	case toServer:
		rule.To = netip.PrefixFrom(server, server.BitLen())
	case narrowMain:
		rule.NoDefault = true
	case everything:
		rule.Table, rule.Invert, rule.Mark, rule.Mask = r.table, true, r.mark, 1<<32-1
	}
	return rule
}

// addRules adds those of a family but the server's. That of the tunnel's table is the first, and
// harmless as long as that is empty; it shows whose the others are. A kernel that does not know
// what narrows the main table takes the rule without that, which would have the main table's
// default route before ours: it is read back.
func (f *Follower) addRules(family uint8) error {
	for _, which := range []uint32{everything, narrowMain} {
		if err := f.addRule(family, f.rules.rule(which, netip.Addr{})); err != nil {
			return err
		}
	}
	list, err := f.kernel.Rules(family)
	if err != nil && !errors.Is(err, rtnetlink.ErrInterrupted) {
		return fmt.Errorf("list the rules: %w", err)
	}
	if !slices.ContainsFunc(list, func(r rtnetlink.Rule) bool { return r.Priority == f.rules.first+narrowMain && r.NoDefault }) {
		return fmt.Errorf("%w: this kernel knows no suppress_prefixlength", ErrNoRules)
	}
	return nil
}

func (f *Follower) addRule(family uint8, r rtnetlink.Rule) error {
	err := f.kernel.AddRule(family, r)
	for _, missing := range []error{unix.EOPNOTSUPP, unix.EAFNOSUPPORT, unix.EPERM, unix.EACCES} {
		if errors.Is(err, missing) {
			return fmt.Errorf("%w: %w", ErrNoRules, err)
		}
	}
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("add the policy rule %d: %w", r.Priority, err)
	}
	return nil
}

// keepRules adds those of ours that somebody has taken away, and has the server's follow the
// server. The caller holds mu.
func (f *Follower) keepRules() {
	if f.rules == nil {
		return
	}
	for _, family := range f.rules.families {
		list, err := f.kernel.Rules(family)
		if err != nil {
			continue // it is looked at again
		}
		want := []rtnetlink.Rule{f.rules.rule(everything, netip.Addr{}), f.rules.rule(narrowMain, netip.Addr{})}
		if family == unix.AF_INET && f.server.IsValid() {
			want = append(want, f.rules.rule(toServer, f.server))
		}
		for _, r := range want {
			if !slices.ContainsFunc(list, func(there rtnetlink.Rule) bool { return sameRule(there, r) }) {
				if err := f.addRule(family, r); err != nil {
					f.log.Warn("a policy rule is missing", "priority", r.Priority, "error", err)
				}
			}
		}
		for _, there := range list {
			if family == unix.AF_INET && there.Priority == f.rules.first+toServer && there.To.IsValid() && there.To.Addr() != f.server {
				if err := ignoreGone(f.kernel.DeleteRule(family, there)); err != nil {
					f.log.Warn("removing the policy rule of another server", "server", there.To.Addr(), "error", err)
				}
			}
		}
	}
}

// sameRule compares what older kernels have of a rule, too.
func sameRule(there, want rtnetlink.Rule) bool {
	there.By = want.By
	return there == want
}

// removeRules removes ours; that of the tunnel's table is the last. The caller holds mu.
func (f *Follower) removeRules() error {
	if f.rules == nil {
		return nil
	}
	r := f.rules
	f.rules = nil
	var errs []error
	for _, family := range r.families {
		list, err := f.kernel.Rules(family)
		if err != nil && !errors.Is(err, rtnetlink.ErrInterrupted) {
			errs = append(errs, fmt.Errorf("list the rules: %w", err))
		}
		for _, there := range list {
			mine := sameRule(there, r.rule(narrowMain, netip.Addr{})) || there.Priority == r.first+toServer && there.To.IsValid() && there.Table == unix.RT_TABLE_MAIN
			if mine {
				errs = append(errs, ignoreGone(f.kernel.DeleteRule(family, there)))
			}
		}
		errs = append(errs, ignoreGone(f.kernel.DeleteRule(family, r.rule(everything, netip.Addr{}))))
	}
	return errors.Join(errs...)
}

// isDiversion reports whether a rule has a process of this program take in everything.
func isDiversion(r rtnetlink.Rule) bool {
	return r.Invert && claim.Is(r.Table) && (r.By == Protocol || r.By == 0)
}

// isElsesDefault reports whether a route is in a table by which another program takes in
// everything that it has not marked, while ours takes in everything, too: the two would carry each
// other.
func (f *Follower) isElsesDefault(r *rtnetlink.Route) bool {
	if !f.all || inMain(r) || r.Table == unix.RT_TABLE_LOCAL {
		return false
	}
	list, err := f.kernel.Rules(unix.AF_INET)
	return err == nil && slices.ContainsFunc(list, func(rule rtnetlink.Rule) bool {
		return rule.Invert && rule.Mask != 0 && rule.Table == r.Table
	})
}

// sweepRules takes away the rules of processes that are no more.
func (f *Follower) sweepRules() error {
	var errs []error
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		list, err := f.kernel.Rules(family)
		if err != nil {
			continue // a kernel without rules has none of ours
		}
		for _, r := range list {
			if !f.leftoverRule(r, list) {
				continue
			}
			if err := ignoreGone(f.kernel.DeleteRule(family, r)); err != nil {
				errs = append(errs, fmt.Errorf("policy rule %d: %w", r.Priority, err))
				continue
			}
			f.log.Info("removed a policy rule that a killed run has left", "priority", r.Priority, "table", r.Table)
		}
	}
	return errors.Join(errs...)
}

// leftoverRule reports whether the process is no more that made a rule. What leads to the main
// table belongs to the rule behind it that leads to a process's table, which is made first and
// removed last.
func (f *Follower) leftoverRule(r rtnetlink.Rule, all []rtnetlink.Rule) bool {
	if isDiversion(r) {
		return r.Table != f.claim.Number && !claim.Held(r.Table)
	}
	behind := uint32(everything - narrowMain)
	switch {
	case r.Table != unix.RT_TABLE_MAIN || r.By != Protocol && r.By != 0:
		return false
	case r.To.IsValid():
		behind = everything - toServer
	case !r.NoDefault:
		return false
	}
	for _, owner := range all {
		if owner.Priority == r.Priority+behind && isDiversion(owner) {
			return f.leftoverRule(owner, nil)
		}
	}
	return r.By == Protocol
}
