package malta

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

// The addresses and the login are those of interop/guest/lib.sh.
const (
	outsideAddress = "192.0.2.1"
	tunnelAddress  = "10.99.0.1"
	tunnelPool     = "10.99.0.100-10.99.0.120"
	login          = "\"lab\" * \"lab-pass-1\" *\n"
)

// The TCP ports that the other end of the tunnel has open.
const (
	sendingPort   = "5001" // sends zeros to whoever connects
	receivingPort = "5002" // takes what comes
)

// outside is the other end of the guest's cable: a network namespace of this machine, in which the
// program of [Job.Server] serves.
type outside struct {
	cable *os.File // the end that QEMU holds: a TAP device
	host  *netns.Host
	dir   string
	serve *exec.Cmd
	ports []net.Listener
}

// newOutside starts the server, which is killed by close at the latest.
func newOutside(program string) (o *outside, err error) {
	o = new(outside)
	defer func() {
		if err != nil {
			o.close()
		}
	}()
	if o.dir, err = os.MkdirTemp("", "outside"); err != nil {
		return nil, err
	}
	if o.host, err = netns.NewHost(); err != nil {
		return nil, err
	}
	if err := o.host.Do(o.join); err != nil {
		return nil, fmt.Errorf("the guest's cable: %w", err)
	}
	secrets := filepath.Join(o.dir, "secrets")
	if err := os.WriteFile(secrets, []byte(login), 0o600); err != nil {
		return nil, err
	}
	o.serve = exec.Command(program, "serve", "--listen", outsideAddress, "--local-ip", tunnelAddress, "--pool", tunnelPool,
		"--secrets", secrets, "--status-socket", "none")
	if err := o.host.Start(o.serve); err != nil {
		return nil, fmt.Errorf("the server outside: %w", err)
	}
	return o, nil
}

// join makes the cable and opens the ports; it runs in the namespace.
func (o *outside) join() error {
	var err error
	if o.cable, err = openTAP("cable"); err != nil {
		return err
	}
	if err := errors.Join(netns.AddAddress("cable", outsideAddress+"/24"), netns.SetUp("cable")); err != nil {
		return err
	}
	for port, talk := range map[string]func(net.Conn){sendingPort: send, receivingPort: receive} {
		l, err := net.Listen("tcp4", "0.0.0.0:"+port)
		if err != nil {
			return err
		}
		o.ports = append(o.ports, l)
		go answer(l, talk)
	}
	return nil
}

// openTAP makes an Ethernet device whose other side is the file.
func openTAP(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	f := os.NewFile(uintptr(fd), "/dev/net/tun")
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return nil, errors.Join(fmt.Errorf("TUNSETIFF: %w", err), f.Close())
	}
	return f, nil
}

// answer has talk speak with whoever connects, until the listener is closed.
func answer(l net.Listener, talk func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			talk(c)
		}()
	}
}

func send(c net.Conn) {
	for zeros := make([]byte, 1<<16); ; {
		if _, err := c.Write(zeros); err != nil {
			return
		}
	}
}

func receive(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// close ends everything; what was not made is passed over.
func (o *outside) close() {
	for _, l := range o.ports {
		l.Close()
	}
	if o.serve != nil && o.serve.Process != nil {
		_ = o.serve.Process.Signal(unix.SIGTERM)
		killer := time.AfterFunc(10*time.Second, func() { _ = o.serve.Process.Kill() })
		_ = o.serve.Wait()
		killer.Stop()
	}
	if o.cable != nil {
		o.cable.Close()
	}
	if o.host != nil {
		o.host.Close()
	}
	if o.dir != "" {
		os.RemoveAll(o.dir)
	}
}
