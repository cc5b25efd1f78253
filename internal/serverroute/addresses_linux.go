package serverroute

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Addresses puts addresses on interfaces with the mark Protocol (IFA_PROTO, since Linux 5.18; older
// kernels take no notice of it). It stays in the network namespace where it was opened, whichever
// thread uses it.
type Addresses struct{ sockets map[int]*nl.SocketHandle }

const ifaProto = 11 // IFA_PROTO, linux/if_addr.h

// OpenAddresses works in the namespace of the calling thread.
func OpenAddresses() (*Addresses, error) {
	socket, err := nl.GetNetlinkSocketAt(netns.None(), netns.None(), unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	return &Addresses{map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: {Socket: socket}}}, nil
}

// Close closes it.
func (a *Addresses) Close() { a.sockets[unix.NETLINK_ROUTE].Close() }

// Add puts an address on an interface, as netlink.AddrAdd does: with its prefix, or with a peer.
func (a *Addresses) Add(link netlink.Link, addr *netlink.Addr) error {
	req := nl.NewNetlinkRequest(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
	req.Sockets = a.sockets
	local, peer, mask := addr.IP, addr.IP, addr.Mask
	if addr.Peer != nil {
		peer, mask = addr.Peer.IP, addr.Peer.Mask
	}
	family := nl.GetIPFamily(local)
	if family == netlink.FAMILY_V4 {
		local, peer = local.To4(), peer.To4()
	}
	bits, _ := mask.Size()
	msg := nl.NewIfAddrmsg(family)
	msg.Index, msg.Prefixlen, msg.Scope = uint32(link.Attrs().Index), uint8(bits), uint8(addr.Scope)
	req.AddData(msg)
	req.AddData(nl.NewRtAttr(unix.IFA_LOCAL, local))
	req.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, peer))
	req.AddData(nl.NewRtAttr(unix.IFA_FLAGS, binary.NativeEndian.AppendUint32(nil, uint32(addr.Flags))))
	req.AddData(nl.NewRtAttr(ifaProto, []byte{byte(Protocol)}))
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// marked are the addresses with our mark, by the index of their interface.
func (a *Addresses) marked() (map[int][]netip.Addr, error) {
	all := make(map[int][]netip.Addr)
	req := nl.NewNetlinkRequest(unix.RTM_GETADDR, unix.NLM_F_DUMP)
	req.Sockets = a.sockets
	req.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	messages, err := req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWADDR)
	if err != nil {
		return nil, fmt.Errorf("list the addresses: %w", err)
	}
	for _, m := range messages {
		if len(m) < unix.SizeofIfAddrmsg {
			continue
		}
		msg := nl.DeserializeIfAddrmsg(m)
		attrs, err := nl.ParseRouteAttr(m[msg.Len():])
		if err != nil {
			continue
		}
		var ours bool
		var local, address netip.Addr
		for _, attr := range attrs {
			switch attr.Attr.Type {
			case ifaProto:
				ours = len(attr.Value) == 1 && attr.Value[0] == byte(Protocol)
			case unix.IFA_LOCAL:
				local, _ = netip.AddrFromSlice(attr.Value)
			case unix.IFA_ADDRESS:
				address, _ = netip.AddrFromSlice(attr.Value)
			}
		}
		if !local.IsValid() {
			local = address // IPv6 has the one only, unless there is a peer
		}
		if ours && local.IsValid() {
			all[int(msg.Index)] = append(all[int(msg.Index)], local)
		}
	}
	return all, nil
}
