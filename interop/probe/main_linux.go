// Command probe sends numbered UDP packets through a link, or takes them, and writes down when each
// one was sent or came.
//
//	probe receive 192.0.2.2:7 FILE                 until it is stopped by SIGTERM
//	probe send 192.0.2.2:7 FILE COUNT EVERY SIZE   such as 2000 1ms 200
//
// A line of FILE is a packet's number and a time, in nanoseconds of the system's clock. The time of
// arrival is the kernel's own, so that it does not matter when the program runs.
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "receive":
		return receive(args[1], args[2])
	case len(args) == 6 && args[0] == "send":
		count, err1 := strconv.Atoi(args[3])
		every, err2 := time.ParseDuration(args[4])
		size, err3 := strconv.Atoi(args[5])
		if err := errors.Join(err1, err2, err3); err != nil {
			return err
		}
		return send(args[1], args[2], count, every, size)
	}
	return errors.New("want receive ADDRESS FILE, or send ADDRESS FILE COUNT EVERY SIZE")
}

func socket() (int, error) { return unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0) }

func address(text string) (*unix.SockaddrInet4, error) {
	a, err := netip.ParseAddrPort(text)
	if err != nil {
		return nil, err
	}
	return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}, nil
}

// numberSize is what a packet begins with; the rest is zero.
const numberSize = 4

// send sends count packets of size bytes of UDP data, one every so often, and in a burst what it is
// late with.
func send(to, file string, count int, every time.Duration, size int) error {
	addr, err := address(to)
	if err != nil {
		return err
	}
	fd, err := socket()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	lines := bufio.NewWriter(out)
	packet := make([]byte, max(size, numberSize))
	begin := time.Now()
	for i := range count {
		time.Sleep(time.Until(begin.Add(time.Duration(i) * every)))
		binary.BigEndian.PutUint32(packet, uint32(i))
		fmt.Fprintln(lines, i, time.Now().UnixNano())
		// What a full queue refuses is lost, as it would be further on.
		if err := unix.Sendto(fd, packet, 0, addr); err != nil && !errors.Is(err, unix.ENOBUFS) {
			return err
		}
	}
	return lines.Flush()
}

func receive(at, file string) error {
	addr, err := address(at)
	if err != nil {
		return err
	}
	fd, err := socket()
	if err != nil {
		return err
	}
	if err := errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20),
		unix.Bind(fd, addr),
	); err != nil {
		return err
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	lines := bufio.NewWriter(out)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGTERM)
	go func() {
		<-stop
		_ = unix.Shutdown(fd, unix.SHUT_RD) // a read gives 0 bytes then
	}()
	packet, control := make([]byte, 2048), make([]byte, 256)
	for {
		n, oob, _, _, err := unix.Recvmsg(fd, packet, control, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		case n < numberSize:
			return lines.Flush()
		}
		arrived, err := timestamp(control[:oob])
		if err != nil {
			return err
		}
		fmt.Fprintln(lines, binary.BigEndian.Uint32(packet), arrived)
	}
}

// timestamp finds the time of arrival in what the kernel gives beside a packet.
func timestamp(control []byte) (int64, error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return 0, err
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			return int64(binary.NativeEndian.Uint64(m.Data))*1e9 + int64(binary.NativeEndian.Uint64(m.Data[8:])), nil
		}
	}
	return 0, errors.New("the kernel gave no time of arrival")
}
