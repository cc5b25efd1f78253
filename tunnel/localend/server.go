package localend

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"

	"github.com/arc4tun/arc4tun/internal/serverroute"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// ServerConfig says what a server's local end is made of.
type ServerConfig struct {
	Device string         // name of the TUN device; %d becomes the first free number; "": netdev.DefaultName
	MTU    int            // of the device, bytes: that of tunnel.Options
	Local  netip.Addr     // the server's own address in every tunnel
	Local6 netip.Addr     // the same of IPv6, link-local; the zero value: none
	Routes []netip.Prefix // to the clients: pool.Pool.Prefixes
	Log    *slog.Logger   // nil: slog.Default
}

// Server is the TUN device that all sessions of a server share, with an address and routes.
type Server struct {
	device netdev.Device
	name   string
	setup  *netdev.Setup
	log    *slog.Logger
}

// NewServer removes what a killed run has left, and makes the device. Call Close in the end.
func NewServer(ctx context.Context, c ServerConfig) (*Server, error) {
	s := &Server{log: cmp.Or(c.Log, slog.Default())}
	if err := serverroute.Sweep(s.log); err != nil {
		s.log.Warn("looking for what a killed run has left", "error", err)
	}
	var err error
	if s.device, s.name, err = createTUN(cmp.Or(c.Device, netdev.DefaultName), c.MTU); err != nil {
		return nil, err
	}
	s.setup, err = netdev.NewSetup(netdev.Settings{Device: s.name, MTU: c.MTU, Local: c.Local, Local6: c.Local6, Routes: c.Routes})
	if err == nil {
		err = s.setup.Apply(ctx)
	}
	if err != nil {
		s.device.Close()
		return nil, err
	}
	return s, nil
}

// Device is for tunnel.ServerConfig.Device.
func (s *Server) Device() netdev.Device { return s.device }

// Name is the name that the kernel gave the device.
func (s *Server) Name() string { return s.name }

// Withdraw takes back what leads into the tunnels. The device stays for the farewell.
func (s *Server) Withdraw() { s.putBack(s.setup.Withdraw) }

// Close puts everything back, and closes the device.
func (s *Server) Close() {
	s.putBack(s.setup.Undo)
	s.device.Close()
}

func (s *Server) putBack(undo func() error) {
	if err := undo(); err != nil {
		s.log.Warn("putting addresses and routes back", "error", err)
	}
}
