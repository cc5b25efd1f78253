package rtnetlink

import "golang.org/x/sys/unix"

// Discipline is a queueing discipline of an interface (struct tcmsg and TCA_*; tc(8)).
type Discipline struct {
	Link    int
	Kind    string // "fq_codel", "clsact", ...
	Dropped uint32 // packets
}

// The numbers of linux/rtnetlink.h and linux/gen_stats.h that package unix does not have.
const (
	tcaKind       = 1
	tcaStats2     = 7
	statsQueue    = 3
	tcmsgLength   = 20
	egressFilters = 0xFFFFFFF3 // TC_H_CLSACT, TC_H_MIN_EGRESS
)

// Disciplines lists those of an interface.
func (c *Conn) Disciplines(link int) ([]Discipline, error) {
	r := newRequest(unix.RTM_GETQDISC, unix.NLM_F_DUMP, tcmsg(link, 0))
	return list(&c.socket, r, unix.RTM_NEWQDISC, func(b []byte) (Discipline, bool, error) {
		d, err := parseDiscipline(b)
		return d, d.Link == link, err
	})
}

// HasEgressFilters reports whether an interface's clsact has filters on what it sends.
func (c *Conn) HasEgressFilters(link int) (bool, error) {
	r := newRequest(unix.RTM_GETTFILTER, unix.NLM_F_DUMP, tcmsg(link, egressFilters))
	found, err := list(&c.socket, r, unix.RTM_NEWTFILTER, func([]byte) (struct{}, bool, error) { return struct{}{}, true, nil })
	return len(found) > 0, err
}

func tcmsg(link int, parent uint32) []byte {
	b := make([]byte, tcmsgLength)
	order.PutUint32(b[4:], uint32(link))
	order.PutUint32(b[12:], parent)
	return b
}

func parseDiscipline(b []byte) (d Discipline, err error) {
	if len(b) < tcmsgLength {
		return d, malformed("tcmsg", b)
	}
	d.Link = int(int32(order.Uint32(b[4:])))
	var inner error
	err = eachAttribute(b[tcmsgLength:], func(kind uint16, value []byte) {
		switch kind {
		case tcaKind:
			d.Kind = nameOf(value)
		case tcaStats2:
			inner = eachAttribute(value, func(kind uint16, value []byte) {
				const drops = 8 // in struct gnet_stats_queue
				if kind == statsQueue && len(value) >= drops+4 {
					d.Dropped = order.Uint32(value[drops:])
				}
			})
		}
	})
	if err == nil {
		err = inner
	}
	return d, err
}
