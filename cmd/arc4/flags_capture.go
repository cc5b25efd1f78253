//go:build !nocapture

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/settings"
	"github.com/arc4tun/arc4tun/internal/capture"
	"github.com/arc4tun/arc4tun/internal/capturefile"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// captureExample is a line of connect's examples.
const captureExample = "  arc4 connect alice@192.0.2.1 --capture vpn.pcapng           # what it says and carries, for Wireshark\n"

// captureFlags have what a tunnel says and carries written to a file.
type captureFlags struct {
	path      string
	megabytes int
	files     int
	snapLen   int
	headers   bool
}

// Bounds of the flags. A file of a megabyte holds a login and some hundred packets.
const (
	maxCaptureSize  = 1 << 20 // megabytes
	maxCaptureFiles = 1000
	minSnapLen      = 40
	maxSnapLen      = capturefile.MaxPacket
)

func (f *captureFlags) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.path, "capture", "", "write the control connection, GRE and the packets inside to a `FILE` that Wireshark, tcpdump and arc4 decrypt read (pcapng), for its owner alone; all is in clear in it, and the login, from which the password can be found")
	flags.IntVar(&f.megabytes, "capture-size", 100, "most that the file of --capture has, in `MB` (1,000,000 bytes), 1 or more; then the capture ends")
	flags.IntVar(&f.files, "capture-files", 1, "keep the last `N` files of --capture instead of ending it, FILE, FILE.1, FILE.2, ..., the newest first, 1 to 1000")
	flags.IntVar(&f.snapLen, "capture-snaplen", 0, "most `BYTES` to keep of a packet, from its IP header on, 40 to 262144; 0 keeps all")
	flags.BoolVar(&f.headers, "capture-headers", false, "keep headers alone in the file of --capture: nothing of what packets carry, and no login")
}

// check refuses values that cannot be, and flags that could not have an effect.
func (f *captureFlags) check(cmd *cobra.Command) error {
	flags := cmd.Flags()
	if flags.Changed("capture") && f.path == "" {
		return exit.Usagef("--capture is empty: name the file, or leave the flag out")
	}
	if f.path == "" {
		for _, name := range []string{"capture-size", "capture-files", "capture-snaplen", "capture-headers"} {
			if flags.Changed(name) {
				return exit.Usagef("--%s has no effect without --capture: name the file, or leave it out", name)
			}
		}
		return nil
	}
	switch {
	case f.megabytes < 1 || f.megabytes > maxCaptureSize:
		return exit.Usagef("--capture-size %d: must be 1 to %d MB", f.megabytes, maxCaptureSize)
	case f.files < 1 || f.files > maxCaptureFiles:
		return exit.Usagef("--capture-files %d: must be 1 to %d", f.files, maxCaptureFiles)
	case f.snapLen != 0 && (f.snapLen < minSnapLen || f.snapLen > maxSnapLen):
		return exit.Usagef("--capture-snaplen %d: must be %d to %d bytes, or 0 for all", f.snapLen, minSnapLen, maxSnapLen)
	}
	return nil
}

// captureRun is the capture of a run. Without --capture it is nil, and its methods do nothing.
type captureRun struct {
	*capture.Capture
	log *slog.Logger
}

// open makes the file, and gives the log that is in it too. The log of the capture itself is the
// one before.
func (f *captureFlags) open(cmd *cobra.Command, server string, log *slog.Logger) (*captureRun, *slog.Logger, error) {
	if f.path == "" {
		return nil, log, nil
	}
	c, err := capture.Open(capture.Config{
		Path: f.path, Size: int64(f.megabytes) * 1_000_000, Files: f.files, SnapLen: f.snapLen, HeadersOnly: f.headers,
		Version: versionString(), Command: commandLine(cmd, server), Log: log,
	})
	if err != nil {
		err = fmt.Errorf("--capture: %w", err)
		if errors.Is(err, fs.ErrPermission) {
			return nil, log, exit.With(exit.Permission, err)
		}
		return nil, log, exit.With(exit.Failure, err)
	}
	r := &captureRun{c, slog.New(c.Handler(log.Handler()))}
	if f.headers {
		log.Info("capture of headers", "file", f.path)
	} else {
		log.Warn("--capture: the file holds what passes the tunnel in clear, and the login, from which the password can be found; --capture-headers leaves both out", "file", f.path)
	}
	return r, r.log, nil
}

// commandLine is what runs, with what the environment and a profile add to it, without secrets.
func commandLine(cmd *cobra.Command, server string) string {
	words := []string{cmd.CommandPath(), server}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		value := f.Value.String()
		if settings.SecretOf(f.Name) == settings.SecretValue {
			value = "(not shown)"
		}
		words = append(words, "--"+f.Name+"="+value)
	})
	return strings.Join(words, " ")
}

// attach has the edges of a tunnel captured: its connection, its GRE, its device and its log.
func (r *captureRun) attach(cfg *tunnel.ClientConfig) {
	if r == nil {
		return
	}
	dial, bring, demand := cfg.Dial, cfg.Bring, cfg.OnDemand
	if dial == nil {
		dial = func(ctx context.Context, address string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp4", address)
		}
	}
	cfg.Dial = func(ctx context.Context, address string) (net.Conn, error) {
		tcp, err := dial(ctx, address)
		if err != nil {
			return nil, err
		}
		return r.Conn(tcp), nil
	}
	cfg.Bring = func(ctx context.Context, n tunnel.Network) (netdev.Device, error) {
		dev, err := bring(ctx, n)
		return r.Device(dev), err
	}
	if demand != nil {
		cfg.OnDemand = func(ctx context.Context) (netdev.Device, netip.Addr, error) {
			dev, local, err := demand(ctx)
			return r.Device(dev), local, err
		}
	}
	cfg.RecordGRE, cfg.Log = r.Capture, r.log
}

// close ends the file.
func (r *captureRun) close(log *slog.Logger) {
	if r == nil {
		return
	}
	if err := r.Close(); err != nil {
		log.Warn("the capture's end", "error", err)
	}
}
