package link

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sleeper lets one goroutine sleep for microseconds and others wake it. Go's
// own timers end a sleep up to a millisecond late, because its poller counts
// milliseconds; ppoll with a timer slack of one nanosecond does not.
type sleeper struct {
	event int
	// Of the goroutine that sleeps:
	poll    [1]unix.PollFd
	timeout unix.Timespec
}

func newSleeper() (*sleeper, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("link: eventfd: %w", err)
	}
	return &sleeper{event: fd}, nil
}

// bind prepares the goroutine that sleeps: it keeps its thread, whose timer slack
// is taken away. The thread ends with the goroutine. Neither refusal is a reason
// to fail: the packets come later, and the account shows it.
func (s *sleeper) bind(realTime bool) {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	if realTime {
		_ = unix.SchedSetAttr(0, &unix.SchedAttr{
			Size:     unix.SizeofSchedAttr,
			Policy:   unix.SCHED_FIFO,
			Priority: 1,
			Flags:    unix.SCHED_FLAG_RESET_ON_FORK, // threads that Go starts from this one are ordinary
		}, 0)
	}
}

// sleep returns after d, or when woken, or early.
func (s *sleeper) sleep(d time.Duration) {
	s.prepare(d)
	n, _ := unix.Ppoll(s.poll[:], &s.timeout, nil)
	s.woken(n == 1)
}

// doze is a short sleep that Go's scheduler does not hear of: it waits for the
// sleeper before it can collect memory. After an ordinary system call, a thread may
// look in a loop at what another of Go's threads is about to write; one that goes
// before all ordinary ones keeps that other from its processor by looking, for
// tens of milliseconds.
func (s *sleeper) doze(d time.Duration) {
	s.prepare(d)
	n, _, _ := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&s.poll[0])), 1,
		uintptr(unsafe.Pointer(&s.timeout)), 0, 0, 0)
	s.woken(n == 1)
}

func (s *sleeper) prepare(d time.Duration) {
	s.poll[0] = unix.PollFd{Fd: int32(s.event), Events: unix.POLLIN}
	s.timeout = unix.NsecToTimespec(int64(d))
}

func (s *sleeper) woken(byEvent bool) {
	if byEvent {
		var count [8]byte
		_, _ = unix.Read(s.event, count[:]) // takes the event back; a second reader is no harm
	}
}

func (s *sleeper) wake() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, _ = unix.Write(s.event, one[:]) // fails only when it is full of events already
}

func (s *sleeper) close() { _ = unix.Close(s.event) }
