//go:build !nokillswitch

package killswitch

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/claim"
	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// namePrefix and the number of a process make the name of its table.
const namePrefix = "arc4-"

// Switch is a table that stands.
type Switch struct {
	Follows bool // it stands beside that of a process that is no more, whose place it takes after Sweep

	config Config
	claim  *claim.Claim
	kernel *nftables.Conn          // of the namespace of Up, whichever thread uses it
	news   *rtnetlink.Subscription // nil: nobody hears whether the table is taken away
	ended  sync.WaitGroup

	mu      sync.Mutex
	devices []string // of the tunnel
	over    bool
}

// Up adds the table, in the network namespace of the calling thread. An error says why there can
// be none; nothing is left then.
func Up(c Config) (*Switch, error) {
	s := &Switch{config: c}
	var err error
	if s.claim, err = claim.Open(); err != nil {
		return nil, err
	}
	if s.kernel, err = nftables.New(nftables.AsLasting()); err != nil {
		s.claim.Close()
		return nil, explain(err)
	}
	if err := s.put(); err != nil {
		s.claim.Close()
		_ = s.kernel.CloseLasting()
		return nil, explain(err)
	}
	names, _ := tables(s.kernel) // it has just taken ours
	s.Follows = slices.ContainsFunc(names, isLeft)
	s.watch()
	return s, nil
}

// explain says what is missing in words for people.
func explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("this program may not change nftables: it takes CAP_NET_ADMIN (%w)", err)
	case errors.Is(err, unix.EPROTONOSUPPORT), errors.Is(err, unix.EAFNOSUPPORT), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOENT):
		return fmt.Errorf(`this kernel has no nf_tables for it: load the module with "modprobe nf_tables", or take a kernel that has it (%w)`, err)
	}
	return err
}

// Name is that of the table, of the family inet.
func (s *Switch) Name() string { return namePrefix + strconv.FormatUint(uint64(s.claim.Number), 10) }

// Admit lets packets leave by the tunnel's device, too.
func (s *Switch) Admit(device string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || slices.Contains(s.devices, device) {
		return nil
	}
	s.devices = append(s.devices, device)
	return s.put()
}

// Down removes the table.
func (s *Switch) Down() error {
	s.mu.Lock()
	over := s.over
	s.over = true
	s.mu.Unlock()
	if over {
		return nil
	}
	err := remove(s.kernel, s.Name())
	s.end()
	return err
}

// Keep leaves the table for whoever comes next: Sweep takes it from then on.
func (s *Switch) Keep() {
	s.mu.Lock()
	over := s.over
	s.over = true
	s.mu.Unlock()
	if !over {
		s.end()
	}
}

func (s *Switch) end() {
	if s.news != nil {
		s.news.Close()
	}
	s.ended.Wait()
	_ = s.kernel.CloseLasting()
	s.claim.Close()
}

// put adds the table as it is to be, in place of what there is of it, in one step.
func (s *Switch) put() error {
	c := s.kernel
	t := &nftables.Table{Family: nftables.TableFamilyINet, Name: s.Name()}
	c.AddTable(t)
	c.DelTable(t)
	c.AddTable(t)
	policy := nftables.ChainPolicyDrop
	chain := c.AddChain(&nftables.Chain{
		Name: "leaving", Table: t, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityRef(lastPriority), Policy: &policy,
	})
	for _, match := range s.admitted() {
		c.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: accept(match)})
	}
	return c.Flush()
}

// lastPriority is behind the translation of source addresses, so that nobody changes a packet
// afterwards.
const lastPriority = 200

// watch hears when somebody takes the table away ("nft flush ruleset", as firewalls do when they
// are loaded anew), and puts it back.
func (s *Switch) watch() {
	var err error
	if s.news, err = rtnetlink.SubscribeNFTables(); err != nil {
		s.config.Log.Warn("nobody hears whether the kill switch is taken away", "table", s.Name(), "error", err)
		return
	}
	s.ended.Go(func() {
		const deletes = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_DELTABLE
		_ = s.news.Listen(func(n rtnetlink.Notification) {
			if n.Type == deletes {
				s.restore()
			}
		}, func(error) { s.restore() })
	})
}

// restore puts the table back if it is gone.
func (s *Switch) restore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	names, err := tables(s.kernel)
	if err == nil && slices.Contains(names, s.Name()) {
		return
	}
	if err := s.put(); err != nil {
		s.config.Log.Error("the kill switch was taken away, and cannot be put back: packets may leave outside the tunnel", "table", s.Name(), "error", err)
		return
	}
	s.config.Log.Warn("the kill switch was taken away, and is back", "table", s.Name())
}

// tables names those of the family inet.
func tables(c *nftables.Conn) ([]string, error) {
	list, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range list {
		names = append(names, t.Name)
	}
	return names, nil
}

// remove removes a table; one that is gone is no error.
func remove(c *nftables.Conn, name string) error {
	c.DelTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: name})
	if err := c.Flush(); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("remove the table inet %s of nftables: %w", name, err)
	}
	return nil
}

// isLeft reports whether a table is one of a process that is no more.
func isLeft(name string) bool {
	number, err := strconv.ParseUint(strings.TrimPrefix(name, namePrefix), 10, 32)
	return err == nil && strings.HasPrefix(name, namePrefix) && claim.Is(uint32(number)) && !claim.Held(uint32(number))
}

// Sweep removes the tables of processes that are no more, in the network namespace of the calling
// thread.
func Sweep(log *slog.Logger) error {
	if !rtnetlink.KernelHas(unix.NETLINK_NETFILTER) {
		return nil // netfilter has never been loaded, and nobody should wait for that
	}
	kernel, err := nftables.New(nftables.AsLasting())
	if err != nil {
		return nil // a kernel without netfilter has nothing of ours
	}
	defer kernel.CloseLasting()
	names, err := tables(kernel)
	if err != nil {
		return nil // no nftables here, or no right to them: nothing could be removed
	}
	var errs []error
	for _, name := range names {
		if !isLeft(name) {
			continue
		}
		if err := remove(kernel, name); err != nil {
			errs = append(errs, err)
			continue
		}
		log.Warn("removed the kill switch that another run has left", "table", name)
	}
	return errors.Join(errs...)
}
